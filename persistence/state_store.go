package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"

	cosmosdb "github.com/cosmos/cosmos-db"
	"github.com/cosmos/iavl"

	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// cachedNodes is the number of tree nodes that the writer and the readers each keep in memory, about a hundred bytes
// per node.
const cachedNodes = 20_000

// defaultTables bounds the tables that the database keeps open: goleveldb's default is half of the descriptors that many
// processes may have.
const defaultTables = 64

// StateStore is the chain's state: a working state over committed versions, numbered from 1 without gaps.
//
// Get, Iterate, Set, Delete, WorkingHash, Commit, Prune, Rollback, Restore and Close may be called by one goroutine at a
// time, the writer. Version, Latest, Oldest, Hash, At, Pin and Export are safe for concurrent use with it.
type StateStore struct {
	database *database
	working  *iavl.MutableTree
	// readers only provides snapshots. It shares no nodes with working.
	readers   atomic.Pointer[iavl.MutableTree]
	committed atomic.Pointer[commit]
	// failed is the reason why nothing can be written any more: ErrClosed, or the error of a commit.
	failed error
	// open opens the database again.
	open func() (cosmosdb.DB, error)
	// dir is the directory of the database.
	dir string
	// oldest is the oldest version that is kept; 0 when there is none.
	oldest atomic.Int64
	pins   pins
}

// commit is a committed version.
type commit struct {
	version int64
	hash    []byte
}

// Open opens the state in a directory, which is created if necessary, and continues from the last committed version. A
// directory can be open only once at a time.
func Open(dir string) (*StateStore, error) { return OpenTables(dir, defaultTables) }

// OpenTables is Open for a database that keeps at most so many of its tables open as files, at least 1; it opens a few others
// besides.
func OpenTables(dir string, tables int) (*StateStore, error) {
	open := func() (cosmosdb.DB, error) {
		return cosmosdb.NewGoLevelDB("state", dir, cosmosdb.OptionsMap{"maxopenfiles": tables})
	}
	if err := forgetRestore(dir); err != nil {
		return nil, fmt.Errorf("open state in %s: %w", dir, err)
	}
	db, err := open()
	if err != nil {
		return nil, fmt.Errorf("open state in %s: %w", dir, err)
	}
	s, err := load(newDatabase(db))
	if err != nil {
		return nil, fmt.Errorf("open state in %s: %w", dir, errors.Join(err, db.Close()))
	}
	s.open, s.dir = open, dir
	return s, nil
}

func newTree(db *database) *iavl.MutableTree {
	const skipFastNodes = true
	return iavl.NewMutableTree(db, cachedNodes, skipFastNodes, iavl.NewNopLogger(),
		iavl.SyncOption(true), iavl.FlushThresholdOption(flushThreshold))
}

// load takes over the database.
func load(db *database) (*StateStore, error) {
	s := &StateStore{database: db, working: newTree(db)}
	s.readers.Store(newTree(db))
	version, err := s.working.Load()
	if err != nil {
		return nil, fmt.Errorf("load tree: %w", err)
	}
	s.oldest.Store(firstOf(s.working, version))
	s.publish(version)
	return s, nil
}

// publish makes the version that the working tree was last saved as visible to readers.
func (s *StateStore) publish(version int64) {
	c := &commit{version: version}
	if version > 0 {
		c.hash = s.working.Hash()
	}
	s.committed.Store(c)
}

// Version returns the last committed version; 0 when there is none.
func (s *StateStore) Version() int64 { return s.committed.Load().version }

// Latest returns the last committed height. It is Version, under the name that readers use.
func (s *StateStore) Latest() int64 { return s.Version() }

// Hash returns the hash of the last committed version; nil when there is none.
func (s *StateStore) Hash() []byte { return bytes.Clone(s.committed.Load().hash) }

