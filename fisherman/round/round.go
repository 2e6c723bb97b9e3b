package round

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// A round starts to prepare a lead before its moment: enough to seal all requests and to make connections that are not
// there. A connection that takes longer is not waited for; it serves the next check. Where checks lie closer together
// than the longest lead, the lead is their distance, so that few rounds wait at once, each with connections of its own.
// For a session with a servicer that was late before it is twice as long as connecting took then, up to the timeout:
// a servicer that does not keep connections may take as long to make one as an answer may.
const (
	LongestLead  = judge.LongestLead
	ShortestLead = 50 * time.Millisecond
)

// Spec says what a round has to do.
type Spec struct {
	Session  *types.Session
	Index    uint32
	Question question.Question
	// Due is when the requests are to be released. Connecting begins a Lead before.
	Due  time.Time
	Lead time.Duration
	// Timeout from request sent to last byte, and for connecting.
	Timeout time.Duration
	// Offset bounds the private delay before each servicer's request; 0 asks all at once.
	Offset time.Duration
	// Cold asks over new connections, whatever is kept: one that is old may be privileged, or the only one that the servicer
	// still has room for. The new ones are kept in their place.
	Cold bool
	// Asked is the most requests that each servicer can have received in the session, this one included; 0 when that is
	// not known.
	Asked uint64
}

// Runner carries out rounds on kept connections.
type Runner struct {
	Ask  Ask
	Dial Dial
	Pool *wire.Pool
	// Room of the answers, which rounds share; nil for no bounds.
	Room *wire.Room
	// Turns at processors, which rounds share; nil for none.
	Turns *Turns
}

// round is one check under way.
type round struct {
	Spec
	*Runner

	slots    []*slot
	released time.Time
	skew     time.Duration
	stall    time.Duration
	// stallBegan is when that stall began.
	stallBegan time.Time
	// connectStall is how long this process was kept from running while it connected to servicers that had been late.
	connectStall time.Duration
}

// Run carries a check out and returns what it observed, answers opened. Cancelling the context ends it early.
func (r *Runner) Run(ctx context.Context, spec Spec) *judge.Observation {
	done := r.Execute(ctx, spec)
	defer done.Leave()
	done.Open()
	return done.Observed
}

// Done is a check that was carried out. Leave has to follow.
type Done struct {
	// Observed has no exchanges until the answers were opened.
	Observed *judge.Observation
	round    *round
}

// Execute carries a check out. Cancelling the context ends it early.
func (r *Runner) Execute(ctx context.Context, spec Spec) *Done {
	one := &round{Spec: spec, Runner: r}
	err := one.execute(ctx)
	return &Done{round: one, Observed: &judge.Observation{
		SessionID:    spec.Session.GetHeader().GetId(),
		Index:        spec.Index,
		Question:     spec.Question,
		Asked:        spec.Asked,
		Due:          spec.Due,
		Released:     one.released,
		Skew:         one.skew,
		Lead:         spec.Lead,
		Stall:        one.stall,
		StallBegan:   one.stallBegan,
		ConnectStall: one.connectStall,
		Stopped:      err != nil,
	}}
}

// Size returns how many bytes the answers have.
func (d *Done) Size() (bytes int) {
	for _, slot := range d.round.slots {
		if slot.answer != nil {
			bytes += len(slot.answer.Body)
		}
	}
	return bytes
}

// Open opens the answers, unless that was done, and adds the exchanges to what was observed.
func (d *Done) Open() {
	if d.Observed.Exchanges != nil {
		return
	}
	d.Observed.Exchanges = make([]judge.Exchange, 0, len(d.round.slots))
	for slots := range slices.Chunk(d.round.slots, openedTogether) {
		prepareAnswers(slots)
		for _, slot := range slots {
			exchange := slot.observe()
			exchange.Arrived = slot.arrived(d.round.released)
			d.Observed.Exchanges = append(d.Observed.Exchanges, exchange)
		}
	}
}

// OpenInTurn is Open when it is the check's turn: for answers that are small. Requests of other checks that are to be released
// within openedWithin go first.
func (d *Done) OpenInTurn() { d.round.Turns.do(time.Now().Add(openedWithin), d.Open) }

const (
	// openedWithin is more than any usual lead, so that opening answers delays no release.
	openedWithin = 2 * LongestLead
	// openedTogether is how many answers a network may prepare together: enough that work which is done once for them hardly
	// counts.
	openedTogether = 16
)

// prepareAnswers has the network do together what it can of opening some answers.
func prepareAnswers(slots []*slot) {
	var preparer Preparer
	requests, answers := make([]Request, len(slots)), make([]*wire.Answer, len(slots))
	for i, slot := range slots {
		requests[i], answers[i] = slot.request, slot.openable()
		if preparer == nil {
			preparer, _ = slot.request.(Preparer)
		}
	}
	if preparer != nil {
		preparer.Prepare(requests, answers)
	}
}

