package fisherman

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// storeGrace is how long a round may take to be stored, and how long any may after the fisherman was stopped.
const storeGrace = 2 * time.Second

// loop is the state of one Run; only its goroutine touches it.
type loop struct {
	*Fisherman
	ctx context.Context
	// storing outlives ctx by the grace in which what is under way may still be stored.
	storing context.Context
	pace    schedule.Pace
	// watches by session id.
	watches map[string]*watch
	// workers carry out rounds and store dropped checks; finished tells of one that ended.
	workers  sync.WaitGroup
	finished chan ended
	// requests counts what the workers ask.
	requests int
	// demandedAt is when the last check on demand was started.
	demandedAt time.Time
}

// ended is a worker that has ended: of which session, and how many requests it made at once.
type ended struct {
	session  string
	requests int
}

// Run samples until the context ends; it then stops the rounds under way, stores them as void and returns nil.
func (f *Fisherman) Run(ctx context.Context) error {
	heads, cancel := f.heads.Subscribe()
	defer cancel()
	storing, abort := context.WithCancel(context.WithoutCancel(ctx))
	l := &loop{
		Fisherman: f,
		ctx:       ctx,
		storing:   storing,
		pace:      schedule.Pace{Interval: f.config.BlockInterval},
		watches:   make(map[string]*watch),
		finished:  make(chan ended),
	}
	// Until the workers have ended somebody has to listen to them.
	defer l.drain(abort)
	following, unfollow := context.WithCancel(ctx)
	defer f.followHeads(following)()
	defer unfollow()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case head := <-heads:
			l.launch(time.Now()) // what fell due by the old pace is not moved by the new one
			l.onHead(head, time.Now())
		case <-timer.C:
		case worker := <-l.finished:
			l.onFinished(worker)
		case demand := <-l.demands:
			l.onDemand(demand, time.Now())
		}
		l.launch(time.Now())
		l.close()
		timer.Reset(time.Until(l.wake()))
	}
}

// drain waits for the workers, then lets the connections go. It ends the storing of rounds after the grace.
func (l *loop) drain(abort context.CancelFunc) {
	defer abort()
	defer time.AfterFunc(storeGrace, abort).Stop()
	done := make(chan struct{})
	go func() {
		l.workers.Wait()
		close(done)
	}()
	for {
		select {
		case <-l.finished:
		case <-done:
			l.links.close()
			return
		}
	}
}

// onHead follows the chain: it corrects the pace, takes up sessions that have begun, and learns of changed members.
func (l *loop) onHead(head types.Head, now time.Time) {
	if head.CatchingUp || head.Height <= l.pace.Height {
		return
	}
	if l.pace.Height == 0 {
		l.closeLeftOpen(head.Height)
	}
	l.pace = l.pace.Observe(head.Height, now)
	sessions, err := l.sessions.Sessions(l.ctx, head.Height)
	if err != nil {
		l.fault("read own sessions", err)
		return
	}
	for _, watch := range l.watches {
		watch.left = head.Height < watch.span.End
	}
	for _, session := range sessions {
		l.follow(session, head, now)
	}
}

// follow takes a session up, or updates its members.
func (l *loop) follow(session *types.Session, head types.Head, now time.Time) {
	id := session.GetHeader().GetId()
	known, ok := l.watches[id]
	if !ok {
		var err error
		if known, err = l.takeUp(l.ctx, session, head, now); err != nil {
			l.fault("take up session", err)
			return
		}
		if err := l.recall(l.ctx, known); err != nil {
			l.fault("recall session", err)
		}
		known.unsaved = true
		l.watches[id] = known
		l.config.Logger.Info("session taken up", "session", id, "height", head.Height,
			"relay_chain", session.GetHeader().GetRelayChain(), "servicers", len(session.GetServicers()))
	}
	known.left = false
	if known.adopt(session) || known.unsaved {
		l.putSession(known)
	}
}

// onFinished notes that a worker of a session has ended.
func (l *loop) onFinished(worker ended) {
	watch := l.watches[worker.session] // a watch is not closed before its workers have ended
	watch.underway--
	watch.requests -= worker.requests
	l.requests -= worker.requests
}

