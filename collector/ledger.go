package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pocket-fisherman/fisherman/collector/order"
)

// chainID is a relay chain of a network.
type chainID struct{ network, relayChain string }

// record is what is remembered of a fisherman's statements about one relay chain.
type record struct {
	Network    string `json:"network"`
	RelayChain string `json:"relay_chain"`
	order.Chain
	// Lost is how many rounds the fisherman says that it had to remove before they were published.
	Lost uint64 `json:"lost"`
}

func (r *record) clone() *record {
	clone := *r
	clone.Chain = *r.Chain.Clone()
	return &clone
}

// ledger is where the statements of one fisherman have got to, on the disk.
type ledger struct {
	// Version of the file's form.
	Version int       `json:"version"`
	Chains  []*record `json:"chains"`
}

const (
	ledgerVersion = 1
	ledgerName    = "ledger.json"
)

// readLedger reads the ledger in a directory; an empty one if there is none.
func readLedger(directory string) (map[chainID]*record, error) {
	path := filepath.Join(directory, ledgerName)
	read := make(map[chainID]*record)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return read, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var stored ledger
	if err := decoder.Decode(&stored); err != nil || stored.Version != ledgerVersion {
		return nil, fmt.Errorf("%s is damaged, or of another version; remove it, and the stream is read from its beginning: what is stored stays", path)
	}
	for _, each := range stored.Chains {
		if each != nil {
			read[chainID{each.Network, each.RelayChain}] = each
		}
	}
	return read, nil
}

// writeLedger replaces the ledger in a directory, durably: it is whole or not there, whenever the machine stops.
func writeLedger(directory string, chains []*record) error {
	data, err := json.Marshal(ledger{Version: ledgerVersion, Chains: chains})
	if err != nil {
		return err
	}
	path := filepath.Join(directory, ledgerName)
	if err := writeSynced(path+".new", data); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return syncDirectory(directory)
}

func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
