package qos

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// mostReasons bounds the reasons of a session's report; the most frequent are kept.
const mostReasons = 8

// Reason is why checks of a session do not count.
type Reason struct {
	// Status of the checks: "void" or "dropped".
	Status string `json:"status"`
	// Checks for which this was the reason. Reasons that differ in their numbers only are one.
	Checks int `json:"checks"`
	// Text in one line, as given for the first of them.
	Text string `json:"text"`
}

// unrecorded is the reason of planned checks of a closed session of which nothing was stored.
const unrecorded = "nothing was stored of them"

// reasonsOf finds the reasons of rounds that are void or dropped, and of so many that were never stored; the most
// frequent come first.
func reasonsOf(rounds []*types.QoSRound, missing int) []Reason {
	var reasons []Reason
	places := make(map[string]int)
	add := func(status types.RoundStatus, checks int, text string) {
		key := status.Label() + " " + numberless(text)
		place, known := places[key]
		if !known {
			place, places[key] = len(reasons), len(reasons)
			reasons = append(reasons, Reason{Status: strings.ToLower(status.Label()), Text: text})
		}
		reasons[place].Checks += checks
	}
	for _, round := range rounds {
		if status := round.GetStatus(); status == types.RoundStatus_ROUND_STATUS_VOID || status == types.RoundStatus_ROUND_STATUS_DROPPED {
			add(status, 1, round.GetReason())
		}
	}
	if missing > 0 {
		add(types.RoundStatus_ROUND_STATUS_DROPPED, missing, unrecorded)
	}
	slices.SortStableFunc(reasons, func(a, b Reason) int { return cmp.Compare(b.Checks, a.Checks) })
	return reasons[:min(len(reasons), mostReasons)]
}

// numberless is a text with its numbers taken out.
func numberless(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' {
			return -1
		}
		return r
	}, text)
}

// voids are a servicer's samples that count for nobody.
type voids struct {
	// causes counts them by what was being done.
	causes map[string]int
	// doubtful are those of checks that count, of which nobody can tell whose fault they were.
	doubtful int
}

// inVoidChecks is the cause of samples that fell with their whole check; the session's reasons tell more.
const inVoidChecks = "in void checks"

func (v *voids) add(round *types.QoSRound, sample *types.QoSSample) {
	cause := inVoidChecks
	if round.GetStatus() != types.RoundStatus_ROUND_STATUS_VOID {
		cause, _, _ = strings.Cut(sample.GetDetail(), ":") // what was being done comes first in a detail
		if sample.GetBlame() == types.Blame_BLAME_UNKNOWN {
			v.doubtful++
		}
	}
	v.count(cause, 1)
}

func (v *voids) count(cause string, samples int) {
	if v.causes == nil {
		v.causes = make(map[string]int)
	}
	if cause != "" {
		v.causes[cause] += samples
	}
}

// merge adds the void samples of another session, which stay as they are.
func (v *voids) merge(other voids) {
	v.doubtful += other.doubtful
	for cause, samples := range other.causes {
		v.count(cause, samples)
	}
}

// String lists causes, most frequent first: "resolve host name 7, in void checks 1".
func (v *voids) String() string { return frequent(v.causes) }

// doubtReason says that a verdict cannot be taken for want of samples that nobody knows the blame of.
func (r rules) doubtReason(s *ServicerReport) string {
	v := &s.voids
	return fmt.Sprintf("%d of %s void, and nobody can tell whose fault that was (%s); with them %d unanswered, allowed %d",
		v.doubtful, count(s.Samples+v.doubtful, "check"), v, s.NullSamples+v.doubtful, r.unansweredAllowed)
}
