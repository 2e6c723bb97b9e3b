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
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// Sentinels on which callers decide.
var (
	// ErrRoundExists: a round of that session and index is stored; it stays as it is.
	ErrRoundExists = errors.New("round is stored already")
	// ErrFull: the record does not fit beneath MaxBytes, even with all other sessions removed.
	ErrFull = errors.New("record does not fit in the local store")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("local store is closed")
)

// diskError marks an error as one of the disk, or of what lies on it: not the caller's.
type diskError struct{ error }

func (e diskError) Unwrap() error { return e.error }

// Store keeps sessions and rounds. It may be used from many goroutines; reads run side by side, writes one by one.
//
// When the disk fails a write, that write returns the disk's error and the store closes the database; the next call opens
// it again and finds every record that was acknowledged. As long as the disk goes on failing, every call returns an error.
// A write that returned an error of the disk may, as after a crash, still turn out to be stored; writing it again tells.
type Store struct {
	dir     string
	options Options
	files   vfs.FS

	// mu guards the fields below; whoever reads or writes records holds it too.
	mu sync.RWMutex
	// db is nil after a failure and after Close.
	db        *database
	catalogue *catalogue
	closed    bool

	failures atomic.Int64
	// closers are the goroutines that close a failed database.
	closers sync.WaitGroup
}

// Open opens the store in a directory, creating both where there is nothing. Errors: ErrForeign and ErrInUse, which leave
// the directory as it was; ErrCorrupt for a damaged file, where only removing the directory helps; or what the system
// says.
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
	s.mu.Lock()
	err := s.reopen()
	s.mu.Unlock()
	if err != nil {
		s.closers.Wait()
		return nil, fmt.Errorf("open local store: %w", err)
	}
	return s, nil
}

// reopen opens the database and counts what is stored. It requires mu.
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
	catalogue, err := readCatalogue(db.DB, check)
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", s.dir, plain(err)), db.Close())
	}
	s.db, s.catalogue = db, catalogue
	return nil
}

// onFailure counts a failure of the disk.
func (s *Store) onFailure(err error) {
	s.failures.Add(1)
	level := slog.LevelError
	if s.options.quiet {
		level = slog.LevelDebug
	}
	s.options.Logger.Log(context.Background(), level, "local store failed", "dir", s.dir, "error", err)
}

// onStopped counts the failure that stopped the disk and has the database closed soon: until then pebble works on in
// memory, and retries what it cannot read back.
func (s *Store) onStopped(err error) {
	s.onFailure(err)
	s.closers.Go(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.discardFailed()
	})
}

// discardFailed closes the database if its disk stopped. It requires mu.
func (s *Store) discardFailed() {
	if s.db == nil || s.db.disk.failure() == nil {
		return
	}
	if err := s.db.Close(); err != nil {
		s.options.Logger.Debug("local store: close after failure", "error", err)
	}
	s.db = nil
}

// ready makes sure that the database is open. It requires mu.
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
		// A disk that stopped while the database was opened is counted already.
		s.failures.CompareAndSwap(before, before+1)
		return diskError{fmt.Errorf("open local store again: %w", err)}
	}
	s.options.Logger.Info("local store works again", "dir", s.dir)
	return nil
}

// exclusive runs an action with the database open and nobody else at it.
func (s *Store) exclusive(ctx context.Context, action func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		return err
	}
	return plain(action())
}

// change is exclusive for an action that writes, and counts what the disk failed.
func (s *Store) change(ctx context.Context, action func() error) error {
	return s.exclusive(ctx, func() error {
		err := action()
		refused := errors.Is(err, ErrRoundExists) || errors.Is(err, ErrFull) || errors.Is(err, modules.ErrUnknownSession)
		if err == nil || refused {
			return err
		}
		// A failure that stopped the disk is counted where it happened.
		if s.db.disk.failure() == nil {
			s.failures.Add(1)
		}
		return diskError{plain(err)}
	})
}

// read runs a query with the database open and no write under way. The query may be run twice: the disk may stop in the
// middle of the first, which then reads what was never stored.
func (s *Store) read(ctx context.Context, query func() error) error {
	if done, err := s.readShared(ctx, query); done {
		return err
	}
	return s.exclusive(ctx, query)
}

// readShared runs a query beside others, and tells whether the disk was sound all the while.
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

// Close waits for calls under way and closes the store. Everything acknowledged is on the disk already. Closing a closed
// store does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	var err error
	s.closed = true
	s.discardFailed()
	if s.db != nil {
		err = errors.Join(s.db.Close(), s.db.disk.failure())
		s.db = nil
	}
	s.mu.Unlock()
	s.closers.Wait()
	if err != nil {
		return fmt.Errorf("close local store: %w", err)
	}
	return nil
}
