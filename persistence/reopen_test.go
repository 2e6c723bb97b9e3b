package persistence

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	cosmosdb "github.com/cosmos/cosmos-db"
)

// lasting is a database whose content outlives closing it.
type lasting struct{ cosmosdb.DB }

func (lasting) Close() error { return nil }

// After a failed commit a store goes on from the last version, and readers do not notice.
func TestReopen(t *testing.T) {
	disk := &observed{DB: lasting{cosmosdb.NewMemDB()}}
	s := loadObserved(t, disk)
	full := error(nil)
	s.open = func() (cosmosdb.DB, error) {
		if full != nil {
			return nil, full
		}
		return disk, nil
	}
	set(t, s, "key", "one")
	commitState(t, s)
	hash := s.Hash()
	snapshot, err := s.At(1)
	if err != nil {
		t.Fatal(err)
	}

	set(t, s, "key", "two")
	disk.fail = syscall.ENOSPC
	if _, _, err := s.Commit(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the commit fails with %v", err)
	}
	disk.fail, full = nil, syscall.ENOSPC
	if err := s.Reopen(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("opening fails with %v", err)
	}
	if _, err := s.Get([]byte("key")); err == nil {
		t.Error("the state that is not open was read")
	}
	if _, err := s.At(1); !errors.Is(err, ErrClosed) {
		t.Errorf("At: %v", err)
	}

	full = nil
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	if s.Version() != 1 || string(s.Hash()) != string(hash) {
		t.Errorf("goes on at %d, %x", s.Version(), s.Hash())
	}
	if value, err := s.Get([]byte("key")); err != nil || string(value) != "one" {
		t.Errorf("%q, %v", value, err)
	}
	if value, err := snapshot.Get([]byte("key")); err != nil || string(value) != "one" {
		t.Errorf("snapshot: %q, %v", value, err)
	}
	set(t, s, "key", "two")
	commitState(t, s)
	if later, err := s.At(2); err != nil {
		t.Error(err)
	} else if value, err := later.Get([]byte("key")); err != nil || string(value) != "two" {
		t.Errorf("%q, %v", value, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Reopen(); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed store: %v", err)
	}
}

// A directory is opened again while its database is still open.
func TestReopenDirectory(t *testing.T) {
	s := open(t, t.TempDir())
	set(t, s, "key", strings.Repeat("one", 100))
	commitState(t, s)
	set(t, s, "key", "two")
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	if value, err := s.Get([]byte("key")); err != nil || string(value) != strings.Repeat("one", 100) || s.Version() != 1 {
		t.Errorf("%q, %v at %d", value, err, s.Version())
	}
}
