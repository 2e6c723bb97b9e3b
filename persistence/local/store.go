package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pocket-fisherman/fisherman/shared/disk"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// Errors that callers decide on.
var (
	// ErrRoundExists is returned when a round of that session and index is stored; it stays as it is.
	ErrRoundExists = errors.New("round is stored already")
	// ErrFull is returned when a record exceeds MaxBytes even with all other sessions removed.
	ErrFull = errors.New("record does not fit in the local store")
	// ErrClosed is returned when the store was closed.
	ErrClosed = modules.ErrStoreClosed
)

// diskError marks an error of the disk, or of what is stored on it, as opposed to the caller's.
type diskError struct{ error }

func (e diskError) Unwrap() error { return e.error }

// Store stores sessions and rounds. It is safe for concurrent use. Writes are made one by one; reads wait neither for each
// other nor for the disk to take a write, and return only what is durable.
//
// When the disk fails a write, that write returns the disk's error and the store closes the database. The next call opens
// it again and finds every record that was acknowledged. While the disk keeps failing, every call returns an error. After
// an error of the disk the write may, as after a crash, be stored all the same; writing it again shows which.
type Store struct {
	dir     string
	options Options
	files   vfs.FS

	// writing is locked by whoever changes the fields below or what is stored. It is locked before mu.
	writing sync.Mutex
	// calls are those of putAll that wait to be stored.
	calls calls
	// mu is locked while the fields below change, and locked for reading while records are read. It is not locked while the
	// disk takes a write.
	mu sync.RWMutex
	// db is nil after a failure and after Close.
	db        *database
	catalogue *catalogue
	// learned are sessions that were searched and of which no note is stored.
	learned []sessionID
	// history is nil in a store of relays, and in one that is only read and has none.
	history *history
	// outgoing is nil in a store without an outbox.
	outgoing *outgoing
	closed   bool

	failures atomic.Int64
	// closers are the goroutines that close a failed database.
	closers sync.WaitGroup
}

// Open opens the store in a directory and creates both if they don't exist. Errors: ErrForeign and ErrInUse, which leave
// the directory as it was; ErrCorrupt for a damaged file, after which the directory has to be removed; or the system's.
func Open(dir string, options Options) (*Store, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open local store: %w", err)
	}
	return open(absolute, options, vfs.Default)
}

func open(dir string, options Options, files vfs.FS) (*Store, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if err := options.Validate(); err != nil {
		return nil, fmt.Errorf("open local store: %w", err)
	}
	s := &Store{dir: dir, options: options, files: files}
	s.writing.Lock()
	err := s.reopen()
	s.writing.Unlock()
	if err != nil {
		s.closers.Wait()
		return nil, fmt.Errorf("open local store: %w", err)
	}
	return s, nil
}

// reopen opens the database and counts what is stored. It requires writing.
func (s *Store) reopen() error {
	hooks := failureHooks{stopped: s.onStopped, background: s.onFailure}
	db, err := openDatabase(s.dir, s.files, s.options, hooks)
	if err != nil {
		return fmt.Errorf("%s: %w", s.dir, plain(err))
	}
	check := func([]byte, []byte) error { return nil }
	if s.options.verify && !s.options.readOnly {
		check = verifyRecord
	}
	catalogue, err := readCatalogue(db.DB, s.options.hasHistory(), check)
	if err == nil && s.options.hasHistory() {
		err = s.openNotes(db, catalogue)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", s.dir, plain(err)), db.Close())
	}
	history, err := s.openHistory(db, catalogue)
	if err != nil {
		return errors.Join(fmt.Errorf("%s: rollups: %w", s.dir, plain(err)), db.Close())
	}
	outgoing, err := s.openOutbox(db, catalogue)
	if err != nil {
		return errors.Join(fmt.Errorf("%s: outbox: %w", s.dir, plain(err)), db.Close())
	}
	durable := db.durable
	db.durable = db.NewSnapshot()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db, s.catalogue, s.history, s.outgoing = db, catalogue, history, outgoing
	return durable.Close()
}

// openNotes reads the notes, and removes those of sessions that a version without notes has removed.
func (s *Store) openNotes(db *database, known *catalogue) error {
	stale, err := readNotes(db, known)
	if err != nil || len(stale) == 0 || s.options.readOnly {
		return err
	}
	batch := db.NewBatch()
	for _, key := range stale {
		err = errors.Join(err, batch.Delete(key, nil))
	}
	return errors.Join(err, db.commit(batch), batch.Close())
}

// openHistory reads what is known of rollups, and begins them in a store that has none.
func (s *Store) openHistory(db *database, known *catalogue) (*history, error) {
	if !s.options.hasHistory() {
		return nil, nil
	}
	ctx := context.Background()
	read, err := loadHistory(ctx, db, s.options.History, known)
	if !errors.Is(err, errNoHistory) {
		return read, err
	}
	if s.options.readOnly {
		return nil, nil
	}
	begun, err := db.beginHistory(ctx, s.options.History, known, s.options.clock(), s.onLost)
	if err != nil {
		return nil, err
	}
	begins := db.durable
	db.durable = db.NewSnapshot()
	return begun, begins.Close()
}

