package fisherman

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

const (
	// storeGrace is how long rounds may take to be stored after the fisherman was stopped.
	storeGrace = 2 * time.Second
	// mostReason bounds the reason of a dropped check, in bytes.
	mostReason = 256
)

// loop is the state of one Run; only its goroutine touches it. It does no I/O: workers carry out rounds and read, the
// writer stores.
type loop struct {
	*Fisherman
	ctx  context.Context
	pace schedule.Pace
	// followed sessions by id, and those of them that have checks to come.
	followed map[string]*followed
	agenda   agenda
	// firstEnd is the height at which the first of them ends, or a lower one.
	firstEnd int64
	// workers carry out rounds and read sessions; finished tells of a round that ended.
	workers  sync.WaitGroup
	finished chan ended
	// requests counts what the workers ask.
	requests int
	// extras counts the checks outside of any schedule, by session id; they count towards the same reserve.
	extras map[string]uint64
	// leftovers when a session has ended whose connections are kept still.
	leftovers bool
	// demandedAt is when the last check on demand was started.
	demandedAt time.Time

	// recalled is what an earlier run stored; nil until it is known.
	recalled *recalled
	tidied   bool
	// unread is the newest head whose sessions were not read; nil when they were, or are being read.
	unread   *arrived
	reading  bool
	currents chan current
}

// arrived is a head, and when it came.
type arrived struct {
	head types.Head
	at   time.Time
}

// ended is a worker that has ended: of which session, and how many requests it made at once.
type ended struct {
	session  *followed
	requests int
}

// Run samples until the context ends; it then stops the rounds under way, stores them as void and returns nil.
func (f *Fisherman) Run(ctx context.Context) error {
	heads, cancel := f.network.Subscribe()
	defer cancel()
	l := &loop{
		Fisherman: f,
		ctx:       ctx,
		pace:      schedule.Pace{Interval: f.config.BlockInterval},
		followed:  make(map[string]*followed),
		firstEnd:  math.MaxInt64,
		finished:  make(chan ended),
		extras:    make(map[string]uint64),
		currents:  make(chan current),
	}
	defer l.startWriter()()
	// Until the workers have ended somebody has to listen to them.
	defer l.drain()
	following, unfollow := context.WithCancel(ctx)
	defer f.followHeads(following)()
	defer unfollow()
	recalls := make(chan recalled, 1)
	l.workers.Go(func() { recalls <- f.recall(ctx) })
	patience := time.NewTimer(recallLimit)
	defer patience.Stop()
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
		case found := <-recalls:
			l.onRecalled(found)
		case <-patience.C:
			l.onRecalled(recalled{err: errRecallSlow})
		case found := <-l.currents:
			l.onCurrent(found)
		case worker := <-l.finished:
			l.onFinished(worker)
		case demand := <-l.demands:
			l.onDemand(demand, time.Now())
		}
		l.launch(time.Now())
		l.close()
		timer.Reset(time.Until(l.agenda.next(time.Now().Add(time.Hour))))
	}
}

// startWriter starts the writer. The returned function ends it when all is stored, after the grace at the latest.
func (l *loop) startWriter() (end func()) {
	storing, abort := context.WithCancel(context.WithoutCancel(l.ctx))
	var writing sync.WaitGroup
	writing.Go(func() { l.writer.run(storing) })
	return func() {
		defer abort()
		defer time.AfterFunc(storeGrace, abort).Stop()
		l.writer.end()
		writing.Wait()
	}
}

// drain waits for the workers, then lets the connections go.
func (l *loop) drain() {
	done := make(chan struct{})
	go func() {
		l.workers.Wait()
		close(done)
	}()
	for {
		select {
		case <-l.finished:
		case <-l.currents:
		case <-done:
			l.pool.Close()
			return
		}
	}
}

// onHead follows the chain: it corrects the pace, and has the sessions read that the head belongs to.
func (l *loop) onHead(head types.Head, now time.Time) {
	if head.CatchingUp || head.Height <= l.pace.Height {
		return
	}
	l.pace = l.pace.Observe(head.Height, now)
	l.agenda.reset(l.prepare)
	l.unread = &arrived{head: head, at: now}
	l.read()
}