// launch starts what falls due within the lead, and drops what cannot be served any more.
func (l *loop) launch(now time.Time) {
	for _, watch := range l.watches {
		l.launchWatch(watch, now)
		watch.fresh = false
	}
}

// launchWatch looks at one session's plan. A check is late by what passed since it fell due, or since the head that
// moved its time; of several that are overdue only the newest is served, the others are dropped, never delayed.
func (l *loop) launchWatch(w *watch, now time.Time) {
	var dropped []*types.QoSRound
	drop := func(index int, due time.Time, reason string) {
		unserved := order{session: w.session, index: uint32(index), due: due}
		record := unserved.record(types.RoundStatus_ROUND_STATUS_DROPPED)
		record.Reason = reason
		dropped = append(dropped, record)
	}
	for w.pending() && !now.Before(l.prepare(w)) {
		index, due := w.next, l.due(w, w.next)
		w.advance()
		overtaken := w.pending() && !now.Before(l.due(w, w.next))
		if reason := l.unservable(w, due, now, overtaken); reason != "" {
			drop(index, due, reason)
		} else if reason := l.start(w, uint32(index), l.expected(w, due)); reason != "" {
			drop(index, due, reason)
		}
	}
	if len(dropped) > 0 {
		l.storeDropped(w, dropped)
	}
}

func (l *loop) due(w *watch, index int) time.Time { return l.pace.Due(w.span, w.plan[index]) }

// prepare is when the next check of a session has to be launched.
func (l *loop) prepare(w *watch) time.Time {
	return l.due(w, w.next).Add(-l.lead(w))
}

// lead is how long before its moment a check of a session is launched.
func (l *loop) lead(w *watch) time.Duration {
	if took := l.links.slowest(w.session.GetServicers()); took > 0 {
		return w.longLead(l.pace.Interval, took)
	}
	return w.lead(l.pace.Interval)
}

// unservable gives the reason for which a check cannot be served in time any more, or "".
func (l *loop) unservable(w *watch, due, now time.Time, overtaken bool) string {
	switch late := now.Sub(l.expected(w, due)); {
	case w.left:
		return "the fisherman does not belong to the session any more"
	case w.fresh && late > w.tolerance(l.pace.Interval):
		return "fell due before the fisherman took the session up"
	case l.pace.Height > w.span.End:
		return "the session was over"
	case overtaken:
		return "the next check was due as well"
	case late > w.tolerance(l.pace.Interval):
		return "noticed " + late.Round(time.Millisecond).String() + " late"
	}
	return ""
}

// expected is when the loop was told to serve a check: when it fell due, or when a head came early and moved it.
func (l *loop) expected(w *watch, due time.Time) time.Time {
	if !w.fresh && due.Before(l.pace.At) {
		return l.pace.At
	}
	return due
}

// start launches a round; it returns the reason if there can be none.
func (l *loop) start(w *watch, index uint32, due time.Time) string {
	if w.size() == 0 {
		return "the session has no servicers"
	}
	if reason := l.crowded(w); reason != "" {
		return reason
	}
	order, err := l.drawUp(w, index, due)
	if err != nil {
		return clip(err.Error())
	}
	order.asked = w.mostAsked(index) + l.extras.of(w.session.GetHeader().GetId())
	header := w.session.GetHeader()
	l.work(w, w.size(), func() {
		round := l.check(l.ctx, order)
		l.log(round)
		l.putRounds(header, round)
	})
	return ""
}

// drawUp makes the order of a check, with a question for the relay chain as it is now.
func (l *loop) drawUp(w *watch, index uint32, due time.Time) (order, error) {
	chain := w.session.GetHeader().GetRelayChain()
	head, err := l.headOf(chain, l.pace.Height)
	if err != nil {
		return order{}, err
	}
	made, err := w.order(l.config.Catalogues[chain], l.config.Probes[chain], index, due, head)
	made.lead = l.lead(w)
	return made, err
}

