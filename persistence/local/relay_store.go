package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// RelayStore stores volume-applicable relays by session, in the order in which they were put. It is bounded, durable and
// safe for concurrent use, as Store is. At a cap it removes the oldest sessions with all their relays.
type RelayStore struct {
	store *Store
}

// RelayStats are a relay store's counters.
type RelayStats struct {
	// Sessions and Relays that are stored.
	Sessions, Relays int
	// Bytes that the stored records take, keys included.
	Bytes int64
	// EvictedSessions counts the sessions that the caps have removed since the directory was created.
	EvictedSessions int64
	// Failures counts how often the disk has failed the store since OpenRelays.
	Failures int64
}

// OpenRelays opens the relay store in a directory and creates both if they don't exist. Errors: as of Open.
func OpenRelays(dir string, options Options) (*RelayStore, error) {
	options.schema = relaySchema
	store, err := Open(dir, options)
	if err != nil {
		return nil, err
	}
	return &RelayStore{store: store}, nil
}

// PutRelays stores relays durably, those of each session in one atomic batch, which also removes the oldest other sessions
// when the caps require it. A relay that is put twice is stored twice. Errors: ErrFull, ErrClosed, a malformed id; relays
// of other sessions may be stored all the same.
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
		err := r.store.change(ctx, func(t *transaction) error { return putRelays(t, id, groups[id]) })
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("store %d relays of session %x: %w", len(groups[id]), id.bytes, err))
		}
	}
	return failed
}

// putRelays adds relays of one session after those that it has.
func putRelays(t *transaction, id sessionID, relays []*types.VolumeRelay) error {
	next := 0
	if known := t.catalogue.byID[id]; known != nil {
		next = known.rounds
	} else {
		header := relays[0].GetSession()
		key := sessionKey(id, header.GetStartHeight(), 0)
		record, err := encodeRecord(key, header)
		if err == nil {
			err = t.putSession(id, keyed{key, record})
		}
		if err != nil {
			return err
		}
	}
	rounds := make([]keyed, 0, len(relays))
	for i, relay := range relays {
		key := roundKey(id, uint32(next+i))
		record, err := encodeRecord(key, relay)
		if err != nil {
			return err
		}
		rounds = append(rounds, keyed{key, record})
	}
	return t.putRounds(id, rounds...)
}

// RelaySession is a session with stored relays, and the number of these.
type RelaySession struct {
	Header *types.SessionHeader
	Relays int
}

// Sessions returns the newest sessions with stored relays, at most last of them, oldest first. Errors: ErrCorrupt,
// ErrClosed.
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
		return scan(ctx, r.store.db.durable, newest[0].key, upper, func(key, record []byte) error {
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

// maxPageBytes is the size in bytes after which a page of relays ends.
const maxPageBytes = 8 << 20

// errPageFull ends a scan.
var errPageFull = errors.New("page is full")

// Relays returns the stored relays of a session from index from (the first is 0), at most limit of them, and none after
// 8 MiB. stored is how many the session has. Errors: modules.ErrUnknownSession, ErrCorrupt, ErrClosed.
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
		err := scan(ctx, r.store.db.durable, roundKey(id, from), upper, func(key, record []byte) error {
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

// Stats returns the store's counters. After a failure they are those of before it, until the store works again.
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

// Close waits for calls under way and closes the store. All that was acknowledged is on the disk already.
func (r *RelayStore) Close() error { return r.store.Close() }

// decodeHeader reads the session under a key of a relay store. Errors: ErrCorrupt.
func decodeHeader(key, record []byte) (*types.SessionHeader, error) {
	header := new(types.SessionHeader)
	if err := decodeRecord(key, record, header); err != nil {
		return nil, err
	}
	id, err := parseSessionID(header.GetId())
	if err != nil || !bytes.Equal(key, sessionKey(id, header.GetStartHeight(), 0)) {
		return nil, corrupt(key, "the record is another session's")
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
	if place, ok := idInRoundKey(key); err != nil || !ok || id != place {
		return nil, corrupt(key, "the relay is another session's")
	}
	return relay, nil
}
