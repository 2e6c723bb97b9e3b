package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"google.golang.org/protobuf/proto"
)

// Samples is the fisherman's store: a durable one, and one in memory that takes over while the disk fails, so that
// sampling does not depend on the disk. It is safe for concurrent use.
//
// When the disk fails a write twice, or a read finds damage, the disk is no longer used: samples are held in memory, up to
// MaxMemoryBytes, and a crash would lose them. What was stored before is read from the disk as far as possible. The disk
// is tried again every repairInterval; when it works, what was held in memory is written to it.
type Samples struct {
	dir     string
	options Options
	files   vfs.FS
	now     func() time.Time
	// ctx is done when repairs have to end.
	ctx  context.Context
	stop context.CancelFunc

	// mu guards the fields below. It is locked for reading while one of the stores is used.
	mu sync.RWMutex
	// disk is the durable store, or nil while samples are held in memory.
	disk *Store
	// held is nil while samples are durable.
	held     *held
	setAside string
	closed   bool

	// open are the sessions that were put and are not closed, by id. They are known even when the disk cannot be read.
	open sessionsByID
	// unreadable are the sessions whose rounds could not be read at the last attempt.
	unreadable sessionsByID

	// appended has a token when something was entered into the outbox.
	appended chan struct{}

	repairing atomic.Bool
	repairs   sync.WaitGroup
	// repair is locked while the disk is tried.
	repair sync.Mutex
}

// MaxMemoryBytes caps the records that are held in memory while the disk fails, keys included. They take up to four times
// as much memory.
const MaxMemoryBytes = 32 << 20

// repairInterval is how long a disk that failed is left alone.
const repairInterval = 30 * time.Second

// closeGrace is how long Close may take to write what is held in memory.
const closeGrace = 5 * time.Second

// OpenSamples opens the sample store in a directory and creates both if they don't exist. A damaged store is set aside,
// never deleted: its directory is renamed with the time in the name, and what can be read of it is copied to a new one.
// When the directory cannot be used for another reason, samples are held in memory. Errors: ErrForeign and ErrInUse, which
// leave the directory as it was, and bad options.
func OpenSamples(dir string, options Options) (*Samples, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open local store: %w", err)
	}
	return openSamples(absolute, options, vfs.Default, time.Now)
}

