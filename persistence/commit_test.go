package persistence

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	cosmosdb "github.com/cosmos/cosmos-db"
)

// observed counts the operations on a database, and fails on demand.
type observed struct {
	cosmosdb.DB
	writes, synced int
	fail           error
}

type observedBatch struct {
	cosmosdb.Batch
	db *observed
}

func (o *observed) NewBatch() cosmosdb.Batch { return &observedBatch{o.DB.NewBatch(), o} }

func (o *observed) Get(key []byte) ([]byte, error) {
	if o.fail != nil {
		return nil, o.fail
	}
	return o.DB.Get(key)
}

func (b *observedBatch) Write() error {
	b.db.writes++
	return errors.Join(b.db.fail, b.Batch.Write())
}

func (b *observedBatch) WriteSync() error {
	if b.db.fail != nil {
		return b.db.fail
	}
	b.db.synced++
	return b.Batch.WriteSync()
}

func loadObserved(t *testing.T, db *observed) *StateStore {
	t.Helper()
	s, err := load(newDatabase(db))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A large commit reaches the disk in one piece, so that a crash leaves the whole version or none of it.
func TestCommitIsOneSyncedBatch(t *testing.T) {
	db := &observed{DB: cosmosdb.NewMemDB()}
	s := loadObserved(t, db)
	for version := range 2 {
		for i := range 500 {
			set(t, s, fmt.Sprintf("key %d", i), strings.Repeat(fmt.Sprint(version), 2000))
		}
		commitState(t, s)
		if db.writes != 0 || db.synced != version+1 {
			t.Errorf("after version %d: %d writes, %d synced writes", version+1, db.writes, db.synced)
		}
	}
}

func TestFailedCommit(t *testing.T) {
	db := &observed{DB: cosmosdb.NewMemDB()}
	s := loadObserved(t, db)
	set(t, s, "a", "1")
	commitState(t, s)
	set(t, s, "a", "2")

	full := errors.New("no space left on device")
	db.fail = full
	if version, hash, err := s.Commit(); !errors.Is(err, full) || version != 0 || hash != nil {
		t.Fatalf("version %d, %x, %v", version, hash, err)
	}
	db.fail = nil
	if _, _, err := s.Commit(); !errors.Is(err, full) {
		t.Errorf("committed after a failure: %v", err)
	}
	if err := s.Set([]byte("a"), []byte("3")); !errors.Is(err, full) {
		t.Errorf("set after a failure: %v", err)
	}
	want := map[string]string{"a": "1"}
	snapshot, err := s.At(1)
	if err != nil {
		t.Fatal(err)
	}
	if got := entries(t, snapshot); s.Version() != 1 || !maps.Equal(got, want) {
		t.Errorf("version %d is %q", s.Version(), got)
	}
	if again := loadObserved(t, db); again.Version() != 1 || !maps.Equal(entries(t, again), want) {
		t.Errorf("reopened at version %d with %q", again.Version(), entries(t, again))
	}
}

// A node that cannot be read is an error, never the end of an iteration.
func TestReadFailures(t *testing.T) {
	db := &observed{DB: cosmosdb.NewMemDB()}
	s := loadObserved(t, db)
	for i := range 100 {
		set(t, s, fmt.Sprintf("key %d", i), "value")
	}
	commitState(t, s)
	snapshot, err := s.At(1)
	if err != nil {
		t.Fatal(err)
	}
	db.fail = errors.New("disk is gone")
	count := 0
	err = snapshot.Iterate([]byte("key"), func(_, _ []byte) bool { count++; return false })
	if err == nil || !strings.Contains(err.Error(), "disk is gone") {
		t.Errorf("iterated over %d of 100 keys: %v", count, err)
	}
	if value, err := snapshot.Get([]byte("key 50")); err == nil || !strings.Contains(err.Error(), "disk is gone") {
		t.Errorf("got %q, %v", value, err)
	}
	if _, err := s.At(1); err == nil || !strings.Contains(err.Error(), "disk is gone") {
		t.Errorf("At: %v", err)
	}
	if _, err := load(newDatabase(db)); err == nil {
		t.Error("loaded from a broken disk")
	}
}
