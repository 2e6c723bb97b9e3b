package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/shared/text"
	"google.golang.org/protobuf/proto"
)

// PutAll stores sessions, then rounds, all durably in one batch with one sync. It returns an error for each of them,
// sessions first, nil for what is durable. The outcome is that of PutSession and PutRound called for each in turn: a round
// may belong to a session of the same call, one that comes twice is refused the second time, and what is refused does not
// keep the others from being stored. An error of the disk is returned for all that were not refused.
func (s *Store) PutAll(ctx context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error {
	puts := newPuts(sessions, rounds)
	return outcomes(puts, s.putAll(ctx, puts))
}

// PutSession stores a session durably, or replaces the one of the same id; its rounds stay. It removes the oldest other
// sessions in the same atomic batch when the caps require it. Errors: ErrFull, ErrClosed, a malformed id.
func (s *Store) PutSession(ctx context.Context, session *types.QoSSession) error {
	return s.PutAll(ctx, []*types.QoSSession{session}, nil)[0]
}

// PutRound stores a round of a stored session durably. It removes the oldest other sessions in the same atomic batch when
// the caps require it. Errors: ErrRoundExists, modules.ErrUnknownSession, ErrFull, ErrClosed, a malformed id.
func (s *Store) PutRound(ctx context.Context, round *types.QoSRound) error {
	return s.PutAll(ctx, nil, []*types.QoSRound{round})[0]
}

// put is a session or a round that is to be stored.
type put struct {
	// session is the session's id as text.
	session string
	// relayChain of the session; empty for a round.
	relayChain string
	isRound    bool
	index      uint32
	id         sessionID
	keyed
	// counted: rollups count the round already.
	counted bool
	// round is what is stored; nil for a session.
	round *types.QoSRound
	// absent is set once the round was looked for and not stored. If it turns up after that, a write of ours that the disk
	// failed has stored it after all.
	absent bool
	// err is why it is refused.
	err error
}

// newPuts encodes sessions and rounds. What cannot be stored anywhere has its error already.
func newPuts(sessions []*types.QoSSession, rounds []*types.QoSRound) []*put {
	puts := make([]*put, 0, len(sessions)+len(rounds))
	for _, session := range sessions {
		header := session.GetHeader()
		p := &put{session: header.GetId(), relayChain: header.GetRelayChain()}
		p.encode(session, func() []byte { return sessionKey(p.id, header.GetStartHeight(), session.GetJoinedUnixNano()) })
		puts = append(puts, p)
	}
	for _, round := range rounds {
		p := &put{session: round.GetSessionId(), isRound: true, index: round.GetIndex(), round: round}
		p.encode(round, func() []byte { return roundKey(p.id, p.index) })
		puts = append(puts, p)
	}
	return puts
}

func (p *put) encode(message proto.Message, key func() []byte) {
	if p.id, p.err = sampledID(p.session); p.err == nil {
		p.key = key()
		p.record, p.err = encodeRecord(p.key, message)
	}
}

// putAll stores what is not refused. When it returns an error, none of that is known to be durable, and it may be called
// again, also for another store. Calls that wait while the disk takes a write are stored together by the first of them.
func (s *Store) putAll(ctx context.Context, puts []*put) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	own := &call{puts: puts}
	s.calls.add(own)
	s.writing.Lock()
	defer s.writing.Unlock()
	if own.ended {
		return own.err
	}
	together := s.calls.take()
	err := s.changeNow(func(t *transaction) error { return stageAll(t, together) })
	for _, each := range together {
		each.ended, each.err = true, err
	}
	return err
}

// call is what one call of putAll has to store. Until it has ended it belongs to the holder of writing.
type call struct {
	puts  []*put
	ended bool
	err   error
}

// calls wait for the disk, in order. One that is in it has its caller waiting.
type calls struct {
	mu      sync.Mutex
	waiting []*call
}

func (c *calls) add(one *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, one)
}

// take returns those that wait.
func (c *calls) take() []*call {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.waiting
	c.waiting = nil
	return taken
}

// stageAll adds what is not refused to a transaction.
func stageAll(t *transaction, together []*call) error {
	if t.history != nil && t.history.isDue() {
		if err := t.history.store(); err != nil {
			return err
		}
	}
	for _, each := range together {
		for _, p := range each.puts {
			if p.err != nil {
				continue
			}
			err := p.stage(t)
			if err != nil && !refused(err) {
				return err
			}
			p.err = err
		}
	}
	return nil
}

// stage adds the session or round to a transaction.
func (p *put) stage(t *transaction) error {
	if !p.isRound {
		if err := t.putSession(p.id, p.keyed); err != nil || t.outgoing == nil {
			return err
		}
		return t.sendSession(p.id, p.session, p.relayChain)
	}
	switch _, closer, err := t.batch.Get(p.key); {
	case err == nil && p.absent:
		return closer.Close()
	case err == nil:
		return errors.Join(ErrRoundExists, closer.Close())
	case !errors.Is(err, pebble.ErrNotFound):
		return err
	}
	p.absent = true
	if err := t.putRounds(p.id, p.keyed); err != nil {
		return err
	}
	if t.outgoing != nil {
		if err := t.sendRound(p); err != nil {
			return err
		}
	}
	if t.history == nil || p.counted {
		return nil
	}
	return t.count(p)
}

// count has a round counted that is added to the transaction.
func (t *transaction) count(p *put) error {
	e := t.catalogue.byID[p.id]
	if e.rules == nil {
		rules, err := readRules(t.batch, e.key)
		if err != nil {
			return err
		}
		e.rules = rules
	}
	round, ok := toCount(p.id, e.rules, p.round, p.size())
	if !ok {
		return nil
	}
	return t.history.stage(round)
}

// refused reports whether an error is about what was to be stored, not about the disk.
func refused(err error) bool {
	return errors.Is(err, ErrRoundExists) || errors.Is(err, ErrFull) || errors.Is(err, modules.ErrUnknownSession)
}

// outcomes returns the error of each put: why it was refused, otherwise err.
func outcomes(puts []*put, err error) []error {
	errs := make([]error, len(puts))
	for i, p := range puts {
		cause, session := cmp.Or(p.err, err), text.Line(p.session, types.MaxOpaque)
		switch {
		case cause != nil && p.isRound:
			errs[i] = fmt.Errorf("store round %d of session %s: %w", p.index, session, cause)
		case cause != nil:
			errs[i] = fmt.Errorf("store session %s: %w", session, cause)
		}
	}
	return errs
}
