package samples

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

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
// recalledRounds in their stream, but none that ended more than qos.MostRollingAge ago. Sessions that cannot be read are
// left out. Errors: those of the context, and of a store that lists no sessions.
func (r *Rolling) Recall(ctx context.Context, store Store, now time.Time) error {
	sessions, err := store.Sessions(ctx)
	if err != nil {
		return err
	}
	for _, session := range recalled(sessions, now) {
		rounds, err := store.Outline(ctx, session.GetHeader().GetId())
		if ctx.Err() != nil || errors.Is(err, modules.ErrStoreClosed) {
			return cmp.Or(ctx.Err(), err)
		}
		r.recall(session, rounds)
	}
	return nil
}

// recalled picks the sessions that Recall reads, in the order in which they were taken up. A session counts as over when
// the next one of its stream was taken up.
func recalled(sessions []*types.QoSSession, now time.Time) (picked []*types.QoSSession) {
	sorted := slices.SortedStableFunc(slices.Values(sessions), func(a, b *types.QoSSession) int {
		return cmp.Compare(a.GetJoinedUnixNano(), b.GetJoinedUnixNano())
	})
	ended, planned, samples := make(map[stream]time.Time), make(map[stream]int), 0
	for _, session := range slices.Backward(sorted) {
		header := session.GetHeader()
		of := stream{place{header.GetRelayChain(), header.GetGeoZone()}, header.GetApplication()}
		if end, followed := ended[of]; followed {
			age := now.Sub(end)
			if age > qos.MostRollingAge || (age > recalledAge || samples >= mostRecalled) && planned[of] >= recalledRounds {
				continue
			}
		}
		ended[of] = time.Unix(0, session.GetJoinedUnixNano())
		planned[of] += int(session.GetChecksPlanned())
		samples += int(session.GetChecksPlanned()) * len(session.GetServicers())
		picked = append(picked, session)
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
	for _, round := range rounds {
		r.add(known, round, math.MaxInt64)
	}
	if session.GetClosed() {
		delete(r.open, session.GetHeader().GetId())
	}
}