// onLost logs that something of the rollups is lost.
func (s *Store) onLost(err error) {
	s.options.Logger.Warn("something of the history is lost", "dir", s.dir, "error", err)
}

// onFailure counts a failure of the disk.
func (s *Store) onFailure(err error) {
	s.failures.Add(1)
	level := slog.LevelError
	switch {
	case s.options.quiet:
		level = slog.LevelDebug
	case disk.Full(err): // the chain halts on the same disk, says so, and goes on when there is room, as this store does
		level = slog.LevelWarn
	}
	s.options.Logger.Log(context.Background(), level, "local store failed", "dir", s.dir, "error", err)
}

// onStopped counts the failure that stopped the disk and has the database closed soon. Until then pebble keeps working in
// memory, and retries what it cannot read back.
func (s *Store) onStopped(err error) {
	s.onFailure(err)
	s.closers.Go(func() {
		s.writing.Lock()
		defer s.writing.Unlock()
		s.discardFailed()
	})
}

// discardFailed closes the database if its disk stopped. It requires writing.
func (s *Store) discardFailed() {
	if s.db == nil || s.db.disk.failure() == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.db.Close(); err != nil {
		s.options.Logger.Debug("local store: close after failure", "error", err)
	}
	s.db = nil
}

// ready opens the database unless it is open. It requires writing.
func (s *Store) ready() error {
	if s.closed {
		return ErrClosed
	}
	s.discardFailed()
	if s.db != nil {
		return nil
	}
	before := s.failures.Load()
	if err := s.reopen(); err != nil {
		// If the disk stopped while the database was being opened, that is counted already.
		s.failures.CompareAndSwap(before, before+1)
		return diskError{fmt.Errorf("open local store again: %w", err)}
	}
	s.options.Logger.Info("local store works again", "dir", s.dir)
	return nil
}

// change makes what plan adds to a transaction durable. An error of plan changes nothing.
func (s *Store) change(ctx context.Context, plan func(*transaction) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.changeNow(plan)
}

// changeNow is change. It requires writing.
func (s *Store) changeNow(plan func(*transaction) error) error {
	if err := s.ready(); err != nil {
		return err
	}
	err := s.transact(plan)
	if err == nil || refused(err) {
		return err
	}
	// A failure that stopped the disk is counted where it happened.
	if s.db.disk.failure() == nil {
		s.failures.Add(1)
	}
	return diskError{plain(err)}
}

// transact plans and commits a transaction. Reads see none of it before it is durable. It requires writing.
func (s *Store) transact(plan func(*transaction) error) error {
	t := &transaction{batch: s.db.NewIndexedBatch(), caps: s.options, catalogue: s.catalogue, outgoing: s.outgoing}
	if s.history != nil {
		t.history = s.history.change(t.batch, s.options.clock(), s.onLost)
	}
	defer t.batch.Close()
	s.mu.Lock()
	err := plan(t)
	t.rollback()
	s.mu.Unlock()
	if err != nil || t.batch.Empty() {
		return err
	}
	if err := s.db.commit(t.batch); err != nil {
		return err
	}
	durable := s.db.NewSnapshot()
	s.mu.Lock()
	defer s.mu.Unlock()
	t.apply()
	s.outgoing = t.outgoing
	if t.appends && s.options.appended != nil {
		s.options.appended()
	}
	if t.evicted > 0 {
		s.options.Logger.Warn("local store is full: removed the oldest sessions", "sessions", t.evicted)
	}
	s.db.durable, durable = durable, s.db.durable
	return durable.Close()
}

// read runs a query on what is durable. The query may run twice: if the disk stops during the first run, that may have
// read what was never stored.
func (s *Store) read(ctx context.Context, query func() error) error {
	if done, err := s.readShared(ctx, query); done {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.ready(); err != nil {
		return err
	}
	return plain(query())
}

// readShared runs a query beside others. It is done if the disk worked until the end.
func (s *Store) readShared(ctx context.Context, query func() error) (done bool, err error) {
	if err := ctx.Err(); err != nil {
		return true, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil || s.db.disk.failure() != nil {
		return false, nil
	}
	err = plain(query())
	return s.db.disk.failure() == nil, err
}

// Close waits for calls under way and closes the store. All that was acknowledged is on the disk already. Closing a closed
// store does nothing.
func (s *Store) Close() error {
	s.writing.Lock()
	s.discardFailed()
	s.mu.Lock()
	var err error
	s.closed = true
	if s.db != nil {
		err = errors.Join(s.db.Close(), s.db.disk.failure())
		s.db = nil
	}
	s.mu.Unlock()
	s.writing.Unlock()
	s.closers.Wait()
	if err != nil {
		return fmt.Errorf("close local store: %w", err)
	}
	return nil
}
