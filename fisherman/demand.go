package fisherman

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
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
	// mostExtras bounds the sessions whose checks on demand are counted.
	mostExtras = 1024
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

// demand is one that waits for the loop. It names a servicer, whose current session is found by the loop, or brings the
// session and the index of a check along.
type demand struct {
	Demand
	brought *followed
	index   uint32
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
	case f.demanding <- struct{}{}: // the loop frees it
	default:
		return nil, fmt.Errorf("%w: one is under way", ErrTooManyChecks)
	}
	return f.demand(ctx, demand{Demand: wanted})
}

// ExecuteCheck implements modules.FishermanModule: it asks at once, outside of any schedule. It needs a fisherman that
// runs. Errors: ErrTooManyChecks, ErrCannotAsk, or what the context says.
func (f *Fisherman) ExecuteCheck(ctx context.Context, session *types.Session, index uint32) (*types.QoSRound, error) {
	policy, err := f.network.Policy(ctx, session)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	brought, err := f.plan(session, policy)
	if err != nil {
		return nil, err
	}
	// So that it asks nothing that the session was asked before.
	if rounds, err := f.store.Rounds(ctx, session.GetHeader().GetId()); err == nil {
		brought.resume(nil, rounds)
	}
	if err := f.lookNow(ctx, session.GetHeader().GetRelayChain()); err != nil {
		return nil, err
	}
	select {
	case f.demanding <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	checked, err := f.demand(ctx, demand{brought: brought, index: index})
	if err != nil {
		return nil, fmt.Errorf("check %d of session %s: %w", index, session.GetHeader().GetId(), err)
	}
	return checked.Round, nil
}

// demand hands a check on demand to the loop and waits for its result. The loop frees the place in demanding.
func (f *Fisherman) demand(ctx context.Context, d demand) (*Checked, error) {
	d.done = make(chan demanded, 1)
	select {
	case f.demands <- d:
	case <-ctx.Done():
		<-f.demanding
		return nil, ctx.Err()
	}
	select {
	case result := <-d.done:
		return result.checked, result.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// onDemand starts a check on demand, or says why there is none.
func (l *loop) onDemand(d demand, now time.Time) {
	var err error
	if d.brought != nil {
		err = l.ask(d, d.brought, d.index, now)
	} else {
		err = l.askNow(d, now)
	}
	if err != nil {
		<-l.demanding
		d.done <- demanded{err: err}
	}
}

// askNow checks the current session that fits a demand, if it may be checked.
func (l *loop) askNow(d demand, now time.Time) error {
	w := l.sessionOf(d.Demand)
	switch {
	case w == nil:
		return ErrNotInSession
	case now.Sub(l.demandedAt) < demandEvery:
		return fmt.Errorf("%w: at most one in %v", ErrTooManyChecks, demandEvery)
	case w.demanded >= w.policy.ChecksOnDemand:
		return fmt.Errorf("%w: this session has had its %d", ErrTooManyChecks, w.policy.ChecksOnDemand)
	}
	if err := l.ask(d, w, firstDemand+uint32(w.demanded), now); err != nil {
		return err
	}
	w.demanded++
	l.demandedAt = now
	return nil
}

// ask starts a check outside of any schedule. It makes connections of its own, and leaves them to later checks.
func (l *loop) ask(d demand, w *followed, index uint32, now time.Time) error {
	if reason := l.crowded(w); reason != "" {
		return fmt.Errorf("%w: %s", ErrTooManyChecks, reason)
	}
	drawn, err := l.drawUp(w, index, now.Add(l.lead(w)))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCannotAsk, err)
	}
	id := w.session.GetHeader().GetId()
	l.countExtra(id)
	if f := l.followed[id]; f != nil {
		drawn.Asked = f.mostAsked(uint32(f.next)) + l.extras[id]
	}
	l.work(w, func() {
		if err := drawn.pay(); err != nil {
			<-l.demanding
			d.done <- demanded{err: fmt.Errorf("%w: %w", ErrTooManyChecks, err)}
			return
		}
		own := &wire.Pool{}
		observed, record := l.carryOut(l.ctx, drawn, own)
		l.pool.Adopt(own)
		<-l.demanding
		d.done <- demanded{checked: &Checked{Session: drawn.Session, Policy: w.policy, Round: record, Writes: writes(observed)}}
		l.watchControl(&drawn, observed, record)
	})
	return nil
}

// countExtra counts a check outside of any schedule. Only sessions that are current can be asked, so there are few.
func (l *loop) countExtra(id string) {
	if len(l.extras) >= mostExtras {
		clear(l.extras)
	}
	l.extras[id]++
}

// writes returns how long each request took to be written.
func writes(observed *judge.Observation) map[string]time.Duration {
	took := make(map[string]time.Duration)
	for _, exchange := range observed.Exchanges {
		if !exchange.Times.Sent.IsZero() {
			took[exchange.Servicer] = exchange.Times.Writing
		}
	}
	return took
}

// sessionOf finds a current session that fits a demand: of several, the first by relay chain and application.
func (l *loop) sessionOf(wanted Demand) *followed {
	byHeader := func(a, b *followed) int {
		one, other := a.session.GetHeader(), b.session.GetHeader()
		return cmp.Or(cmp.Compare(one.GetRelayChain(), other.GetRelayChain()), cmp.Compare(one.GetApplication(), other.GetApplication()))
	}
	for _, w := range slices.SortedFunc(maps.Values(l.followed), byHeader) {
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
