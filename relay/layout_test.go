package relay

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// TestLayoutIsTheLibrarys: envelopes are written as the protobuf library writes them, and read as it reads them.
func TestLayoutIsTheLibrarys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := crypto.KeyFromSeed([32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")))
		body := rapid.SliceOfN(rapid.Byte(), 1, 40_000).Draw(t, "body")
		value := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "value")
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(&types.Envelope{Body: body, Signature: &types.Signature{
			Scheme: types.SignatureScheme_SIGNATURE_SCHEME_ED25519, PublicKey: key.PublicKey(), Value: value,
		}})
		if err != nil {
			t.Fatal(err)
		}
		got := layOut(nil, key, body, value)
		if !bytes.Equal(got, want) {
			t.Fatalf("\n got %x\nwant %x", got, want)
		}
		if len(got) != sizeOf(body) {
			t.Fatalf("%d bytes, not %d", sizeOf(body), len(got))
		}
		if !isTakenApart(t, got) {
			t.Fatal("an envelope of ours is left to the library")
		}
		at := rapid.IntRange(0, len(got)-1).Draw(t, "at")
		got[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		isTakenApart(t, got)
		isTakenApart(t, got[:at])
	})
}

// isTakenApart fails if an envelope is taken apart that the library reads in another way, or not at all.
func isTakenApart(t interface {
	Helper()
	Fatalf(string, ...any)
}, data []byte) bool {
	t.Helper()
	got, ok := takeApart(data)
	if !ok {
		return false
	}
	want := new(types.Envelope)
	err := proto.Unmarshal(data, want)
	if err != nil || !proto.Equal(got.envelope(), want) {
		t.Fatalf("%x: taken apart %v; the library says %v, error %v", data, got.envelope(), want, err)
	}
	return true
}

func FuzzTakeApart(f *testing.F) {
	f.Add(layOut(nil, crypto.KeyFromSeed([32]byte{1}), []byte("body"), make([]byte, 64)))
	f.Add(append([]byte{bodyTag, 0x81, 0}, layOut(nil, crypto.KeyFromSeed([32]byte{1}), []byte("b"), make([]byte, 64))[2:]...))
	f.Fuzz(func(t *testing.T, data []byte) { isTakenApart(t, data) })
}
