package protocol_test

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// ringOf is the keys of a ring of n, the application's first.
func ringOf(t testing.TB, n int) [][]byte {
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = keyOf(t, byte(i+1)).PublicKey()
	}
	return keys
}

func TestRing(t *testing.T) {
	for _, size := range []int{2, 3, 8, protocol.MaxRing} {
		keys := ringOf(t, size)
		for _, member := range []int{0, size - 1} {
			signer, err := protocol.NewSigner(keyOf(t, byte(member+1)), keys)
			if err != nil {
				t.Fatal(err)
			}
			first, err := signer.Sign([32]byte{1})
			if err != nil {
				t.Fatal(err)
			}
			found, err := protocol.VerifyRing([32]byte{1}, first)
			if err != nil || !slices.EqualFunc(found, keys, bytes.Equal) || len(first) != 69+65*size {
				t.Errorf("%d keys, %d bytes, %v", len(found), len(first), err)
			}
			second, err := signer.Sign([32]byte{2})
			if err != nil || bytes.Equal(first, second) || !bytes.Equal(protocol.KeyImage(first), protocol.KeyImage(second)) {
				t.Errorf("%v", err)
			}
		}
	}
	app := keyOf(t, 1)
	alone, err := protocol.NewSigner(app, [][]byte{app.PublicKey(), app.PublicKey()})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := alone.Sign([32]byte{3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := protocol.VerifyRing([32]byte{3}, signature); err != nil {
		t.Error(err)
	}
}

func TestRingRefuses(t *testing.T) {
	key := keyOf(t, 1)
	for name, test := range map[string]struct {
		keys [][]byte
		want error
	}{
		"a stranger": {ringOf(t, 3)[1:], protocol.ErrNotInRing},
		"one key":    {ringOf(t, 1), protocol.ErrRing},
		"none":       {nil, protocol.ErrRing},
		"too many":   {slices.Repeat(ringOf(t, 1), protocol.MaxRing+1), protocol.ErrRing},
		"no key":     {[][]byte{key.PublicKey(), nil}, protocol.ErrRing},
		"no point":   {[][]byte{key.PublicKey(), bytes.Repeat([]byte{2}, 32), {}}, protocol.ErrRing},
		"off curve":  {[][]byte{key.PublicKey(), append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)}, protocol.ErrRing},
	} {
		if _, err := protocol.NewSigner(key, test.keys); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// The signer is used by many at once: the race detector watches the library's points.
func TestSignersShareNothing(t *testing.T) {
	signer, err := protocol.NewSigner(keyOf(t, 2), ringOf(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for j := range 4 {
				hash := [32]byte{byte(i), byte(j)}
				signature, err := signer.Sign(hash)
				if err == nil {
					_, err = protocol.VerifyRing(hash, signature)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// Whichever bit of a signature or hash is flipped, it is not valid any more.
func TestFlippedRingSignature(t *testing.T) {
	signer, err := protocol.NewSigner(keyOf(t, 1), ringOf(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		hash := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		signature, err := signer.Sign(hash)
		if err != nil {
			t.Fatal(err)
		}
		bit := rapid.IntRange(0, 8*(len(signature)+len(hash))-1).Draw(t, "bit")
		if bit < 8*len(signature) {
			signature[bit/8] ^= 1 << (bit % 8)
		} else {
			hash[bit/8-len(signature)] ^= 1 << (bit % 8)
		}
		if _, err := protocol.VerifyRing(hash, signature); err == nil {
			t.Errorf("valid with bit %d flipped", bit)
		}
	})
}

func TestRingAddresses(t *testing.T) {
	left := func(heights map[uint64][]string) map[uint64]*protocol.UndelegatingGatewayList {
		lists := make(map[uint64]*protocol.UndelegatingGatewayList)
		for height, gateways := range heights {
			lists[height] = &protocol.UndelegatingGatewayList{GatewayAddresses: gateways}
		}
		return lists
	}
	for name, test := range map[string]struct {
		application *protocol.Application
		want        []string
	}{
		"alone":     {&protocol.Application{Address: "a"}, []string{"a", "a"}},
		"delegated": {&protocol.Application{Address: "a", DelegateeGatewayAddresses: []string{"z", "b"}}, []string{"a", "z", "b"}},
		"left in the session, and later, and before": {&protocol.Application{Address: "a", PendingUndelegations: left(map[uint64][]string{40: {"d", "c"}, 60: {"b", "c"}, 39: {"e"}})},
			[]string{"a", "b", "c", "d"}},
		"left and come back": {&protocol.Application{Address: "a", DelegateeGatewayAddresses: []string{"b"}, PendingUndelegations: left(map[uint64][]string{60: {"b"}})}, []string{"a", "b"}},
	} {
		if got := protocol.RingAddresses(test.application, 40); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
