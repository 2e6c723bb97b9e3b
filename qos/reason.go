package qos

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// mostReasons bounds the reasons of a session's report; the most frequent are kept.
const mostReasons = 8

// unrecorded is the reason of planned checks of a closed session of which nothing was stored.
const unrecorded = "nothing was stored of them"

// reasonsOf finds the reasons of rounds that are void or dropped, and of missing ones that were never stored; the most
// frequent come first.
func reasonsOf(rounds []*types.QoSRound, missing int) []api.Reason {
	type kind struct {
		status types.RoundStatus
		cause  types.Cause
	}
	reasons, places := []api.Reason{}, make(map[kind]int)
	add := func(why kind, checks int, text string) {
		place, known := places[why]
		if !known {
			place, places[why] = len(reasons), len(reasons)
			reasons = append(reasons, api.Reason{Status: api.ReasonStatus(strings.ToLower(why.status.Label())), Text: text, Cause: api.Cause(why.cause.Label()), CauseWord: api.WordOf(why.cause.Label())})
		}
		reasons[place].Checks += checks
	}
	for _, round := range rounds {
		if status := round.GetStatus(); status == types.RoundStatus_ROUND_STATUS_VOID || status == types.RoundStatus_ROUND_STATUS_DROPPED {
			add(kind{status, round.Why()}, 1, round.GetReason())
		}
	}
	if missing > 0 {
		add(kind{types.RoundStatus_ROUND_STATUS_DROPPED, types.Cause_CAUSE_NOT_STORED}, missing, unrecorded)
	}
	slices.SortStableFunc(reasons, func(a, b api.Reason) int { return cmp.Compare(b.Checks, a.Checks) })
	return reasons[:min(len(reasons), mostReasons)]
}

// voids are a servicer's samples that count for nobody.
type voids struct {
	// attempts counts those of checks that count, by what was being done.
	attempts map[types.Attempt]int
	// fallen are those that fell with their whole check; the session's reasons tell more.
	fallen int
	// doubtful are those of checks that count, of which the cause is unknown.
	doubtful int
}

func (v *voids) add(round *types.QoSRound, sample *types.QoSSample) {
	if round.GetStatus() == types.RoundStatus_ROUND_STATUS_VOID {
		v.fallen++
		return
	}
	if sample.GetBlame() == types.Blame_BLAME_UNKNOWN {
		v.doubtful++
	}
	if sample.GetAttempt() != types.Attempt_ATTEMPT_UNSPECIFIED || sample.GetDetail() != "" {
		v.count(sample.GetAttempt(), 1)
	}
}

func (v *voids) count(attempt types.Attempt, samples int) {
	if v.attempts == nil {
		v.attempts = make(map[types.Attempt]int)
	}
	v.attempts[attempt] += samples
}

// String lists what was being done, most frequent first: "resolve host name 7, in void checks 1".
func (v *voids) String() string {
	counts := make(map[string]int)
	for attempt, samples := range v.attempts {
		counts[cmp.Or(attempt.Phrase(), "other")] += samples
	}
	if v.fallen > 0 {
		counts["in void checks"] = v.fallen
	}
	return frequent(counts)
}

// doubtReason says that a verdict cannot be taken for want of samples of which the cause is unknown.
func (r rules) doubtReason(s *row) string {
	v := &s.voids
	return fmt.Sprintf("%d of %s void, and nobody can tell whose fault that was (%s); with them %d unanswered, allowed %d",
		v.doubtful, count(s.Samples+v.doubtful, "check"), v, s.NullSamples+v.doubtful, r.unansweredAllowed)
}
