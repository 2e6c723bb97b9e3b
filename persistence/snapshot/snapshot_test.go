package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// small is a tree of three leaves.
func small() []Node {
	return []Node{
		{Version: 1, Key: []byte("account/a"), Value: []byte("12 POKT")},
		{Version: 300, Key: []byte("account/b"), Value: []byte{}},
		{Height: 1, Version: 300, Key: []byte("account/b")},
		{Version: 2, Key: []byte("params"), Value: []byte{0, 1, 2}},
		{Height: 2, Version: 300, Key: []byte("params")},
	}
}

// golden is the only chunk of small. Nodes of one network exchange these bytes: a program that changes them needs a format
// of its own.
const golden = "0001096163636f756e742f61073132" + "20504f4b54" +
	"00ac02096163636f756e742f6200" +
	"01ac02096163636f756e742f62" +
	"000206706172616d7303000102" +
	"02ac0206706172616d73"

const goldenHash = "aee9a5dd1bc718f643e48a0d3fd42b2045226b10c8cf9027e2edb1cec07c1738"

func chunksOf(t *testing.T, nodes []Node) (chunks [][]byte) {
	t.Helper()
	writer := NewWriter(func(chunk []byte) error {
		chunks = append(chunks, bytes.Clone(chunk))
		return nil
	})
	for _, node := range nodes {
		if err := writer.Add(node); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return chunks
}

func TestFormatGolden(t *testing.T) {
	t.Parallel()
	chunks := chunksOf(t, small())
	if len(chunks) != 1 || hex.EncodeToString(chunks[0]) != golden {
		t.Fatalf("chunks are %x, want %s", chunks, golden)
	}
	manifest := Manifest{Height: 300, Hashes: [][sha256.Size]byte{sha256.Sum256(chunks[0])}}
	if got := hex.EncodeToString(manifest.Hash()); got != goldenHash {
		t.Errorf("hash is %s, want %s", got, goldenHash)
	}
	var read []Node
	if err := Read(chunks[0], 300, func(node Node) error {
		read = append(read, node)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	same := slices.EqualFunc(read, small(), func(a, b Node) bool {
		return a.Height == b.Height && a.Version == b.Version && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) &&
			(a.Value == nil) == (b.Value == nil)
	})
	if !same {
		t.Errorf("read are %v", read)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string][]byte{
		"nothing":                          {},
		"a chunk that is too large":        make([]byte, ChunkBytes+1),
		"a height above every tree's":      {maximumHeight + 1, 1, 1, 'a'},
		"no version":                       {0},
		"version 0":                        {0, 0, 1, 'a', 0},
		"a version of the future":          {0, 101, 1, 'a', 0},
		"a version longer than necessary":  {0, 0x81, 0x00, 1, 'a', 0},
		"a number that overflows":          append([]byte{0}, bytes.Repeat([]byte{0xff}, 11)...),
		"a leaf without a key":             {0, 1, 0, 0},
		"a key that ends early":            {0, 1, 9, 'a'},
		"a key of the length of all bytes": {0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"a leaf without a value":           {0, 1, 1, 'a'},
		"a value that ends early":          {0, 1, 1, 'a', 2, 'b'},
	}
	for name, chunk := range tests {
		if err := Read(chunk, 100, func(Node) error { return nil }); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestShapeRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string][]int8{
		"no node":                       {},
		"two trees":                     {0, 0},
		"an inner node alone":           {1},
		"one child":                     {0, 1},
		"a height that is not its own":  {0, 0, 2},
		"children out of balance":       {0, 0, 1, 0, 2, 0, 3},
		"a negative height":             {-1},
		"a height above every tree's":   {maximumHeight + 1},
		"leaves that never get parents": make([]int8, maximumHeight+3),
	}
	for name, heights := range tests {
		var shape Shape
		err := error(nil)
		for _, height := range heights {
			if err = shape.Add(height); err != nil {
				break
			}
		}
		if err == nil {
			err = shape.End()
		}
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseManifestRefuses(t *testing.T) {
	t.Parallel()
	good := Manifest{Height: 9, Hashes: make([][sha256.Size]byte, 2)}
	if _, err := ParseManifest(9, 2, good.Metadata(), good.Hash()); err != nil {
		t.Fatal(err)
	}
	tests := map[string]func() (Manifest, error){
		"no height":      func() (Manifest, error) { return ParseManifest(0, 2, good.Metadata(), good.Hash()) },
		"a huge height":  func() (Manifest, error) { return ParseManifest(1<<63, 2, good.Metadata(), good.Hash()) },
		"another height": func() (Manifest, error) { return ParseManifest(8, 2, good.Metadata(), good.Hash()) },
		"no chunks":      func() (Manifest, error) { return ParseManifest(9, 0, nil, good.Hash()) },
		"too many chunks": func() (Manifest, error) {
			return ParseManifest(9, MaxChunks+1, make([]byte, 32*(MaxChunks+1)), good.Hash())
		},
		"more chunks than hashes": func() (Manifest, error) {
			return ParseManifest(9, 3, good.Metadata(), good.Hash())
		},
		"another hash": func() (Manifest, error) { return ParseManifest(9, 2, good.Metadata(), make([]byte, 32)) },
		"no hash":      func() (Manifest, error) { return ParseManifest(9, 2, good.Metadata(), nil) },
	}
	for name, parse := range tests {
		if _, err := parse(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An entry that does not fit into a chunk is refused; others are never cut in two.
func TestWriterCutsBetweenNodes(t *testing.T) {
	t.Parallel()
	var sizes []int
	writer := NewWriter(func(chunk []byte) error {
		sizes = append(sizes, len(chunk))
		return Read(chunk, 9, func(Node) error { return nil })
	})
	for _, height := range []int8{0, 0, 1, 0, 0, 1, 2} {
		node := Node{Height: height, Version: 9, Key: []byte("key")}
		if height == 0 {
			node.Value = make([]byte, ChunkBytes/2)
		}
		if err := writer.Add(node); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if len(sizes) != 4 {
		t.Errorf("chunks have %v bytes", sizes)
	}
	writer = NewWriter(func([]byte) error { return nil })
	if err := writer.Add(Node{Version: 1, Key: []byte("key"), Value: make([]byte, ChunkBytes)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("an entry larger than a chunk: %v", err)
	}
}

func TestDirectoryKeepsTheNewest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "snapshots")
	d, err := OpenDirectory(path, 2)
	if err != nil {
		t.Fatal(err)
	}
	write := func(height int64) error {
		return d.Write(height, func(add func(Node) error) error {
			for _, node := range small() {
				if err := add(node); err != nil {
					return err
				}
			}
			return nil
		}, func(int) error { return nil })
	}
	for _, height := range []int64{300, 400, 500, 500} {
		if err := write(height); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("broken")
	if err := d.Write(600, func(add func(Node) error) error {
		return errors.Join(add(small()[0]), broken)
	}, func(int) error { return nil }); !errors.Is(err, broken) {
		t.Errorf("a snapshot that failed: %v", err)
	}
	if err := d.Write(700, func(add func(Node) error) error { return add(small()[0]) }, nil); err != nil {
		t.Errorf("a tree of one leaf: %v", err)
	}
	if err := d.Write(800, func(func(Node) error) error { return nil }, nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("a tree that ended early: %v", err)
	}
	// A damaged one, one that was interrupted, and what is not a snapshot.
	if err := errors.Join(os.WriteFile(filepath.Join(path, "500", "manifest"), []byte("no"), 0o600),
		os.MkdirAll(filepath.Join(path, "900.half"), 0o700), os.MkdirAll(filepath.Join(path, "lost+found"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if d, err = OpenDirectory(path, 2); err != nil {
		t.Fatal(err)
	}
	if kept := d.List(); len(kept) != 1 || kept[0].Height != 700 || d.Oldest() != 700 {
		t.Errorf("kept are %v", kept)
	}
	var left []string
	entries, _ := os.ReadDir(path)
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	if fmt.Sprint(left) != "[700 lost+found]" {
		t.Errorf("left are %v", left)
	}
	if chunk, err := d.Chunk(700, 0); err != nil || !d.List()[0].Proves(0, chunk) {
		t.Errorf("chunk is %x, %v", chunk, err)
	}
	for _, at := range []struct {
		height int64
		index  uint32
	}{{700, 1}, {700, 1 << 31}, {300, 0}, {-1, 0}} {
		if _, err := d.Chunk(at.height, at.index); !errors.Is(err, ErrUnknown) {
			t.Errorf("chunk %v: %v", at, err)
		}
	}
}