// Leave lets go of the answers and gives their room back. Those that were opened are for the caller to let go of
// (judge.Observation.Discard).
func (d *Done) Leave() {
	for _, slot := range d.round.slots {
		if slot.answer != nil && d.round.Room != nil {
			d.round.Room.Leave(slot.url(), slot.answer.Held)
		}
		slot.answer = nil
	}
}

// execute carries the check out; its slots then say how. Everything expensive comes before the release. Cancelling the
// context ends it early, with the context's error; the samples are then nobody's fault.
func (r *round) execute(ctx context.Context) error {
	r.Turns.do(r.needed(), r.prepare)
	r.connect(ctx)
	r.settleInTime(ctx)
	if !sleepUntil(ctx, r.Due) {
		return r.abandon(ctx)
	}
	r.revive(ctx)
	stalls := newStallWatch()
	r.exchange(ctx)
	r.collect()
	r.stall = stalls.end()
	r.stallBegan = stalls.began
	return ctx.Err()
}

// needed returns when the requests are: at the release, or in time to make connections.
func (r *round) needed() time.Time {
	if r.Cold {
		return r.Due.Add(-ShortestLead)
	}
	return r.Due
}

// connect gives every slot a kept connection, or starts to make one. Where all are kept, it leaves them to other checks until
// they are needed.
func (r *round) connect(ctx context.Context) {
	if !r.Cold && time.Until(r.Due) > ShortestLead {
		if slowest, kept := r.Pool.Kept(r.urls); kept {
			sleepUntil(ctx, r.Due.Add(-ShortestLead-2*slowest))
		}
	}
	var open []*slot
	var urls []string
	for _, slot := range r.slots {
		if slot.failure == nil {
			open, urls = append(open, slot), append(urls, slot.url())
		}
	}
	kept := make([]*wire.Conn, len(open))
	if !r.Cold {
		kept = r.Pool.TakeAll(urls)
	}
	for i, slot := range open {
		if kept[i] != nil {
			slot.reuse(kept[i])
		} else {
			slot.dial(ctx, r.Pool, r.Dial, r.Timeout)
		}
	}
}

// urls yields those of the slots that are to be connected.
func (r *round) urls(yield func(string) bool) {
	for _, slot := range r.slots {
		if slot.failure == nil && !yield(slot.url()) {
			return
		}
	}
}

// settleInTime waits for all dials until the lead is over. One that was launched late has no more than the longest lead,
// so that no servicer can hold up the release.
func (r *round) settleInTime(ctx context.Context) {
	until := r.Due
	if soon := time.Now().Add(min(r.Lead, LongestLead)); until.Before(soon) {
		until = soon
	}
	if !slices.ContainsFunc(r.slots, r.held) {
		r.settle(ctx, r.slots, until)
		return
	}
	stalls := newStallWatch()
	r.settle(ctx, r.slots, until)
	r.connectStall = stalls.end()
}

// evades reports whether the servicer was late before and closed its connection, and is being connected to again.
func (r *round) evades(slot *slot) bool {
	return slot.dialing != nil && r.Pool.Evasive(slot.url())
}

// held reports whether it is held against the servicer if it is late: it was before.
func (r *round) held(slot *slot) bool {
	return slot.dialing != nil && (slot.lateBefore > 0 || r.Pool.Evasive(slot.url()))
}

// settle waits for the dials of some slots until a moment; those that are not finished then go on.
func (r *round) settle(ctx context.Context, slots []*slot, until time.Time) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	for _, slot := range slots {
		if slot.dialing == nil {
			continue
		}
		select {
		case result := <-slot.dialing:
			slot.settle(r.Pool, result)
		case <-ctx.Done():
			// The time is up for the others too, but one that has finished is taken.
			select {
			case result := <-slot.dialing:
				slot.settle(r.Pool, result)
			default:
			}
		}
	}
}

// revive looks at every connection right before the release and redials the dead ones. It waits for those only: a
// servicer that is still connecting delays nobody.
func (r *round) revive(ctx context.Context) {
	var redialed []*slot
	for i, alive := range wire.Living(r.connections()) {
		if slot := r.slots[i]; slot.ready() && !alive {
			slot.reconnect(ctx, r.Pool, r.Dial, r.Timeout, r.Cold)
			r.Pool.HungUp(slot.url())
			redialed = append(redialed, slot)
		}
	}
	r.settle(ctx, redialed, time.Now().Add(min(r.Lead, LongestLead)))
}

// connections returns those of the slots; nil for a slot without one.
func (r *round) connections() []*wire.Conn {
	conns := make([]*wire.Conn, len(r.slots))
	for i, slot := range r.slots {
		if slot.ready() {
			conns[i] = slot.conn
		}
	}
	return conns
}

// collect waits for the dials that did not end before the release; each has a deadline of its own. It is too late to
// ask: a connection that was made is kept for the next check.
func (r *round) collect() {
	for _, slot := range r.slots {
		if slot.dialing == nil {
			continue
		}
		evades := r.evades(slot)
		slot.settle(r.Pool, <-slot.dialing)
		if slot.ready() {
			r.retire(slot)
			r.Pool.GiveLate(slot.url(), slot.conn, slot.phases.Total())
			slot.conn, slot.late = nil, &judge.LateConnection{Redialed: slot.redialed, Evades: evades, Before: slot.lateBefore}
		}
	}
}