// onFinished notes that a worker of a session has ended.
func (l *loop) onFinished(worker ended) {
	w := worker.session
	w.underway--
	w.requests -= worker.requests
	l.requests -= worker.requests
	if w.pending() && l.followed[w.session.GetHeader().GetId()] == w {
		l.agenda.set(w, l.prepare(w)) // it may have been found that a servicer connects late
	}
}

// launch starts what falls due within the lead, and drops what cannot be served any more.
func (l *loop) launch(now time.Time) {
	for w := l.agenda.due(now); w != nil; w = l.agenda.due(now) {
		l.look(w, now)
	}
}

// takeUp looks at sessions that have begun, those with the earliest checks first.
func (l *loop) takeUp(begun []*followed) {
	for _, w := range begun {
		w.moment = l.prepare(w)
	}
	slices.SortFunc(begun, func(a, b *followed) int { return a.moment.Compare(b.moment) })
	now := time.Now()
	for _, w := range begun {
		l.look(w, now)
	}
}

// look starts or drops what is due of a session, and notes when to look again.
func (l *loop) look(w *followed, now time.Time) {
	l.launchSession(w, now)
	w.fresh = false
	l.agenda.set(w, l.prepare(w))
}

// launchSession looks at one session's plan. A check is late by what passed since it fell due, or since the head that
// moved its time; of several that are overdue only the newest is served, the others are dropped, never delayed.
func (l *loop) launchSession(w *followed, now time.Time) {
	for w.pending() && !now.Before(l.prepare(w)) {
		index, due := w.next, l.due(w, w.next)
		w.advance()
		overtaken := w.pending() && !now.Before(l.due(w, w.next))
		cause, reason := l.unservable(w, due, now, overtaken)
		if cause == types.Cause_CAUSE_UNSPECIFIED {
			cause, reason = l.start(w, uint32(index), l.expected(w, due))
		}
		if cause != types.Cause_CAUSE_UNSPECIFIED {
			l.drop(w.session.GetHeader(), uint32(index), due, cause, reason)
		}
	}
}

// drop stores that a check was never asked.
func (l *loop) drop(header *types.SessionHeader, index uint32, due time.Time, cause types.Cause, reason string) {
	l.keep(header, &types.QoSRound{
		SessionId:       header.GetId(),
		Index:           index,
		Status:          types.RoundStatus_ROUND_STATUS_DROPPED,
		Cause:           cause,
		Reason:          text.Line(reason, mostReason),
		PlannedUnixNano: due.UnixNano(),
	})
}

// keep logs a round and hands it to the writer.
func (l *loop) keep(header *types.SessionHeader, round *types.QoSRound) {
	l.log(round)
	l.writer.putRound(header, round, nil)
}

func (l *loop) due(w *followed, index int) time.Time { return l.pace.Due(w.span, w.plan[index]) }

// prepare is when the next check of a session has to be launched; the zero time when none is left.
func (l *loop) prepare(w *followed) time.Time {
	if !w.pending() {
		return time.Time{}
	}
	return l.due(w, w.next).Add(-l.lead(w))
}

// lead is how long before its moment a check of a session is launched.
func (l *loop) lead(w *followed) time.Duration {
	if slowest := l.pool.Slowest(w.serviceURLs); slowest > 0 {
		return w.longLead(l.pace.Interval, slowest)
	}
	return w.lead(l.pace.Interval)
}

// unservable returns why a check cannot be served in time any more; CAUSE_UNSPECIFIED when it can.
func (l *loop) unservable(w *followed, due, now time.Time, overtaken bool) (types.Cause, string) {
	switch late := now.Sub(l.expected(w, due)); {
	case w.left:
		return types.Cause_CAUSE_LEFT, "the fisherman does not belong to the session any more"
	case w.fresh && late > w.tolerance(l.pace.Interval):
		return types.Cause_CAUSE_JOINED_LATE, "fell due before the fisherman took the session up"
	case l.pace.Height > w.span.End:
		return types.Cause_CAUSE_SESSION_OVER, "the session was over"
	case overtaken:
		return types.Cause_CAUSE_OVERTAKEN, "the next check was due as well"
	case late > w.tolerance(l.pace.Interval):
		return types.Cause_CAUSE_LATE, "noticed " + late.Round(time.Millisecond).String() + " late"
	}
	return types.Cause_CAUSE_UNSPECIFIED, ""
}

// expected is when the loop was told to serve a check: when it fell due, or when a head came early and moved it.
func (l *loop) expected(w *followed, due time.Time) time.Time {
	if !w.fresh && due.Before(l.pace.At) {
		return l.pace.At
	}
	return due
}

