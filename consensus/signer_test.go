package consensus

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cometbft/cometbft/p2p"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

func TestSignerNeverSignsTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	vote := func(height int64, block byte) *cmtproto.Vote {
		return &cmtproto.Vote{Type: cmtproto.PrevoteType, Height: height,
			BlockID: cmtproto.BlockID{Hash: bytes.Repeat([]byte{block}, 32),
				PartSetHeader: cmtproto.PartSetHeader{Total: 1, Hash: bytes.Repeat([]byte{block}, 32)}}}
	}
	first, err := newSigner(key(1), path, false)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Key.PubKey.Bytes(), key(1).PublicKey()) {
		t.Errorf("signs for %v", first.Key.PubKey)
	}
	signed := vote(5, 1)
	if err := first.SignVote("chain", signed); err != nil {
		t.Fatal(err)
	}

	for _, begun := range []bool{false, true} {
		restarted, err := newSigner(key(1), path, begun)
		if err != nil {
			t.Fatal(err)
		}
		if err := restarted.SignVote("chain", vote(5, 2)); err == nil {
			t.Error("signed two blocks of one height")
		}
		if err := restarted.SignVote("chain", vote(4, 1)); err == nil {
			t.Error("signed an earlier height")
		}
		same := vote(5, 1)
		if err := restarted.SignVote("chain", same); err != nil || !bytes.Equal(same.Signature, signed.Signature) {
			t.Errorf("the same vote again: %v", err)
		}
	}
}

func TestSignerRefuses(t *testing.T) {
	directory := t.TempDir()
	broken := filepath.Join(directory, "broken.json")
	if err := os.WriteFile(broken, []byte(`{"height":`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path  string
		begun bool
		want  string
	}{
		"missing":      {filepath.Join(directory, "missing.json"), true, "is missing"},
		"broken":       {broken, true, "parse last-sign state"},
		"unreadable":   {directory, true, "read last-sign state"},
		"no directory": {filepath.Join(directory, "none", "state.json"), false, "write last-sign state"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := newSigner(key(1), test.path, test.begun); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestNodeKey(t *testing.T) {
	of := func(number byte) *p2p.NodeKey { return Config{ValidatorKey: key(number)}.peerKey() }
	first := of(1)
	if first.ID() != of(1).ID() {
		t.Error("one validator key gives two node keys")
	}
	if first.ID() == of(2).ID() || bytes.Equal(first.PubKey().Bytes(), key(1).PublicKey()) {
		t.Error("the node key is another's")
	}
	if want := "8bb4afdbd3e7ab7d36e868eda7330defd69843c9"; string(first.ID()) != want {
		t.Errorf("the node key of key 1 has id %s, which was %s: peers would not find it", first.ID(), want)
	}
	if given := (Config{ValidatorKey: key(1), NodeKey: key(3)}).peerKey(); string(given.ID()) != NodeID(key(3)) || given.ID() == first.ID() {
		t.Errorf("a node key of its own gives id %s", given.ID())
	}
}

// TestAFollowerSignsWithNobodysKey: without a validator key, the signing key is neither the node key nor any
// validator's key.
func TestAFollowerSignsWithNobodysKey(t *testing.T) {
	follower := Config{NodeKey: key(1)}.signingKey()
	if follower.Address() == key(1).Address() || follower.Address() == (Config{NodeKey: key(2)}).signingKey().Address() {
		t.Error("the follower's key is another's")
	}
	if validator := (Config{ValidatorKey: key(2), NodeKey: key(1)}).signingKey(); validator.Address() != key(2).Address() {
		t.Errorf("the validator signs with %s", validator.Address())
	}
}