// exchange releases all requests and collects what comes back. Timeout policy: one deadline for all, counted from the
// release (plus a servicer's own offset); it bounds writing, waiting and reading together, so a dripping answer ends
// with it.
func (r *round) exchange(ctx context.Context) {
	var ready []*slot
	for _, slot := range r.slots {
		if slot.ready() {
			ready = append(ready, slot)
		}
	}
	// Closing the connections is what ends blocked reads when the fisherman is stopped.
	stop := context.AfterFunc(ctx, func() {
		for _, slot := range ready {
			slot.conn.Close()
		}
	})
	var receivers sync.WaitGroup
	for _, slot := range ready {
		if slot.early() {
			receivers.Go(func() { slot.receive(r.Room) })
		}
	}
	r.release(ctx, ready, &receivers)
	receivers.Wait()
	for _, slot := range ready {
		slot.end(slot.conn.Stamps(), slot.conn.Arrival())
	}
	r.skew = skewOf(ready)
	r.keep(ready, !stop())
}

// manySlots is how many requests take long enough to write that waking other processors for them is worth it.
const manySlots = 200

// release writes the requests one after the other from one loop: on open connections that is faster and more even than
// waking a goroutine for each. Of many, each processor writes those that no other has begun with, so that the last is not
// written much later than the first. Receivers that are not waiting yet start when the loop has time for it: while it waits for
// an offset, and at its end.
func (r *round) release(ctx context.Context, ready []*slot, receivers *sync.WaitGroup) {
	unread := ready
	r.released = time.Now()
	deadline := r.released.Add(r.Timeout)
	if r.Offset == 0 && len(ready) >= manySlots {
		share(len(ready), func(next func() (int, bool)) {
			for i, more := next(); more; i, more = next() {
				ready[i].send(deadline)
			}
		})
		r.receive(ready, receivers)
		return
	}
	for i, slot := range ready {
		if slot.offset > 0 {
			r.receive(unread[:len(unread)-len(ready)+i], receivers)
			unread = ready[i:]
			if !sleepUntil(ctx, r.released.Add(slot.offset)) {
				return // who is stopped asks nobody more
			}
		}
		slot.send(deadline.Add(slot.offset))
	}
	r.receive(unread, receivers)
}

// receive starts to receive the answers of slots that were sent on.
func (r *round) receive(sent []*slot, receivers *sync.WaitGroup) {
	for _, slot := range sent {
		if !slot.early() {
			slot.receiveLater(r.Room, receivers)
		}
	}
}

// skewOf is the last request sent less the first, intended offsets and requests that could not be written aside. It goes
// by the kernel's transmissions when all are known, since the two clocks do not mix: a write begins before it sends.
func skewOf(slots []*slot) time.Duration {
	written := slices.DeleteFunc(slices.Clone(slots), func(s *slot) bool { return s.sent.IsZero() })
	unstamped := slices.ContainsFunc(written, func(s *slot) bool { return !s.stamped })
	var earliest, latest time.Time
	for _, slot := range written {
		at := slot.sent
		if !unstamped {
			at = slot.transmitted
			if slot.written.Before(at) {
				at = slot.written // the far side may have had a say in the rest
			}
		}
		at = at.Add(-slot.offset)
		if earliest.IsZero() || at.Before(earliest) {
			earliest = at
		}
		if latest.IsZero() || at.After(latest) {
			latest = at
		}
	}
	return latest.Sub(earliest)
}

// keep gives connections back after clean exchanges and closes the others. When the fisherman was stopped it keeps none:
// they are being closed.
func (r *round) keep(sent []*slot, stopped bool) {
	for _, slot := range sent {
		if slot.answer != nil {
			r.Pool.Answered(slot.url(), slot.kept)
		}
		if slot.clean() && !stopped {
			r.retire(slot)
			r.Pool.Give(slot.url(), slot.conn)
		} else {
			r.Pool.Drop(slot.url(), slot.conn)
		}
	}
}

// retire has the connection of a cold check take the place of a kept one. Until then the kept one serves checks that overlap
// this one, which would else be cold as well.
func (r *round) retire(slot *slot) {
	if r.Cold {
		r.Pool.Retire(slot.url())
	}
}

// abandon closes everything when the fisherman is stopped before the release.
func (r *round) abandon(ctx context.Context) error {
	for _, slot := range r.slots {
		if slot.dialing != nil {
			slot.settle(r.Pool, <-slot.dialing) // the dial ends with the context
		}
		if slot.conn != nil {
			r.Pool.Drop(slot.url(), slot.conn)
		}
	}
	return ctx.Err()
}

// sleepUntil waits for a moment; false when the context ended first.
func sleepUntil(ctx context.Context, moment time.Time) bool {
	wait := time.Until(moment)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