// start launches a round; it returns why there can be none.
func (l *loop) start(w *followed, index uint32, due time.Time) (types.Cause, string) {
	if w.size() == 0 {
		return types.Cause_CAUSE_NO_SERVICERS, "the session has no servicers"
	}
	if reason := l.crowded(w); reason != "" {
		return types.Cause_CAUSE_OVERLOAD, reason
	}
	drawn, err := l.drawUp(w, index, due)
	if err != nil {
		return types.Cause_CAUSE_NO_QUESTION, err.Error()
	}
	header := w.session.GetHeader()
	drawn.Asked = w.mostAsked(index) + l.extras[header.GetId()]
	l.work(w, func() {
		if err := drawn.pay(); err != nil {
			l.drop(header, index, due, types.Cause_CAUSE_BUDGET, err.Error())
			return
		}
		observed, record := l.carryOut(l.ctx, drawn, l.pool)
		l.keep(header, record)
		l.watchControl(&drawn, observed, record)
	})
	return types.Cause_CAUSE_UNSPECIFIED, ""
}

// drawUp draws up a check, with a question for the relay chain as it is now.
func (l *loop) drawUp(w *followed, index uint32, due time.Time) (spec, error) {
	name, chain := w.session.GetHeader().GetRelayChain(), w.chain
	head, err := l.headOf(name, chain, max(l.pace.Height, w.session.GetHeight()))
	switch unknown := errors.Is(err, errHeadUnknown); {
	case unknown && w.session.GetRelayHead() > 0:
		head, err = w.session.GetRelayHead(), nil
	case unknown && chain.Catalogue.Head != nil && chain.Probe == nil:
		err = nil // the servicers are asked for it
	}
	if err != nil {
		return spec{}, err
	}
	asked, err := w.draw(index, head, chain.asksProbe() && l.relayHeads.wantsHeads(name))
	if err != nil {
		return spec{}, err
	}
	drawn := spec{rules: w.policy.Rules, chain: chain, head: head, maxLag: w.maxLag(), blockTime: l.pace.Interval, budget: w.policy.Budget}
	if chain.Catalogue.Asked() {
		drawn.blockTime = l.relayHeads.blockTime(name)
	}
	drawn.rules.IgnoredFields, drawn.rules.Ignored = chain.IgnoredFields, chain.ignored
	drawn.Spec = round.Spec{
		Session:  w.session,
		Index:    index,
		Question: asked,
		Due:      due,
		Lead:     l.lead(w),
		Cold:     l.lead(w) >= leastColdLead && w.cold(index),
		Timeout:  w.policy.Timeout,
		Offset:   w.policy.ServicerOffset,
	}
	return drawn, nil
}

// work runs a round of a session in a goroutine of the loop's.
func (l *loop) work(w *followed, task func()) {
	requests := w.size()
	w.underway++
	w.requests += requests
	l.requests += requests
	l.workers.Go(func() {
		task()
		l.finished <- ended{session: w, requests: requests}
	})
}

// close ends the sessions that are over and have nothing under way.
func (l *loop) close() {
	if l.firstEnd <= l.pace.Height {
		l.closeCompleted()
	}
	// Not while sessions are read: the next one mostly has servicers of the last.
	if l.leftovers && !l.reading {
		l.leftovers = false
		l.pool.Retain(l.serviceURLs())
	}
}

func (l *loop) closeCompleted() {
	l.firstEnd = math.MaxInt64
	retain := math.MaxInt
	for id, w := range l.followed {
		if !w.complete(l.pace.Height) {
			l.firstEnd = min(l.firstEnd, w.span.End)
			continue
		}
		w.stored.Closed = true
		l.writer.putFinal(w.stored) // after its rounds
		retain = min(retain, w.policy.SessionsRetained)
		delete(l.followed, id)
		delete(l.extras, id)
		l.leftovers = true
		l.config.Logger.Info("session complete", "session", id)
	}
	if retain < math.MaxInt {
		l.writer.prune(retain)
	}
}

// serviceURLs are those that the current sessions need.
func (l *loop) serviceURLs() map[string]bool {
	needed := make(map[string]bool)
	for _, w := range l.followed {
		for url := range w.serviceURLs {
			needed[url] = true
		}
	}
	return needed
}

// log logs a round: quietly when all went well.
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
