package persistence

import (
	"errors"
	"sync"

	cosmosdb "github.com/cosmos/cosmos-db"
	iavldb "github.com/cosmos/iavl/db"
)

// ErrClosed is returned when the store was closed.
var ErrClosed = errors.New("state store is closed")

// database is the key-value store below the tree. It lets iavl write a commit as one batch, and makes closing safe
// while snapshots are read: Close waits for running reads; later ones get ErrClosed.
type database struct {
	*iavldb.Wrapper

	mu     sync.RWMutex
	closed bool
}

// flushThreshold is the size of a batch above which iavl writes it before it is complete: never.
const flushThreshold = int(^uint(0) >> 1)

func newDatabase(db cosmosdb.DB) *database {
	return &database{Wrapper: iavldb.NewWrapper(db)}
}

// NewBatchWithSize ignores the size, which iavl takes from the flush threshold and which would be allocated at once.
func (d *database) NewBatchWithSize(int) iavldb.Batch { return d.NewBatch() }

// Get reads one value.
func (d *database) Get(key []byte) ([]byte, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return nil, ErrClosed
	}
	return d.Wrapper.Get(key)
}

// Has reports whether there is a value.
func (d *database) Has(key []byte) (bool, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return false, ErrClosed
	}
	return d.Wrapper.Has(key)
}

// ended reports whether the database is closed.
func (d *database) ended() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.closed
}

// reopen closes the database and opens it again. Reads wait meanwhile; if it cannot be opened, they get ErrClosed.
func (d *database) reopen(open func() (cosmosdb.DB, error)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var closed error
	if !d.closed {
		d.closed = true
		closed = d.Wrapper.Close() // says again what failed before, and closes nevertheless
	}
	db, err := open()
	if err != nil {
		return errors.Join(err, closed)
	}
	d.Wrapper, d.closed = iavldb.NewWrapper(db), false
	return nil
}

// Close closes the database once; closing it again does nothing.
func (d *database) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	return d.Wrapper.Close()
}
