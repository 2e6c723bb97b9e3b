package local

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/rollup"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// catalogue is what the store knows of its records without reading them: the sessions, ordered by key, and the size of
// each. It is rebuilt from the database when that is opened.
type catalogue struct {
	// sessions are ordered by key, oldest first.
	sessions []*entry
	byID     map[sessionID]*entry
	rounds   int
	bytes    int64
	// evicted counts the sessions that the caps have removed.
	evicted int64
	// unsent counts the rounds that are not published, waiting the sessions of which something is not.
	unsent, waiting int
}

// entry is one stored session. A catalogue in use never changes an entry, it replaces it.
type entry struct {
	id  sessionID
	key []byte
	// size is that of the session's own record, in bytes with the key; roundBytes that of its rounds.
	size, roundBytes int64
	rounds           int
	// above is more than the index of each of the rounds.
	above uint64
	// rules decide how the session's rounds are counted; nil until one is.
	rules *rollup.Session
	// sum is the checksum of the session's own record, marks the sum of those of its rounds, mixed.
	sum   uint32
	marks uint64
	// facts are what a list says of the session; nil in a store of relays, and of a session that cannot be read.
	facts *facts
	// disputed are the rounds in which somebody contradicted a majority, if searched.
	disputed []uint32
	searched bool
	// waiting is what the outbox has of the session; nothing without an outbox.
	waiting
}

func newCatalogue() *catalogue { return &catalogue{byID: make(map[sessionID]*entry)} }

// replace puts next in the place of old. Without an old entry the session is new; without a next one it is removed.
func (c *catalogue) replace(old, next *entry) {
	if old != nil {
		at, _ := c.place(old.key)
		c.sessions = slices.Delete(c.sessions, at, at+1)
		delete(c.byID, old.id)
		c.rounds -= old.rounds
		c.bytes -= old.size + old.roundBytes
		c.unsent -= old.unsent
		if old.waits() {
			c.waiting--
		}
	}
	if next != nil {
		at, _ := c.place(next.key)
		c.sessions = slices.Insert(c.sessions, at, next)
		c.byID[next.id] = next
		c.rounds += next.rounds
		c.bytes += next.size + next.roundBytes
		c.unsent += next.unsent
		if next.waits() {
			c.waiting++
		}
	}
}

// place returns where the session under a key is, or would be, among the sessions.
func (c *catalogue) place(key []byte) (at int, found bool) {
	return slices.BinarySearchFunc(c.sessions, key, func(e *entry, key []byte) int { return bytes.Compare(e.key, key) })
}

// victims returns the sessions to remove, oldest first, so that the given number of sessions and bytes more fit within
// the caps. The session keep is never one of them. It is not ok when nothing makes them fit.
func (c *catalogue) victims(keep sessionID, sessions int, growth int64, caps Options) (evict []*entry, ok bool) {
	sessions += len(c.sessions)
	total := c.bytes + growth
	for _, e := range c.sessions {
		if sessions <= caps.MaxSessions && total <= caps.MaxBytes {
			break
		}
		if e.id == keep {
			continue
		}
		evict = append(evict, e)
		sessions--
		total -= e.size + e.roundBytes
	}
	return evict, sessions <= caps.MaxSessions && total <= caps.MaxBytes
}

// readCatalogue counts what a database holds. It passes every record to check and decodes none but those of sampled sessions.
func readCatalogue(db *pebble.DB, sampled bool, check func(key, record []byte) error) (*catalogue, error) {
	c := newCatalogue()
	var err error
	if c.evicted, err = readTally(db); err != nil {
		return nil, err
	}
	lower, upper := sessionBounds()
	err = scan(context.Background(), db, lower, upper, func(key, record []byte) error {
		id, ok := idInSessionKey(key)
		if !ok || c.byID[id] != nil {
			return corrupt(key, "not a session's key, or a second one of the same session")
		}
		c.replace(nil, &entry{id: id, key: bytes.Clone(key), size: keyed{key, record}.size(), sum: uint32(markOf(record))})
		return check(key, record)
	})
	if err != nil {
		return nil, err
	}
	return c, c.countRounds(db, sampled, check)
}

// readFacts reads what a list says of the sessions, but for those that cannot be read.
func (c *catalogue) readFacts(db *pebble.DB) error {
	lower, upper := sessionBounds()
	return scan(context.Background(), db, lower, upper, func(key, record []byte) error {
		id, _ := idInSessionKey(key)
		if session, err := decodeSession(key, record); err == nil {
			c.byID[id].facts = factsOf(session)
		}
		return nil
	})
}

// readTally returns how many sessions the caps have removed so far.
func readTally(db *pebble.DB) (int64, error) {
	record, closer, err := db.Get(tallyKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var tally wrapperspb.Int64Value
	err = decodeRecord(tallyKey, record, &tally)
	return tally.GetValue(), errors.Join(err, closer.Close())
}
