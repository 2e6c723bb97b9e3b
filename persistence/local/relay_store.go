package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// RelayStore keeps volume-applicable relays by session, in the order in which they came. It is bounded, durable and safe
// for concurrent use as Store is. When a cap is reached the oldest sessions are removed with all their relays.
type RelayStore struct {
	store *Store
}

// RelayStats are a relay store's counters.
type RelayStats struct {
	// Sessions and Relays that are stored.
	Sessions, Relays int
	// Bytes that the stored records take, keys included.
	Bytes int64
	// EvictedSessions counts sessions removed by the caps since the directory was made.
	EvictedSessions int64
	// Failures counts since OpenRelays how often the disk failed the store.
	Failures int64
}

// OpenRelays opens the relay store in a directory, creating both where there is nothing. Errors as of Open.
func OpenRelays(dir string, options Options) (*RelayStore, error) {
	options.schema = relaySchema
	store, err := Open(dir, options)
	if err != nil {
		return nil, err
	}
	return &RelayStore{store: store}, nil
}

// PutRelays stores relays durably: those of each session in one atomic batch with the removal of the oldest other
// sessions where the caps ask for it. A relay is not recognised when it comes again. Errors: ErrFull, ErrClosed, a
// malformed id; relays of other sessions may be stored all the same.
func (r *RelayStore) PutRelays(ctx context.Context, relays []*types.VolumeRelay) error {
	groups := make(map[sessionID][]*types.VolumeRelay)
	var order []sessionID
	for _, relay := range relays {
		id, err := parseSessionID(relay.GetSession().GetId())
		if err != nil {
			return fmt.Errorf("store relay: session id: %w", err)
		}
		if groups[id] == nil {
			order = append(order, id)
		}
		groups[id] = append(groups[id], relay)
	}
	var failed error
	for _, id := range order {
		err := r.store.change(ctx, func() error { return r.put(id, groups[id]) })
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("store %d relays of session %s: %w", len(groups[id]), id, err))
		}
	}
	return failed
}

// put stores relays of one session behind those that it has.
func (r *RelayStore) put(id sessionID, relays []*types.VolumeRelay) error {
	s := r.store
	batch := s.db.NewBatch()
	defer batch.Close()
	var growth int64
	add := func(key, record []byte) (size int64, err error) {
		size = recordSize(key, record)
		growth += size
		return size, batch.Set(key, record, nil)
	}
	header := relays[0].GetSession()
	var sessionBytes int64
	added, next, place := 0, 0, sessionKey(id, header.GetStartHeight(), 0)
	if known := s.catalogue.byID[id]; known != nil {
		next = known.rounds
	} else {
		added = 1
		record, err := encodeRecord(place, header)
		if err != nil {
			return err
		}
		if sessionBytes, err = add(place, record); err != nil {
			return err
		}
	}
	sizes := make([]int64, 0, len(relays))
	for i, relay := range relays {
		key := roundKey(id, uint32(next+i))
		record, err := encodeRecord(key, relay)
		if err != nil {
			return err
		}
		size, err := add(key, record)
		if err != nil {
			return err
		}
		sizes = append(sizes, size)
	}
	if err := s.commitWithin(batch, id, added, growth); err != nil {
		return err
	}
	if added > 0 {
		s.catalogue.putSession(id, place, sessionBytes)
	}
	for _, size := range sizes {
		s.catalogue.addRound(id, size)
	}
	return nil
}

// RelaySession is a session with stored relays, and how many they are.
type RelaySession struct {
	Header *types.SessionHeader
	Relays int
}

// Sessions are the newest sessions with stored relays, at most so many, oldest first. Errors: ErrCorrupt, ErrClosed.
func (r *RelayStore) Sessions(ctx context.Context, last int) ([]RelaySession, error) {
	var sessions []RelaySession
	err := r.store.read(ctx, func() error {
		sessions = []RelaySession{}
		newest := r.store.catalogue.sessions
		newest = newest[max(0, len(newest)-max(0, last)):]
		if len(newest) == 0 {
			return nil
		}
		_, upper := sessionBounds()
		return scan(ctx, r.store.db.DB, newest[0].key, upper, func(key, record []byte) error {
			header, err := decodeHeader(key, record)
			if err != nil {
				return err
			}
			sessions = append(sessions, RelaySession{Header: header, Relays: newest[len(sessions)].rounds})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read sessions of relays: %w", err)
	}
	return sessions, nil
}

// maxPageBytes is from how many bytes on a page of relays ends.
const maxPageBytes = 8 << 20

// errPageFull ends a scan.
var errPageFull = errors.New("page is full")

// Relays are stored relays of a session, from a place on (the first is 0), at most so many, and no more after 8 MiB. It
// also tells how many the session has. Errors: modules.ErrUnknownSession, ErrCorrupt, ErrClosed.
func (r *RelayStore) Relays(ctx context.Context, session string, from uint32, limit int) (_ []*types.VolumeRelay, stored int, _ error) {
	id, err := parseSessionID(session)
	if err != nil {
		return nil, 0, fmt.Errorf("read relays: %w: %w", modules.ErrUnknownSession, err)
	}
	var relays []*types.VolumeRelay
	err = r.store.read(ctx, func() error {
		relays = []*types.VolumeRelay{}
		known := r.store.catalogue.byID[id]
		if known == nil {
			return modules.ErrUnknownSession
		}
		stored = known.rounds
		_, upper := roundBoundsOf(id)
		size := 0
		err := scan(ctx, r.store.db.DB, roundKey(id, from), upper, func(key, record []byte) error {
			if len(relays) >= limit || size > maxPageBytes {
				return errPageFull
			}
			relay, err := decodeRelay(key, record)
			relays, size = append(relays, relay), size+len(record)
			return err
		})
		if errors.Is(err, errPageFull) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read relays of session %s: %w", session, err)
	}
	return relays, stored, nil
}

// Stats are the store's counters. After a failure they tell what was stored before it, until the store works again.
func (r *RelayStore) Stats() RelayStats {
	stats := r.store.Stats()
	return RelayStats{
		Sessions:        stats.Sessions,
		Relays:          stats.Rounds,
		Bytes:           stats.Bytes,
		EvictedSessions: stats.EvictedSessions,
		Failures:        stats.Failures,
	}
}

// Close waits for calls under way and closes the store. Everything acknowledged is on the disk already.
func (r *RelayStore) Close() error { return r.store.Close() }

// decodeHeader reads the session under a key of a relay store. Errors: ErrCorrupt.
func decodeHeader(key, record []byte) (*types.SessionHeader, error) {
	header := new(types.SessionHeader)
	if err := decodeRecord(key, record, header); err != nil {
		return nil, err
	}
	id, err := parseSessionID(header.GetId())
	if err != nil || !bytes.Equal(key, sessionKey(id, header.GetStartHeight(), 0)) {
		return nil, corrupt(key, "it holds another session")
	}
	return header, nil
}

// decodeRelay reads the relay under a key. Errors: ErrCorrupt.
func decodeRelay(key, record []byte) (*types.VolumeRelay, error) {
	relay := new(types.VolumeRelay)
	if err := decodeRecord(key, record, relay); err != nil {
		return nil, err
	}
	id, err := parseSessionID(relay.GetSession().GetId())
	if place, ok := idInRoundKey(key); err != nil || !ok || !slices.Equal(id[:], place[:]) {
		return nil, corrupt(key, "it holds a relay of another session")
	}
	return relay, nil
}