func openSamples(dir string, options Options, files vfs.FS, now func() time.Time) (*Samples, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	options.quiet, options.verify, options.now = true, true, now
	s := &Samples{dir: dir, options: options, files: files, now: now, appended: make(chan struct{}, 1)}
	s.options.appended = s.signal
	if err := options.Validate(); err != nil {
		return nil, fmt.Errorf("open local store: %w", err)
	}
	var err error
	s.disk, err = s.openDisk(context.Background())
	if errors.Is(err, ErrForeign) || errors.Is(err, ErrInUse) {
		return nil, err
	}
	if err != nil {
		if err := s.hold(err); err != nil {
			return nil, err
		}
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// PutAll stores sessions and rounds as Store.PutAll does, in memory when the disk fails.
func (s *Samples) PutAll(ctx context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error {
	for _, session := range sessions {
		switch id := session.GetHeader().GetId(); {
		case types.ValidateOpaque(id) != nil:
		case session.GetClosed():
			s.open.remove(id)
		default:
			s.open.put(id, proto.CloneOf(session))
		}
	}
	puts := newPuts(sessions, rounds)
	return outcomes(puts, s.change(func(store *Store) error { return store.putAll(ctx, puts) }))
}

// PutSession stores a session as Store.PutSession does, in memory when the disk fails.
func (s *Samples) PutSession(ctx context.Context, session *types.QoSSession) error {
	return s.PutAll(ctx, []*types.QoSSession{session}, nil)[0]
}

// PutRound stores a round as Store.PutRound does, in memory when the disk fails.
func (s *Samples) PutRound(ctx context.Context, round *types.QoSRound) error {
	return s.PutAll(ctx, nil, []*types.QoSRound{round})[0]
}

// Prune removes the oldest sessions until retain are left. It returns how many it removed. While samples are held in
// memory it removes them there only.
func (s *Samples) Prune(ctx context.Context, retain int) (evicted int, err error) {
	s.unreadable.clear() // those that are left are noted when they are read again
	err = s.change(func(store *Store) (err error) {
		evicted, err = store.Prune(ctx, retain)
		return err
	})
	return evicted, err
}

// change makes one change, in memory if the disk fails.
func (s *Samples) change(write func(*Store) error) error {
	_, err := s.attempt(write)
	if !failedByDisk(err) {
		s.startRepair()
		return err
	}
	// The next call opens the directory again, which repairs a single failure.
	first := err
	used, err := s.attempt(write)
	if !failedByDisk(err) {
		s.options.Logger.Warn("local store failed a write, which succeeded when it was repeated", "dir", s.dir, "error", first)
		return err
	}
	if err := s.holdInstead(used, err); err != nil {
		return errors.Join(first, err)
	}
	_, err = s.attempt(write)
	return err
}

// attempt makes one change in the store in use, and returns that store.
func (s *Samples) attempt(write func(*Store) error) (used *Store, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	used = s.disk
	if s.held != nil {
		used = s.held.memory
	}
	return used, write(used)
}

// failedByDisk reports whether a change failed because of the disk.
func failedByDisk(err error) bool {
	_, is := errors.AsType[diskError](err)
	return is
}

// Sessions returns the stored sessions, in the order of Store.Sessions. Errors: ErrClosed, or the context's.
func (s *Samples) Sessions(ctx context.Context) (sessions []*types.QoSSession, err error) {
	err = s.query(func(before, current *Store) (err error) {
		if sessions, err = current.Sessions(ctx); err != nil || before == nil {
			return err
		}
		older, err := before.Sessions(ctx)
		if err != nil {
			s.options.Logger.Debug("local store: sessions on the failed disk", "error", err)
		}
		sessions = mergeSessions(older, sessions)
		return ctx.Err()
	})
	return sessions, err
}

// Session returns the stored session of an id. Errors: modules.ErrUnknownSession, ErrClosed, or the disk's.
func (s *Samples) Session(ctx context.Context, id string) (session *types.QoSSession, err error) {
	err = s.query(func(before, current *Store) (err error) {
		session, err = current.Session(ctx, id)
		if before != nil && errors.Is(err, modules.ErrUnknownSession) {
			session, err = before.Session(ctx, id)
		}
		return err
	})
	return session, err
}

// Rounds returns the stored rounds of a session, ordered by index: all of them, or an error. Errors:
// modules.ErrUnknownSession, ErrClosed, or the disk's.
func (s *Samples) Rounds(ctx context.Context, id string) ([]*types.QoSRound, error) {
	rounds, _, err := s.Page(ctx, id, 0, math.MaxInt)
	return rounds, s.readWhole(id, err)
}

// Outline returns the stored rounds of a session as Rounds does, without the envelopes that they are proven by: those of one
// round are in memory at once. Errors: those of Rounds.
func (s *Samples) Outline(ctx context.Context, id string) ([]*types.QoSRound, error) {
	rounds, _, err := s.page(ctx, id, math.MaxInt, func(store *Store) ([]*types.QoSRound, int, error) {
		rounds, err := store.Outline(ctx, id)
		return rounds, len(rounds), err
	})
	return rounds, s.readWhole(id, err)
}

// readWhole notes that all of a session can be read, unless the error of reading it says otherwise.
func (s *Samples) readWhole(id string, err error) error {
	if err == nil || errors.Is(err, modules.ErrUnknownSession) {
		s.unreadable.remove(id)
	}
	return err
}

// Page returns the first rounds of a session from an index on, at most limit, and how many rounds the session has. It
// reads no others; while samples are held in memory, as many in each of both stores. Errors: those of Rounds.
func (s *Samples) Page(ctx context.Context, id string, from uint32, limit int) ([]*types.QoSRound, int, error) {
	return s.page(ctx, id, limit, func(store *Store) ([]*types.QoSRound, int, error) { return store.Page(ctx, id, from, limit) })
}

// readPart reads rounds of a session in one store, and how many the session has there.
type readPart func(*Store) (page []*types.QoSRound, stored int, err error)

// page reads at most limit rounds of a session from the stores in use.
func (s *Samples) page(ctx context.Context, id string, limit int, read readPart) (page []*types.QoSRound, stored int, err error) {
	err = s.query(func(before, current *Store) (err error) {
		switch {
		case before != nil:
			page, stored, err = readBoth(ctx, before, current, id, limit, read)
		case s.held != nil && s.held.begun[id]:
			return errEarlierRounds
		default:
			page, stored, err = read(current)
		}
		return err
	})
	if err != nil && !asked(err) {
		s.unreadable.put(id, nil)
	}
	return page, stored, err
}

// readBoth reads at most limit rounds of a session that an earlier store or the current one has.
func readBoth(ctx context.Context, before, current *Store, id string, limit int, read readPart) ([]*types.QoSRound, int, error) {
	page, stored, err := read(current)
	older, olderStored, olderErr := read(before)
	switch {
	case errors.Is(olderErr, modules.ErrUnknownSession):
		return page, stored, err
	case olderErr != nil:
		return nil, 0, olderErr
	case errors.Is(err, modules.ErrUnknownSession):
		return older, olderStored, nil
	case err != nil:
		return nil, 0, err
	}
	repeated, err := common(ctx, before, current, id)
	if err != nil {
		return nil, 0, err
	}
	merged := mergeRounds(older, page)
	return merged[:min(limit, len(merged))], olderStored + stored - repeated, nil
}

// common counts the rounds of a session that two stores both have.
func common(ctx context.Context, older, newer *Store, id string) (count int, err error) {
	held, err := older.indices(ctx, id)
	if err != nil {
		return 0, err
	}
	added, err := newer.indices(ctx, id)
	for _, index := range added {
		if _, repeated := slices.BinarySearch(held, index); repeated {
			count++
		}
	}
	return count, err
}

// errEarlierRounds is returned when a session began before the disk failed, and its rounds of that time cannot be read.
var errEarlierRounds = errors.New("the session's rounds from before the disk failed cannot be read")

// query reads from the stores in use: the one from before the disk failed, if it can be read, and the current one. If the
// disk fails the query, it is no longer used and the query is made once more.
func (s *Samples) query(read func(before, current *Store) error) error {
	used, err := s.ask(read)
	if asked(err) {
		return err
	}
	if used == nil {
		// The disk may have failed while it was being tried. After that it is left alone again.
		s.awaitRepair()
	} else if err := s.holdInstead(used, err); err != nil {
		return err
	}
	_, err = s.ask(read)
	return err
}

// awaitRepair returns once the disk is not being tried.
func (s *Samples) awaitRepair() {
	s.repair.Lock()
	defer s.repair.Unlock()
}

// ask makes one query. used is the durable store if it was read.
func (s *Samples) ask(read func(before, current *Store) error) (used *Store, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case s.held != nil:
		return nil, read(s.held.before.get(), s.held.memory)
	}
	return s.disk, read(nil, s.disk)
}

// asked reports whether the outcome of a query is what was asked for, as opposed to a failure of the disk.
func asked(err error) bool {
	return err == nil || errors.Is(err, modules.ErrUnknownSession) || errors.Is(err, ErrClosed) ||
		errors.Is(err, errInterrupted) || errors.Is(err, errEnded) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Close waits for calls under way, writes what is held in memory if the disk works, and closes the store. Closing a closed
// store does nothing.
func (s *Samples) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.stop()
	s.repairs.Wait()
	if s.held != nil {
		s.lastChance()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != nil {
		s.held.before.close()
		return s.held.memory.Close()
	}
	return s.disk.Close()
}
