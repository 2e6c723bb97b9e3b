package local

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// catalogue is what the store knows of its records without reading them: the sessions in the order of their keys, and
// what each takes. It is rebuilt from the database when that is opened.
type catalogue struct {
	// sessions are ordered by key, oldest first.
	sessions []*entry
	byID     map[sessionID]*entry
	rounds   int
	bytes    int64
	// evicted counts the sessions that the caps removed.
	evicted int64
}

// entry is one stored session.
type entry struct {
	id  sessionID
	key []byte
	// size is what the session's own record takes, key included; roundBytes what its rounds take.
	size, roundBytes int64
	rounds           int
}

func newCatalogue() *catalogue { return &catalogue{byID: make(map[sessionID]*entry)} }

// putSession enters a session, or replaces its key and size.
func (c *catalogue) putSession(id sessionID, key []byte, size int64) {
	e := c.byID[id]
	if e == nil {
		e = &entry{id: id}
		c.byID[id] = e
	} else {
		c.unlist(e)
	}
	c.bytes += size - e.size
	e.key, e.size = key, size
	at, _ := slices.BinarySearchFunc(c.sessions, key, func(e *entry, key []byte) int { return bytes.Compare(e.key, key) })
	c.sessions = slices.Insert(c.sessions, at, e)
}

// addRound enters a round of a session that is entered.
func (c *catalogue) addRound(id sessionID, size int64) {
	e := c.byID[id]
	e.rounds++
	e.roundBytes += size
	c.rounds++
	c.bytes += size
}

// remove drops a session and its rounds.
func (c *catalogue) remove(e *entry) {
	c.unlist(e)
	delete(c.byID, e.id)
	c.rounds -= e.rounds
	c.bytes -= e.size + e.roundBytes
}

func (c *catalogue) unlist(e *entry) {
	c.sessions = slices.DeleteFunc(c.sessions, func(other *entry) bool { return other == e })
}

// victims are the sessions to remove, oldest first and never the one of id keep, so that another sessions and growth
// bytes fit beneath the caps; not ok when they cannot fit.
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

// readCatalogue counts what a database holds. It does not decode the records, but has them checked.
func readCatalogue(db *pebble.DB, check func(key, record []byte) error) (*catalogue, error) {
	c := newCatalogue()
	var err error
	if c.evicted, err = readTally(db); err != nil {
		return nil, err
	}
	lower, upper := sessionBounds()
	err = scan(context.Background(), db, lower, upper, func(key, record []byte) error {
		id, ok := idInSessionKey(key)
		if !ok || c.byID[id] != nil {
			return corrupt(key, "it is no key of a session, or the session's second one")
		}
		c.putSession(id, append([]byte(nil), key...), recordSize(key, record))
		return check(key, record)
	})
	if err != nil {
		return nil, err
	}
	lower, upper = roundBounds()
	return c, scan(context.Background(), db, lower, upper, func(key, record []byte) error {
		id, ok := idInRoundKey(key)
		if !ok || c.byID[id] == nil {
			return corrupt(key, "it is no key of a stored session's round")
		}
		c.addRound(id, recordSize(key, record))
		return check(key, record)
	})
}

// readTally is how many sessions the caps removed so far.
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
