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
// path, so that a restart never signs two blocks of one height. Without that file it signs only for a chain that has
// not begun; the file is then created.
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

// signingKey returns the validator key, or a key that belongs to no validator.
func (c Config) signingKey() crypto.PrivateKey {
	if len(c.ValidatorKey.Bytes()) > 0 {
		return c.ValidatorKey
	}
	return derive(c.NodeKey, "pocket/follower-key/v1")
}

// peerKey returns the node key. A node key that is derived from the validator key need not be stored, and does not
// reveal it.
func (c Config) peerKey() *p2p.NodeKey {
	if len(c.NodeKey.Bytes()) > 0 {
		return nodeKey(c.NodeKey)
	}
	return nodeKey(derive(c.ValidatorKey, "pocket/node-key/v1"))
}

func nodeKey(key crypto.PrivateKey) *p2p.NodeKey {
	return &p2p.NodeKey{PrivKey: ed25519.PrivKey(key.Bytes())}
}

// NodeID returns the id by which peers name the node with a node key: 40 hex digits.
func NodeID(key crypto.PrivateKey) string { return string(nodeKey(key).ID()) }

// derive returns a key for one purpose, derived from another key.
func derive(key crypto.PrivateKey, purpose string) crypto.PrivateKey {
	mac := hmac.New(sha256.New, key.Bytes())
	mac.Write([]byte(purpose))
	return crypto.KeyFromSeed([sha256.Size]byte(mac.Sum(nil)))
}
