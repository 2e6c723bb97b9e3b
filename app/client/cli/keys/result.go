package keys

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/shared/account"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// keyView is a stored key as it is shown.
type keyView struct {
	Address   string        `json:"address"`
	Type      keystore.Type `json:"type"`
	PublicKey string        `json:"public_key"`
	Label     string        `json:"label"`
	File      string        `json:"file"`
}

func newKeyView(store *keystore.Store, entry keystore.Entry) keyView {
	return keyView{Address: entry.Address, Type: entry.Type, PublicKey: entry.PublicKey, Label: entry.Label, File: store.Path(entry.Address)}
}

func (v keyView) text() string {
	return fmt.Sprintf("address     %s\ntype        %s\npublic key  %s\nlabel       %s\nfile        %s\n",
		v.Address, v.Type, v.PublicKey, terminal.Clean(v.Label), terminal.Clean(v.File))
}

// keyList is a directory of keys as it is shown.
type keyList struct {
	Directory string       `json:"directory"`
	Keys      []keyView    `json:"keys"`
	Problems  []keyProblem `json:"problems"`
}

// keyProblem is a key file that cannot be used.
type keyProblem struct {
	Address string `json:"address"`
	Problem string `json:"problem"`
}

func newKeyList(store *keystore.Store, entries []keystore.Entry, problems []keystore.Problem) keyList {
	list := keyList{Directory: store.Directory(), Keys: []keyView{}, Problems: []keyProblem{}}
	for _, entry := range entries {
		list.Keys = append(list.Keys, newKeyView(store, entry))
	}
	for _, problem := range problems {
		list.Problems = append(list.Problems, keyProblem{problem.Address, problem.Err.Error()})
	}
	return list
}

// text has a column of types where there are several.
func (l keyList) text() string {
	if len(l.Keys)+len(l.Problems) == 0 {
		return fmt.Sprintf("no keys in %s; make one with 'pocket keys create'\n", terminal.Clean(l.Directory))
	}
	typed := slices.ContainsFunc(l.Keys, func(key keyView) bool { return key.Type != keystore.Ed25519 })
	row := func(address, kind, public, label string) []string {
		if !typed {
			return []string{address, public, label}
		}
		return []string{address, kind, public, label}
	}
	var rows [][]string
	for _, key := range l.Keys {
		rows = append(rows, row(key.Address, key.Type.String(), key.PublicKey, terminal.Clean(key.Label)))
	}
	for _, problem := range l.Problems {
		rows = append(rows, row(problem.Address, "", "unusable", ""))
	}
	return terminal.Table(row("ADDRESS", "TYPE", "PUBLIC KEY", "LABEL"), rows)
}

// rows is the CSV form. Scripts depend on it: columns are only ever added at the end.
func (l keyList) rows() [][]string {
	rows := [][]string{{"address", "type", "public_key", "label", "file", "problem"}}
	for _, key := range l.Keys {
		rows = append(rows, []string{key.Address, key.Type.String(), key.PublicKey, command.CSVText(key.Label), command.CSVText(key.File), ""})
	}
	for _, problem := range l.Problems {
		rows = append(rows, []string{problem.Address, "", "", "", "", command.CSVText(problem.Problem)})
	}
	return rows
}

// clearKey is a private key in the clear.
type clearKey struct {
	Address   string `json:"address"`
	PublicKey string `json:"public_key"`
	Seed      string `json:"seed"`
}

func newClearKey(key crypto.PrivateKey) clearKey {
	return clearKey{Address: key.Address(), PublicKey: key.PublicKeyHex(), Seed: hex.EncodeToString(key.Bytes()[:32])}
}

// text is the seed alone, as 'pocket keys import' takes it.
func (k clearKey) text() string { return k.Seed + "\n" }

// clearAccount is a secp256k1 key in the clear.
type clearAccount struct {
	Address    string `json:"address"`
	PublicKey  string `json:"public_key"`
	PrivateKey string `json:"private_key"`
}

func newClearAccount(key *account.PrivateKey) clearAccount {
	return clearAccount{Address: key.Address(), PublicKey: hex.EncodeToString(key.PublicKey()), PrivateKey: hex.EncodeToString(key.Bytes())}
}

// text is the key alone, as 'pocket keys import --secp256k1' takes it.
func (k clearAccount) text() string { return k.PrivateKey + "\n" }
