package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
)

// exported returns the chunks of a version.
func exported(t *testing.T, s *StateStore, version int64) (chunks [][]byte) {
	t.Helper()
	release, err := s.Pin(version)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	writer := snapshot.NewWriter(func(chunk []byte) error {
		chunks = append(chunks, bytes.Clone(chunk))
		return nil
	})
	if err := s.Export(t.Context(), version, writer.Add); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return chunks
}

func restored(t *testing.T, s *StateStore, version int64, chunks [][]byte) *Restore {
	t.Helper()
	restore, err := s.Restore(version)
	if err != nil {
		t.Fatal(err)
	}
	for _, chunk := range chunks {
		if err := snapshot.Read(chunk, version, restore.Add); err != nil {
			t.Fatal(err)
		}
	}
	return restore
}

// A state that went through a snapshot goes on as the original does: the same hashes of the same changes, also after it
// was pruned and opened again. Its own snapshot has the same bytes.
func TestRestoreGoesOnAsTheOriginal(t *testing.T) {
	t.Parallel()
	original, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer original.Close()
	random := rand.New(rand.NewPCG(7, 7))
	for i := range 3000 { // several chunks
		value := bytes.Repeat([]byte{byte(i)}, 500)
		if err := original.Set(fmt.Appendf(nil, "actor/%d", i*7919%10_000), value); err != nil {
			t.Fatal(err)
		}
	}
	grow(t, original, random, 50, nil)
	if err := original.Prune(40, 1000); err != nil { // a pruned original is as good
		t.Fatal(err)
	}
	chunks := exported(t, original, 45)
	if len(chunks) < 2 {
		t.Fatalf("%d chunks", len(chunks))
	}
	at45, err := original.At(45)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	copied, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { copied.Close() }()
	if err := restored(t, copied, 45, chunks).Install(at45.tree.Hash()); err != nil {
		t.Fatal(err)
	}
	if copied.Version() != 45 || copied.Oldest() != 45 || !bytes.Equal(copied.Hash(), at45.tree.Hash()) {
		t.Fatalf("restored is version %d, from %d on, hash %X", copied.Version(), copied.Oldest(), copied.Hash())
	}
	if again := exported(t, copied, 45); !bytes.Equal(bytes.Join(again, nil), bytes.Join(chunks, nil)) {
		t.Error("the snapshot of the restored state has other bytes")
	}
	// Replay the versions that the original has had since, and more on both.
	if err := original.Clear(); err != nil {
		t.Fatal(err)
	}
	if err := restored(t, original, 45, chunks).Install(at45.tree.Hash()); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		seed := uint64(round)
		a := grow(t, original, rand.New(rand.NewPCG(seed, 2)), 20, nil)
		b := grow(t, copied, rand.New(rand.NewPCG(seed, 2)), 20, nil)
		for version, hash := range a.hashes {
			if !bytes.Equal(hash, b.hashes[version]) {
				t.Fatalf("version %d has the hash %X, and %X restored", version, hash, b.hashes[version])
			}
		}
		if err := copied.Prune(copied.Version()-3, 1000); err != nil {
			t.Fatal(err)
		}
		if err := copied.Close(); err != nil {
			t.Fatal(err)
		}
		if copied, err = Open(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// A snapshot that does not have the chain's hash, or is no whole tree, leaves an empty store and nothing on the disk.
func TestRestoreRefusesAnotherState(t *testing.T) {
	t.Parallel()
	source, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	grow(t, source, rand.New(rand.NewPCG(3, 3)), 20, nil)
	chunks := exported(t, source, 20)
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := restored(t, s, 20, chunks).Install(make([]byte, 32)); !errors.Is(err, ErrWrongState) {
		t.Errorf("another hash: %v", err)
	}
	if err := restored(t, s, 20, nil).Install(source.Hash()); !errors.Is(err, snapshot.ErrMalformed) {
		t.Errorf("no nodes: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "restore.db")); !errors.Is(err, os.ErrNotExist) || s.Version() != 0 {
		t.Errorf("left is version %d, %v", s.Version(), err)
	}
	// The store still takes the right one, and then no other.
	if err := restored(t, s, 20, chunks).Install(source.Hash()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Restore(20); err == nil {
		t.Error("a state that is not empty was replaced")
	}
}

// A restore that was interrupted leaves nothing.
func TestOpenForgetsAnUnfinishedRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	restore, err := s.Restore(9)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(restore.database.Close(), s.Close()); err != nil { // as after kill -9
		t.Fatal(err)
	}
	if s, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := os.Stat(filepath.Join(dir, "restore.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left: %v", err)
	}
}
