package feed

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/feed/outbox"
	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/shared/pause"
)

// ready returns nil once there is a connection and the stream is as it has to be, or the context's error.
func (p *Publisher) ready(ctx context.Context) error {
	for failures := 1; ; failures++ {
		problem, reason, changed := p.connection.State()
		if problem != broker.ProblemNone {
			p.status.to(stateOf(problem), reason)
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if p.ensured || p.ensure(ctx) {
			return ctx.Err()
		}
		_ = pause.For(ctx, broker.Backoff(failures))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// ensure reports whether the stream is as it has to be, or cannot be looked at.
func (p *Publisher) ensure(ctx context.Context) bool {
	err := p.connection.Ensure(ctx, p.config.Stream)
	_, limits := errors.AsType[*broker.LimitsError](err)
	switch {
	case err == nil:
		p.ensured = true
	case errors.Is(err, broker.ErrForbidden):
		p.config.Logger.Info("feed: the credentials do not permit looking at the stream; it is taken as it is", "stream", p.config.Stream.Name)
		p.ensured = true
	case limits:
		p.status.to(StateStream, err.Error())
		p.config.Logger.Error("feed: the stream is not as it has to be; samples wait in the outbox", "reason", err.Error())
	case errors.Is(err, broker.ErrNoJetStream):
		p.status.to(StateNoJetStream, err.Error())
		p.config.Logger.Error("feed: no JetStream; samples wait in the outbox", "reason", err.Error())
	case ctx.Err() == nil:
		p.status.to(StateUnanswered, unanswered)
		p.config.Logger.Warn("feed: JetStream does not answer; it is tried again")
	}
	return p.ensured
}

const unanswered = "JetStream does not answer"

// publish publishes statements, in their order, until all are acknowledged. It reports false if the context ended before.
func (p *Publisher) publish(ctx context.Context, flight *outbox.Flight, statements []*statement) bool {
	// What was published before may be stored, and the server remembers ids for some time only.
	uncertain, began := flight.Resumed, time.Now()
	for failures := 0; ; failures++ {
		if p.ready(ctx) != nil {
			return false
		}
		if uncertain || failures > 0 && time.Since(began) > broker.DuplicateWindow/2 {
			p.recall(ctx, flight, statements)
			uncertain, began = false, time.Now()
		}
		refusal, done := p.attempt(ctx, flight.Resumed, statements)
		if done {
			p.status.to(StatePublishing, "")
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		p.refused(refusal)
		_ = pause.For(ctx, broker.Backoff(failures+1))
	}
}

// refused notes why something was not acknowledged.
func (p *Publisher) refused(refusal broker.Refusal) {
	state, reason := StateUnanswered, unanswered
	switch refusal {
	case broker.RefusalFull:
		state, reason = StateFull, "the stream is full, or the server's disk: give the stream more (feed.max_bytes, 'nats stream edit --max-bytes'), or let a collector catch up"
	case broker.RefusalStream:
		state, reason = StateStream, "the stream does not take the feed's messages"
		p.ensured = false
	case broker.RefusalOther:
		state, reason = StateUnanswered, "the server refuses messages"
	}
	p.status.to(state, reason)
	p.config.Logger.Warn("feed: statements are not acknowledged; they wait in the outbox and are sent again", "reason", reason)
}

// attempt publishes what is not acknowledged, and waits for the server's word about each. It reports whether all are acknowledged,
// and otherwise why one is not.
func (p *Publisher) attempt(ctx context.Context, resumed bool, statements []*statement) (refusal broker.Refusal, done bool) {
	type sending struct {
		*statement
		repeated bool
		future   jetstream.PubAckFuture
	}
	var under []sending
	done = true
	for _, s := range statements {
		if s.stored > 0 {
			continue
		}
		message := nats.NewMsg(s.Subject)
		message.Data = s.Delivery
		future, err := p.connection.JetStream().PublishMsgAsync(message, jetstream.WithMsgID(s.MessageID), jetstream.WithExpectStream(p.config.Stream.Name), jetstream.WithRetryAttempts(0))
		if err != nil {
			done = false
			if errors.Is(err, nats.ErrMaxPayload) {
				refusal = broker.RefusalStream
			}
			break
		}
		under = append(under, sending{s, s.sent, future})
		if s.sent || resumed {
			p.status.count(func(c *Counts) { c.Resent++ })
		}
		s.sent = true
	}
	for _, s := range under {
		select {
		case ack := <-s.future.Ok():
			s.stored = max(ack.Sequence, 1)
			p.acknowledged(s.statement, ack.Duplicate && !s.repeated && !resumed)
		case err := <-s.future.Err():
			done = false
			if why := broker.RefusalOf(err); why != broker.RefusalNone {
				refusal = why
				p.status.count(func(c *Counts) { c.Refused++ })
			}
		case <-ctx.Done():
			return refusal, false
		}
	}
	return refusal, done
}

// acknowledged counts a statement. foreign is set if the server knew its id although we had not published it.
func (p *Publisher) acknowledged(s *statement, foreign bool) {
	if foreign {
		p.config.Logger.Warn("feed: the stream has a statement of ours that was not published by this process; does another one use this data directory?")
	}
	p.status.count(func(c *Counts) {
		c.Published++
		if foreign {
			c.Foreign++
		}
		if s.missing > 0 {
			c.Gaps++
			c.MissingRounds += s.missing
		}
	})
}

// recall looks into the stream for statements that are there already, so that they are not stored twice. It looks at no more
// messages than may have come since the flight before. What it cannot see is published again.
func (p *Publisher) recall(ctx context.Context, flight *outbox.Flight, statements []*statement) {
	ctx, cancel := context.WithTimeout(ctx, recallTimeout)
	defer cancel()
	stream, err := p.connection.JetStream().Stream(ctx, p.config.Stream.Name)
	if err != nil {
		return
	}
	subjects := make(map[string]map[[protocol.DigestSize]byte]*statement)
	chains := make(map[string]string)
	for _, s := range statements {
		if s.stored > 0 {
			continue
		}
		if subjects[s.Subject] == nil {
			subjects[s.Subject] = make(map[[protocol.DigestSize]byte]*statement)
		}
		subjects[s.Subject][s.Digest] = s
		chains[s.Subject] = s.relayChain
	}
	trusted := func([]byte) bool { return true }
	for subject, missing := range subjects {
		next := flight.Positions[chains[subject]].Stored + 1
		for range mostRecalled {
			found, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(subject))
			if err != nil || len(missing) == 0 {
				break
			}
			next = found.Sequence + 1
			opened, err := protocol.Open(subject, found.Data, trusted)
			if err != nil || missing[opened.Digest] == nil {
				continue
			}
			s := missing[opened.Digest]
			delete(missing, opened.Digest)
			s.stored = found.Sequence
			p.acknowledged(s, false)
		}
	}
}

const (
	// mostRecalled bounds the messages of a subject that are looked at after an interruption: a window, and what others of the same
	// key may have put there.
	mostRecalled  = 4 * window
	recallTimeout = 10 * time.Second
)