// At returns the state that was committed as version. Errors: modules.ErrHeightUnavailable.
func (s *StateStore) At(version int64) (*Snapshot, error) {
	if version > s.Version() {
		return nil, fmt.Errorf("%w: state %d of %d", modules.ErrHeightUnavailable, version, s.Version())
	}
	if err := s.kept(version); err != nil {
		return nil, err
	}
	tree, err := s.readers.Load().GetImmutable(version)
	if err != nil {
		return nil, s.unread(version, err)
	}
	return &Snapshot{tree: tree, unread: s.unread}, nil
}

// Get returns the value of a key in the working state; nil, nil when there is none. The caller may keep and change it.
func (s *StateStore) Get(key []byte) ([]byte, error) {
	if s.failed != nil {
		return nil, s.failed
	}
	return get(s.working, key)
}

// Iterate visits the entries of the working state whose key starts with prefix, in ascending order of keys, until visit
// returns true. The slices may be kept and changed; the store may not be changed by visit.
func (s *StateStore) Iterate(prefix []byte, visit func(key, value []byte) (stop bool)) error {
	if s.failed != nil {
		return s.failed
	}
	return iterate(s.working, prefix, visit)
}

// Set sets a value in the working state. It keeps copies. The key may not be empty and the value may not be nil.
func (s *StateStore) Set(key, value []byte) error {
	if s.failed != nil {
		return s.failed
	}
	if len(key) == 0 || value == nil {
		return fmt.Errorf("set state key %q: an empty key or nil value", key)
	}
	if _, err := s.working.Set(bytes.Clone(key), bytes.Clone(value)); err != nil {
		return fmt.Errorf("set state key %q: %w", key, err)
	}
	return nil
}

// Delete removes a key from the working state. It is not an error if the key does not exist.
func (s *StateStore) Delete(key []byte) error {
	if s.failed != nil {
		return s.failed
	}
	if _, _, err := s.working.Remove(key); err != nil {
		return fmt.Errorf("delete state key %q: %w", key, err)
	}
	return nil
}

// WorkingHash returns the hash that Commit would return now; nil if the store can no longer be written.
func (s *StateStore) WorkingHash() []byte {
	if s.failed != nil {
		return nil
	}
	return bytes.Clone(s.working.WorkingHash())
}

// Commit makes the working state the next version, even if nothing changed. When it returns, the version is on disk. A
// failed commit leaves the last version as it was; the store then refuses writes until it is reopened.
func (s *StateStore) Commit() (version int64, hash []byte, err error) {
	if s.failed != nil {
		return 0, nil, s.failed
	}
	if _, version, err = s.working.SaveVersion(); err != nil {
		s.failed = fmt.Errorf("commit state %d: %w", s.Version()+1, err)
		return 0, nil, s.failed
	}
	if s.oldest.Load() == 0 {
		s.oldest.Store(version)
	}
	s.publish(version)
	return version, s.Hash(), nil
}

// Reopen discards uncommitted changes and continues from what the disk holds, after a failed commit for example: that
// is the last version, or the one whose commit failed. Snapshots stay valid; their reads wait. If it fails, the store
// cannot be read or written until a later call succeeds. A closed store stays closed.
func (s *StateStore) Reopen() error {
	if errors.Is(s.failed, ErrClosed) {
		return s.failed
	}
	s.failed = errors.New("the state is not open")
	if err := s.database.reopen(s.open); err != nil {
		return fmt.Errorf("open state again: %w", err)
	}
	working := newTree(s.database)
	version, err := working.Load()
	if err != nil {
		return fmt.Errorf("open state again: load tree: %w", err)
	}
	s.working, s.failed = working, nil
	s.oldest.Store(firstOf(working, version))
	s.publish(version)
	return nil
}

// Rollback discards all changes since the last commit.
func (s *StateStore) Rollback() {
	if s.failed == nil {
		s.working.Rollback()
	}
}

// Close discards uncommitted changes and closes the files. It may be called while snapshots are read; their reads then
// fail. Closing again does nothing.
func (s *StateStore) Close() error {
	if errors.Is(s.failed, ErrClosed) {
		return nil
	}
	s.failed = ErrClosed
	if err := errors.Join(s.working.Close(), s.readers.Load().Close(), s.database.Close()); err != nil {
		return fmt.Errorf("close state: %w", err)
	}
	return nil
}
