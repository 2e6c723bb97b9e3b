package persistence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	cosmosdb "github.com/cosmos/cosmos-db"
	"github.com/cosmos/iavl"
	iavldb "github.com/cosmos/iavl/db"

	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
)

const (
	// databaseName and restoreName are the databases of the state and of one that is being restored, without suffix.
	databaseName = "state"
	restoreName  = "restore"
	// databaseSuffix is what goleveldb's directories end with.
	databaseSuffix = ".db"
	// restoreBatch is the size at which a restore writes to its database: nobody reads that before it is complete.
	restoreBatch = 1 << 20
)

// ErrWrongState is returned when a restored state does not have the hash that it must have.
var ErrWrongState = errors.New("restored state has another hash than the chain's")

// Restore is a state that comes in from a snapshot, in a database of its own. End it with Install or Drop.
type Restore struct {
	store    *StateStore
	version  int64
	database cosmosdb.DB
	tree     *iavl.MutableTree
	importer *iavl.Importer
	shape    snapshot.Shape
	// last is the version of the last node, which is the root in the end.
	last int64
}

// forgetRestore removes a restore that was interrupted.
func forgetRestore(dir string) error {
	return os.RemoveAll(filepath.Join(dir, restoreName+databaseSuffix))
}

// Restore begins to restore the state of a version; the store itself must be empty until Install. One restore can be open
// at a time. It keeps 4 bytes for each height of the chain in memory, and about restoreBatch of nodes.
func (s *StateStore) Restore(version int64) (*Restore, error) {
	switch {
	case s.failed != nil:
		return nil, s.failed
	case s.Version() != 0:
		return nil, fmt.Errorf("restore state %d: there is a state of height %d", version, s.Version())
	}
	if err := forgetRestore(s.dir); err != nil {
		return nil, fmt.Errorf("restore state %d: %w", version, err)
	}
	db, err := cosmosdb.NewGoLevelDB(restoreName, s.dir, cosmosdb.OptionsMap{"maxopenfiles": defaultTables})
	if err != nil {
		return nil, fmt.Errorf("restore state %d: %w", version, err)
	}
	r := &Restore{store: s, version: version, database: db}
	r.tree = iavl.NewMutableTree(&restoring{Wrapper: iavldb.NewWrapper(db)}, pruningNodes, true, iavl.NewNopLogger(), iavl.SyncOption(true))
	if r.importer, err = r.tree.Import(version); err != nil {
		return nil, errors.Join(fmt.Errorf("restore state %d: %w", version, err), r.Drop())
	}
	return r, nil
}

// Add adds the next node. It keeps copies. Errors: snapshot.ErrMalformed.
func (r *Restore) Add(node snapshot.Node) error {
	if err := r.shape.Add(node.Height); err != nil {
		return err
	}
	if err := r.importer.Add(&iavl.ExportNode{Key: bytes.Clone(node.Key), Value: bytes.Clone(node.Value),
		Version: node.Version, Height: node.Height}); err != nil {
		return fmt.Errorf("restore state %d: %w", r.version, err)
	}
	r.last = node.Version
	return nil
}

// Install checks that the state is complete and has the given hash, and puts it into the store's place, durably. The
// restore is over whatever it returns. Errors: snapshot.ErrMalformed, ErrWrongState.
func (r *Restore) Install(hash []byte) error {
	if err := r.finish(hash); err != nil {
		return errors.Join(err, r.Drop())
	}
	r.importer.Close()
	if err := r.database.Close(); err != nil {
		return fmt.Errorf("install state %d: %w", r.version, err)
	}
	return r.store.replace(filepath.Join(r.store.dir, restoreName+databaseSuffix))
}

func (r *Restore) finish(hash []byte) error {
	if err := r.shape.End(); err != nil {
		return err
	}
	if err := r.importer.Commit(); err != nil {
		return fmt.Errorf("restore state %d: %w", r.version, err)
	}
	if got := r.tree.Hash(); !bytes.Equal(got, hash) {
		return fmt.Errorf("%w: state %d has %X, not %X", ErrWrongState, r.version, got, hash)
	}
	if r.last == r.version {
		return nil
	}
	if err := r.renameRoot(); err != nil {
		return fmt.Errorf("restore state %d: rename root: %w", r.version, err)
	}
	return nil
}

// renameRoot gives a root that an earlier version wrote the name that iavl gives it when that version is pruned: number 0
// instead of 1. Otherwise iavl would take it for the root of a version that exists, and never remove it.
func (r *Restore) renameRoot() error {
	name := append([]byte{'s'}, iavl.GetRootKey(r.last)...)
	node, err := r.database.Get(name)
	if err != nil {
		return err
	}
	batch := r.database.NewBatch()
	defer batch.Close()
	if err := batch.Delete(name); err != nil {
		return err
	}
	renamed := bytes.Clone(name)
	binary.BigEndian.PutUint32(renamed[len(renamed)-4:], 0)
	if err := batch.Set(renamed, node); err != nil {
		return err
	}
	return batch.WriteSync()
}

// Drop removes what was restored.
func (r *Restore) Drop() error {
	if r.importer != nil {
		r.importer.Close()
	}
	_ = r.database.Close()
	return forgetRestore(r.store.dir)
}

// Clear removes the state, so that it can be restored. Snapshots of its versions fail from then on.
func (s *StateStore) Clear() error { return s.replace("") }

// replace puts a closed database into the place of the store's, or an empty one if path is empty.
func (s *StateStore) replace(path string) error {
	open, own := s.open, filepath.Join(s.dir, databaseName+databaseSuffix)
	replacing := true
	s.open = func() (cosmosdb.DB, error) {
		if replacing {
			if err := os.RemoveAll(own); err != nil {
				return nil, err
			}
			if path != "" {
				if err := os.Rename(path, own); err != nil {
					return nil, err
				}
			}
			replacing = false
		}
		return open()
	}
	defer func() { s.open = open }()
	if err := s.Reopen(); err != nil {
		return fmt.Errorf("replace state: %w", err)
	}
	s.readers.Store(newTree(s.database)) // its nodes may have been cached under names that now are others'
	return nil
}

// restoring is the database of a restore. Its batches write what they hold when it becomes much: iavl counts the nodes, not
// their bytes.
type restoring struct{ *iavldb.Wrapper }

func (r *restoring) NewBatch() iavldb.Batch {
	return &restoringBatch{Batch: r.Wrapper.NewBatch(), next: r.Wrapper.NewBatch}
}

func (r *restoring) NewBatchWithSize(int) iavldb.Batch { return r.NewBatch() }

type restoringBatch struct {
	iavldb.Batch
	next  func() iavldb.Batch
	bytes int
}

// Set adds a value, and writes all before it if there is much.
func (b *restoringBatch) Set(key, value []byte) error {
	if b.bytes += len(key) + len(value); b.bytes > restoreBatch {
		if err := errors.Join(b.Batch.Write(), b.Batch.Close()); err != nil {
			return err
		}
		b.Batch, b.bytes = b.next(), len(key)+len(value)
	}
	return b.Batch.Set(key, value)
}