func (l *loop) storeDropped(w *watch, dropped []*types.QoSRound) {
	for _, round := range dropped {
		l.log(round)
	}
	header := w.session.GetHeader()
	l.work(w, 0, func() { l.putRounds(header, dropped...) })
}

// work runs a task for a session, which makes so many requests at once, in a goroutine of the loop's.
func (l *loop) work(w *watch, requests int, task func()) {
	id := w.session.GetHeader().GetId()
	w.underway++
	w.requests += requests
	l.requests += requests
	l.workers.Go(func() {
		task()
		l.finished <- ended{session: id, requests: requests}
	})
}

// close ends the sessions that are over and have nothing under way. One whose end cannot be stored is tried again for
// as long as another session.
func (l *loop) close() {
	for id, watch := range l.watches {
		if !watch.complete(l.pace.Height) {
			continue
		}
		watch.stored.Closed = true
		l.putSession(watch)
		if watch.unsaved && l.pace.Height < watch.span.End+watch.session.GetBlocks() {
			continue
		}
		delete(l.watches, id)
		l.extras.forget(id)
		if _, err := l.store.Prune(l.ctx, watch.policy.SessionsRetained); err != nil {
			l.fault("prune sessions", err)
		}
		l.links.retain(l.serviceURLs())
		l.config.Logger.Info("session complete", "session", id)
	}
}

// closeLeftOpen closes the sessions that an earlier run was stopped in and that are over by now. What they lack was never
// asked.
func (l *loop) closeLeftOpen(height int64) {
	stored, err := l.store.Sessions(l.ctx)
	if err != nil {
		l.fault("read sessions of an earlier run", err)
		return
	}
	for _, session := range stored {
		end := schedule.NewSpan(session.GetHeader().GetStartHeight(), session.GetBlocks()).End
		if session.GetClosed() || height < end {
			continue
		}
		session.Closed = true
		if err := l.store.PutSession(l.ctx, session); err != nil {
			l.fault("close session of an earlier run", err)
		}
	}
}

// serviceURLs are those that the current sessions need.
func (l *loop) serviceURLs() map[string]bool {
	needed := make(map[string]bool)
	for _, watch := range l.watches {
		for _, servicer := range watch.session.GetServicers() {
			needed[servicer.GetServiceUrl()] = true
		}
	}
	return needed
}

// wake is when the next check has to be prepared.
func (l *loop) wake() time.Time {
	next := time.Now().Add(time.Hour)
	for _, watch := range l.watches {
		if watch.pending() {
			if moment := l.prepare(watch); moment.Before(next) {
				next = moment
			}
		}
	}
	return next
}

// putSession stores what is known of a session; sampling does not depend on it.
func (l *loop) putSession(w *watch) {
	err := l.store.PutSession(l.ctx, w.stored)
	if w.unsaved = err != nil; w.unsaved {
		l.fault("store session", err)
	}
}

// putRounds stores rounds of a session, even while the fisherman is being stopped, and tells the observer of them.
func (l *loop) putRounds(session *types.SessionHeader, rounds ...*types.QoSRound) {
	for _, round := range rounds {
		ctx, cancel := context.WithTimeout(l.storing, storeGrace)
		err := l.store.PutRound(ctx, round)
		if err != nil {
			l.fault("store round", err)
		}
		cancel()
		l.config.Hooks.round(Observed{Session: session, Round: round, Cause: CauseOf(round), Stored: err == nil})
	}
}

// log tells of a round: quietly when all went well.
func (l *loop) log(round *types.QoSRound) {
	level := slog.LevelDebug
	if round.GetStatus() == types.RoundStatus_ROUND_STATUS_VOID && l.ctx.Err() == nil {
		level = slog.LevelWarn
	}
	l.config.Logger.Log(l.ctx, level, "check "+round.GetStatus().Label(), "session", round.GetSessionId(),
		"index", round.GetIndex(), "question", round.GetQuestion(), "reason", round.GetReason())
}

func (l *loop) fault(attempt string, err error) {
	if l.ctx.Err() == nil {
		l.config.Logger.Error(attempt+" failed", "error", err)
	}
}
