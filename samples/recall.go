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
// as many newer checks as a verdict is taken over. Sessions that cannot be read are left out. Errors: those of the context,
// and of a store that lists no sessions.
func (r *Rolling) Recall(ctx context.Context, store Store, now time.Time) error {
	sessions, err := store.Sessions(ctx)
	if err != nil {
		return err
	}
	picked := recalled(sessions, now)
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
	rounds := make([][]*types.QoSRound, len(some))
	workers, reading := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i, each := range some {
		if r.covers(each) {
			continue
		}
		workers.Go(func() (err error) {
			rounds[i], err = store.Outline(reading, each.GetHeader().GetId())
			if ctx.Err() != nil || errors.Is(err, modules.ErrStoreClosed) {
				return cmp.Or(ctx.Err(), err)
			}
			return nil
		})
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	for i, each := range some {
		r.recall(each.QoSSession, rounds[i])
	}
	return nil
}

// recalledSession is a session that Recall reads.
type recalledSession struct {
	*types.QoSSession
	// ended is when the next session of its stream was taken up; zero for the newest.
	ended time.Time
}

// covers reports whether all members of a session have as many checks that were asked after it as a verdict is taken over. Who
// is told of each check hears of all that are picked: other places may need them.
func (r *Rolling) covers(session recalledSession) bool {
	if r.added != nil || session.ended.IsZero() || !session.GetClosed() || len(session.GetServicers()) == 0 {
		return false
	}
	header, after := session.GetHeader(), session.ended.Add(clockSlack).UnixNano()
	r.mu.Lock()
	defer r.mu.Unlock()
	here := r.places[place{header.GetRelayChain(), header.GetGeoZone()}]
	for _, member := range session.GetServicers() {
		known := here[member.GetAddress()]
		if known == nil || known.counting(after) < qos.MostRollingChecks {
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
func recalled(sessions []*types.QoSSession, now time.Time) (picked []recalledSession) {
	sorted := slices.SortedStableFunc(slices.Values(sessions), func(a, b *types.QoSSession) int {
		return cmp.Compare(a.GetJoinedUnixNano(), b.GetJoinedUnixNano())
	})
	ended, planned, samples := make(map[stream]time.Time), make(map[stream]int), 0
	for _, session := range slices.Backward(sorted) {
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
		samples += int(session.GetChecksPlanned()) * len(session.GetServicers())
		picked = append(picked, recalledSession{session, end})
	}
	slices.Reverse(picked)
	return picked
}

// recall takes a stored session with its rounds.
func (r *Rolling) recall(session *types.QoSSession, rounds []*types.QoSRound) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.take(session)
	r.listMembers(known, session)
	checks := make(map[string][]qos.RollingCheck, len(known.members))
	for _, round := range rounds {
		known.touched = max(known.touched, round.GetReleasedUnixNano()-int64(r.ahead))
		known.terms.RollingChecks(round, func(sample *types.QoSSample, check qos.RollingCheck) {
			check = check.Earlier(r.ahead)
			if servicer := r.servicer(known.at, sample.GetServicer()); servicer != nil {
				checks[sample.GetServicer()] = append(checks[sample.GetServicer()], check)
				if r.added != nil {
					r.added(known.at, sample.GetServicer(), &check)
				}
				servicer.describe(known, sample, check, math.MaxInt64)
			}
		})
	}
	for address, of := range checks {
		if servicer := r.servicer(known.at, address); servicer != nil {
			servicer.merge(of)
		}
	}
	if session.GetClosed() {
		delete(r.open, session.GetHeader().GetId())
	}
}

// merge adds checks of a session, all at once: most are older than what is there.
func (s *rolled) merge(checks []qos.RollingCheck) {
	merged := append(append(make([]qos.RollingCheck, 0, max(len(checks)+len(s.checks), trimmedAt)), checks...), s.checks...)
	slices.SortStableFunc(merged, func(a, b qos.RollingCheck) int {
		switch {
		case a.Before(&b):
			return -1
		case b.Before(&a):
			return 1
		}
		return 0
	})
	// A servicer has one sample in a round.
	merged = slices.CompactFunc(merged, func(a, b qos.RollingCheck) bool { return !a.Before(&b) && !b.Before(&a) })
	if len(merged) >= trimmedAt {
		merged = trim(merged)
	}
	s.checks = merged
}
