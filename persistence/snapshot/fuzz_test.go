package snapshot

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// A chunk is refused, or it has exactly one form: what is read of it, written again, is the same bytes. What the decoder
// keeps is bounded, whatever it is given.
func FuzzRead(f *testing.F) {
	chunk, err := hex.DecodeString(golden)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(chunk, int64(300))
	f.Add(chunk, int64(2))
	f.Add(chunk[:len(chunk)-3], int64(300))
	f.Add([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, int64(1))
	f.Fuzz(func(t *testing.T, chunk []byte, height int64) {
		var again []byte
		var shape Shape
		err := Read(chunk, height, func(node Node) error {
			if node.Version < 1 || node.Version > height || len(node.Key) == 0 || (node.Value == nil) != (node.Height > 0) {
				t.Fatalf("read is %+v", node)
			}
			again = node.append(again)
			if err := shape.Add(node.Height); err != nil {
				return err
			}
			if len(shape.open) > maximumHeight+2 {
				t.Fatalf("%d subtrees are remembered", len(shape.open))
			}
			return nil
		})
		if err == nil && !bytes.Equal(again, chunk) {
			t.Fatalf("%x is read as %x", chunk, again)
		}
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
	})
}

// A manifest is refused, or says again what it was made of.
func FuzzParseManifest(f *testing.F) {
	good := Manifest{Height: 300, Hashes: make([][32]byte, 2)}
	f.Add(uint64(300), uint64(2), good.Metadata(), good.Hash())
	f.Add(uint64(1)<<63, uint64(1)<<62, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, height, chunks uint64, metadata, hash []byte) {
		manifest, err := ParseManifest(height, chunks, metadata, hash)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if uint64(manifest.Height) != height || !bytes.Equal(manifest.Metadata(), metadata) || !bytes.Equal(manifest.Hash(), hash) {
			t.Fatalf("manifest is %+v", manifest)
		}
	})
}
