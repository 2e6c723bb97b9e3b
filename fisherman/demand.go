package fisherman

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Sentinels of CheckNow.
var (
	// ErrNotInSession: the servicer is in no current session of the fisherman that fits.
	ErrNotInSession = errors.New("the servicer is in no current session of this fisherman")
	// ErrTooManyChecks: another check on demand is under way or was just made, or the session has had its share of them.
	ErrTooManyChecks = errors.New("too many checks on demand")
	// ErrCannotAsk: there is nothing to ask about the relay chain now.
	ErrCannotAsk = errors.New("no question can be asked now")
)

const (
	// demandEvery is the shortest time from one check on demand to the next.
	demandEvery = time.Second
	// firstDemand is the index from which checks on demand are counted, beyond those of any plan, so that none has the
	// question of a scheduled one.
	firstDemand = 1 << 31
)

// Demand says which servicer is to be checked, in which of its sessions.
type Demand struct {
	Servicer string
	// Application and RelayChain narrow the sessions down; empty admits all.
	Application, RelayChain string
}

// Checked is a check on demand, which counts for nobody and is not stored.
type Checked struct {
	Session *types.Session
	Policy  Policy
	Round   *types.QoSRound
	// Writes are how long the writing of each request took, by servicer; none for those that were not asked.
	Writes map[string]time.Duration
}

// demand is one that waits for the loop.
type demand struct {
	Demand
	// done takes the result; it never blocks.
	done chan demanded
}

type demanded struct {
	checked *Checked
	err     error
}

// CheckNow asks all servicers of a current session at once, outside of its schedule, so that one of them can be explained
// to its operator. To the servicers it is a check like any other: the same kind of question, sealed and released in the
// same way. It takes no kept connection away from a scheduled check; its own are kept for further ones afterwards. One is
// made at a time, and no more in a session than the servicers' reserve has room for. It needs a fisherman that runs; the
// end of the context ends the waiting, not the check. Errors: ErrNotInSession, ErrTooManyChecks, ErrCannotAsk.
func (f *Fisherman) CheckNow(ctx context.Context, wanted Demand) (*Checked, error) {
	select {
	case f.demanding <- struct{}{}:
	default:
		return nil, fmt.Errorf("%w: one is under way", ErrTooManyChecks)
	}
	order := demand{Demand: wanted, done: make(chan demanded, 1)}
	select {
	case f.demands <- order: // the loop gives the place free
	case <-ctx.Done():
		<-f.demanding
		return nil, ctx.Err()
	}
	select {
	case result := <-order.done:
		return result.checked, result.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// onDemand starts a check on demand, or says why there is none.
func (l *loop) onDemand(d demand, now time.Time) {
	if err := l.demand(d, now); err != nil {
		<-l.demanding
		d.done <- demanded{err: err}
	}
}

func (l *loop) demand(d demand, now time.Time) error {
	w := l.sessionOf(d.Demand)
	switch {
	case w == nil:
		return ErrNotInSession
	case now.Sub(l.demandedAt) < demandEvery:
		return fmt.Errorf("%w: at most one in %v", ErrTooManyChecks, demandEvery)
	case w.demanded >= w.policy.ChecksOnDemand:
		return fmt.Errorf("%w: this session has had its %d", ErrTooManyChecks, w.policy.ChecksOnDemand)
	}
	if reason := l.crowded(w); reason != "" {
		return fmt.Errorf("%w: %s", ErrTooManyChecks, reason)
	}
	order, err := l.drawUp(w, firstDemand+uint32(w.demanded), now.Add(l.lead(w)))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCannotAsk, err)
	}
	w.demanded++
	l.demandedAt = now
	l.extras.add(w.session.GetHeader().GetId())
	order.asked = w.mostAsked(uint32(w.next)) + l.extras.of(w.session.GetHeader().GetId())
	l.work(w, w.size(), func() {
		checked := l.checkOnDemand(order)
		<-l.demanding
		d.done <- demanded{checked: checked}
	})
	return nil
}

// checkOnDemand makes connections of its own, and leaves them to later checks.
func (l *loop) checkOnDemand(order order) *Checked {
	own := &links{}
	round := l.round(order, own)
	record := round.judge(l.ctx, round.execute(l.ctx))
	l.links.adopt(own)
	return &Checked{Session: order.session, Policy: order.policy, Round: record, Writes: round.writes()}
}

// writes are how long each request took to be written.
func (r *round) writes() map[string]time.Duration {
	took := make(map[string]time.Duration)
	for _, slot := range r.slots {
		if !slot.sent.IsZero() {
			took[slot.servicer.GetAddress()] = slot.written.Sub(slot.sent)
		}
	}
	return took
}

// sessionOf finds a current session that fits a demand: of several, the first by relay chain and application.
func (l *loop) sessionOf(wanted Demand) *watch {
	byHeader := func(a, b *watch) int {
		one, other := a.session.GetHeader(), b.session.GetHeader()
		return cmp.Or(cmp.Compare(one.GetRelayChain(), other.GetRelayChain()), cmp.Compare(one.GetApplication(), other.GetApplication()))
	}
	for _, w := range slices.SortedFunc(maps.Values(l.watches), byHeader) {
		header := w.session.GetHeader()
		current := !w.left && l.pace.Height < w.span.End
		fits := (wanted.Application == "" || wanted.Application == header.GetApplication()) &&
			(wanted.RelayChain == "" || wanted.RelayChain == header.GetRelayChain())
		if current && fits && slices.ContainsFunc(w.session.GetServicers(), func(s *types.Actor) bool { return s.GetAddress() == wanted.Servicer }) {
			return w
		}
	}
	return nil
}
