package samples

import (
	"cmp"
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

const (
	// recalledAge is how old the rounds are that are all recalled, and recalledRounds how many older ones are of a stream
	// of sessions. Once there are mostRecalled samples, no stream has more than recalledRounds.
	recalledAge    = time.Hour
	recalledRounds = 4 * qos.MostRollingChecks
	mostRecalled   = 500_000
)

// stream is the sessions of an application on a relay chain in a zone, which follow one another.
type stream struct {
	at          place
	application string
}

// Recall reads the newest rounds of a store, so that a restart does not empty what is kept. Call it before the first
// session and round are told of. It reads the sessions of the last recalledAge, and before these as many as have
// recalledRounds in their stream, but none that ended more than qos.MostRollingAge ago, and none whose members all have
// as many newer checks as a verdict is taken over. Of sessions whose rounds cannot be read it takes the members, and it leaves out
// those that cannot be read at all. Errors: those of the context, and of a store that lists no sessions.
func (r *Rolling) Recall(ctx context.Context, store Store, now time.Time) error {
	list, err := store.List(ctx)
	if err != nil {
		return err
	}
	picked := recalled(list, now)
	slices.Reverse(picked) // the newest first
	r.setFull(r.full)
	defer r.setFull(r.evict)
	for some := range slices.Chunk(picked, recalledAtOnce) {
		if err := r.recallSome(ctx, store, some); err != nil {
			return err
		}
	}
	return nil
}

// recalledAtOnce is how many sessions are read at once, on all processors.
const recalledAtOnce = 8

// recallSome reads sessions at once, and takes them in their order.
func (r *Rolling) recallSome(ctx context.Context, store Store, some []recalledSession) error {
	memories := make([]*recollection, len(some))
	workers, reading := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i, each := range some {
		if r.covers(each) {
			continue
		}
		workers.Go(func() (err error) {
			memories[i], err = recollect(reading, store, each.Session.GetHeader().GetId())
			if ctx.Err() != nil || errors.Is(err, modules.ErrStoreClosed) {
				return cmp.Or(ctx.Err(), err)
			}
			return nil
		})
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	for _, memory := range memories {
		if memory != nil {
			r.recall(memory)
		}
	}
	return nil
}

// recalledSession is a session that Recall reads.
type recalledSession struct {
	*modules.ListedSession
	// ended is when the next session of its stream was taken up; zero for the newest.
	ended time.Time
}

// recollection is what a stored session tells of its servicers.
type recollection struct {
	session *types.QoSSession
	// released is when the newest round was; 0 when there is none.
	released  int64
	servicers []*recollected
}

// recollected is a servicer with its samples and the checks of them.
type recollected struct {
	address string
	samples []*types.QoSSample
	checks  []qos.RollingCheck
}

// recollect reads a session. Of one whose rounds cannot be read there are no servicers. Errors: the store's.
func recollect(ctx context.Context, store Store, id string) (*recollection, error) {
	added, err := store.Added(ctx, id, 0, func(uint32) (modules.Mark, bool) { return 0, false })
	if err != nil && ctx.Err() == nil && !errors.Is(err, modules.ErrStoreClosed) {
		added.Rounds = nil
		added.Session, err = store.Session(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	memory, terms := &recollection{session: added.Session}, qos.TermsOf(added.Session)
	known := make(map[string]*recollected, len(added.Session.GetServicers()))
	for _, round := range added.Rounds {
		memory.released = max(memory.released, round.GetReleasedUnixNano())
		terms.RollingChecks(round, func(sample *types.QoSSample, check qos.RollingCheck) {
			servicer := known[sample.GetServicer()]
			if servicer == nil {
				room := min(len(added.Rounds), trimmedAt)
				servicer = &recollected{sample.GetServicer(), make([]*types.QoSSample, 0, room), make([]qos.RollingCheck, 0, room)}
				known[servicer.address] = servicer
				memory.servicers = append(memory.servicers, servicer)
			}
			servicer.samples, servicer.checks = append(servicer.samples, sample), append(servicer.checks, check)
		})
	}
	return memory, nil
}

// covers reports whether all members of a session have as many checks that were asked after it as a verdict is taken over, and
// are listed by a newer one. Who is told of each check hears of all that are picked: other places may need them.
func (r *Rolling) covers(session recalledSession) bool {
	if r.added != nil || session.ended.IsZero() || !session.Session.GetClosed() || len(session.Members) == 0 {
		return false
	}
	header, after := session.Session.GetHeader(), session.ended.Add(clockSlack).UnixNano()
	r.mu.Lock()
	defer r.mu.Unlock()
	here := r.places[place{header.GetRelayChain(), header.GetGeoZone()}]
	for _, member := range session.Members {
		known := here[member.Value()]
		if known == nil || known.listedBefore(session.Session) || known.counting(after) < qos.MostRollingChecks {
			return false
		}
	}
	return true
}

// counting counts the checks that take a place and were asked after a moment.
func (s *rolled) counting(after int64) (counting int) {
	for i := len(s.checks) - 1; i >= 0 && s.checks[i].Asked() > after; i-- {
		if s.checks[i].Counts() {
			counting++
		}
	}
	return counting
}

// setFull sets what is done when there is no room for a further servicer.
func (r *Rolling) setFull(full func() bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.makeRoom = full
}

// full makes no room: while sessions are recalled, what comes is older than what is there.
func (*Rolling) full() bool { return false }

// recalled picks the sessions that Recall reads, in the order in which they were taken up. A session counts as over when
// the next one of its stream was taken up.
func recalled(list []modules.ListedSession, now time.Time) (picked []recalledSession) {
	sorted := make([]*modules.ListedSession, len(list))
	for i := range list {
		sorted[i] = &list[i]
	}
	slices.SortStableFunc(sorted, func(a, b *modules.ListedSession) int {
		return cmp.Compare(a.Session.GetJoinedUnixNano(), b.Session.GetJoinedUnixNano())
	})
	ended, planned, samples := make(map[stream]time.Time), make(map[stream]int), 0
	for _, listed := range slices.Backward(sorted) {
		session := listed.Session
		header := session.GetHeader()
		of := stream{place{header.GetRelayChain(), header.GetGeoZone()}, header.GetApplication()}
		end, followed := ended[of]
		if followed {
			age := now.Sub(end)
			if age > qos.MostRollingAge || (age > recalledAge || samples >= mostRecalled) && planned[of] >= recalledRounds {
				continue
			}
		}
		ended[of] = time.Unix(0, session.GetJoinedUnixNano())
		planned[of] += int(session.GetChecksPlanned())
		samples += int(session.GetChecksPlanned()) * len(listed.Members)
		picked = append(picked, recalledSession{listed, end})
	}
	slices.Reverse(picked)
	return picked
}

// recall takes a stored session with its rounds.
func (r *Rolling) recall(memory *recollection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.take(memory.session)
	r.listMembers(known, memory.session)
	if memory.released != 0 {
		known.touched = max(known.touched, memory.released-int64(r.ahead))
	}
	for _, of := range memory.servicers {
		servicer := r.servicer(known.at, of.address)
		if servicer == nil {
			continue
		}
		for i := range of.checks {
			of.checks[i] = of.checks[i].Earlier(r.ahead)
			if r.added != nil {
				r.added(known.at, of.address, &of.checks[i])
			}
			servicer.describe(known, of.samples[i], of.checks[i], math.MaxInt64)
		}
		servicer.merge(of.checks)
	}
	if memory.session.GetClosed() {
		delete(r.open, memory.session.GetHeader().GetId())
	}
}

// merge adds checks of a session, all at once: most are older than what is there.
func (s *rolled) merge(checks []qos.RollingCheck) {
	merged := checks
	if len(s.checks) > 0 {
		merged = slices.Concat(checks, s.checks)
	}
	order := func(a, b qos.RollingCheck) int {
		switch {
		case a.Before(&b):
			return -1
		case b.Before(&a):
			return 1
		}
		return 0
	}
	if !slices.IsSortedFunc(merged, order) {
		slices.SortStableFunc(merged, order)
	}
	// A servicer has one sample in a round.
	merged = slices.CompactFunc(merged, func(a, b qos.RollingCheck) bool { return !a.Before(&b) && !b.Before(&a) })
	switch {
	case len(merged) >= trimmedAt:
		merged = trim(merged)
	case cap(merged) > trimmedAt:
		merged = append(make([]qos.RollingCheck, 0, trimmedAt), merged...)
	}
	s.checks = merged
}
