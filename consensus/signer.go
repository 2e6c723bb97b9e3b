package consensus

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"

	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// newSigner makes the validator's signer: the key stays in memory, and what was signed last is kept in the file at
// path, so that a restart never signs two blocks of one height. Without that file only a chain that has not begun may
// be signed for; it is then created.
func newSigner(key crypto.PrivateKey, path string, begun bool) (*privval.FilePV, error) {
	// The key file's path stays empty: CometBFT would panic rather than write the key.
	signer := privval.NewFilePV(ed25519.PrivKey(key.Bytes()), "", path)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && begun:
		return nil, fmt.Errorf("last-sign state %s is missing: without it a block could be signed twice", path)
	case errors.Is(err, fs.ErrNotExist):
		return signer, guard("write last-sign state", func() error {
			signer.LastSignState.Save()
			return nil
		})
	case err != nil:
		return nil, fmt.Errorf("read last-sign state: %w", err)
	}
	var last privval.FilePVLastSignState
	if err := cmtjson.Unmarshal(data, &last); err != nil {
		return nil, fmt.Errorf("parse last-sign state %s: %w", path, err)
	}
	signer.LastSignState.Height = last.Height
	signer.LastSignState.Round = last.Round
	signer.LastSignState.Step = last.Step
	signer.LastSignState.Signature = last.Signature
	signer.LastSignState.SignBytes = last.SignBytes
	return signer, nil
}

// nodeKey derives the key that names this node among its peers. It follows from the validator key, so that it need not
// be stored, but it does not reveal it.
func nodeKey(key crypto.PrivateKey) *p2p.NodeKey {
	mac := hmac.New(sha256.New, key.Bytes())
	mac.Write([]byte("pocket/node-key/v1"))
	derived := crypto.KeyFromSeed([sha256.Size]byte(mac.Sum(nil)))
	return &p2p.NodeKey{PrivKey: ed25519.PrivKey(derived.Bytes())}
}
