package qos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// severity orders verdicts, worst first.
func severity(verdict api.Verdict) int {
	return slices.Index([]api.Verdict{api.VerdictInconsistent, api.VerdictUnavailable, api.VerdictBehind, api.VerdictSlow,
		api.VerdictUnknown, api.VerdictNotAskedYet, api.VerdictHealthy}, verdict)
}

// rules are the thresholds of a session that verdicts are taken by.
type rules struct {
	nullsAllowed, samplesRequired int
	// majoritiesRequired is how many answers have to agree with a majority. In a session and a window it is samplesRequired.
	majoritiesRequired int
	// unansweredAllowed is how many null and doubtful samples together leave no doubt. In a session it is nullsAllowed.
	unansweredAllowed int
	// disagreementsAllowed and laggingAllowed are how many disagreements, and how many claims that are behind, are borne.
	disagreementsAllowed, laggingAllowed int
	// maxLag is the most blocks that a claim may lag by without being behind; 0 when freshness is not judged, and in a
	// window, whose claims are compared session by session.
	maxLag int64
	// sla is the latency SLA; 0 when the session has none.
	sla time.Duration
	// direct: the members are endpoints of a list, so that what went wrong is what they did.
	direct bool
}

func rulesOf(session *types.QoSSession) rules {
	return rules{
		nullsAllowed:      int(session.GetNullSamplesAllowed()),
		unansweredAllowed: int(session.GetNullSamplesAllowed()),
		samplesRequired:   int(session.GetSamplesRequired()),

		majoritiesRequired: int(session.GetSamplesRequired()),
		maxLag:             session.GetMaxLag(),
		sla:                max(session.GetLatencySla().AsDuration(), 0),
		direct:             session.GetStartUnixNano() != 0,

		disagreementsAllowed: int(session.GetDisagreementsAllowed()),
		laggingAllowed:       int(session.GetLaggingAllowed()),
	}
}

// judge takes the verdict of a counted servicer and its reason, and notes if its samples are scarce. slow is why it counts
// as slow; empty when it does not. Summarize documents the rules.
func (r rules) judge(s *row, slow string) (api.Verdict, string) {
	verdict, reason := r.verdict(s, slow)
	if s.Throttled > 0 {
		throttled := fmt.Sprintf("throttled in %d of %s", s.Throttled, count(s.Samples+s.Void+s.Throttled, "check"))
		if verdict == api.VerdictUnknown { // for which that may be the reason
			return verdict, throttled + ": " + reason
		}
		reason += "; " + throttled
	}
	return verdict, reason
}

func (r rules) verdict(s *row, slow string) (api.Verdict, string) {
	decidable := s.Consistency.Agree + s.Consistency.Disagree
	answers := s.Samples - s.NullSamples
	s.scarce = s.Samples < r.samplesRequired
	allNull := answers == 0 && s.Samples > 0 && s.Samples >= r.samplesRequired
	switch {
	case s.Standing == api.StandingOtherChain:
		return api.VerdictUnknown, otherChainReason(s)
	case s.Standing == api.StandingUnverifiable:
		return api.VerdictUnknown, "unverifiable: its account has no public key on the chain"
	case s.Consistency.Disagree > r.disagreementsAllowed:
		return api.VerdictInconsistent, fmt.Sprintf("disagreed with the majority in %d of %s",
			s.Consistency.Disagree, count(decidable, "decidable check")) + allowance(r.disagreementsAllowed)
	case s.Freshness.Behind > r.laggingAllowed && ownNulls(s) <= r.nullsAllowed:
		return api.VerdictBehind, r.behindReason(s.Freshness)
	case s.NullSamples > r.nullsAllowed || allNull:
		return api.VerdictUnavailable, r.unansweredReason(s)
	case s.voids.doubtful > 0 && s.NullSamples+s.voids.doubtful > r.unansweredAllowed:
		return api.VerdictUnknown, r.doubtReason(s)
	case s.scarce || s.Samples == 0:
		return api.VerdictUnknown, r.fewSamplesReason(s)
	case mostOf(s.Throttled, s.Samples+s.Throttled):
		return api.VerdictUnknown, "most checks could not be asked, so the others say little"
	case slow != "":
		return api.VerdictSlow, slow
	case decidable == 0:
		return api.VerdictUnknown, "no majority in any of " + count(answers, "answer")
	case decidable < r.majoritiesRequired:
		return api.VerdictUnknown, fmt.Sprintf("a majority in only %d of %s, %d needed",
			decidable, count(answers, "answer"), r.majoritiesRequired)
	case s.Consistency.Agree == 0 || s.Consistency.Agree < r.majoritiesRequired:
		return api.VerdictUnknown, fmt.Sprintf("agreed with the majority in only %d of %s, %d needed",
			s.Consistency.Agree, count(decidable, "decidable check"), max(r.majoritiesRequired, 1))
	}
	reason := fmt.Sprintf("answered %d of %s, agreed with the majority in %d of %d",
		answers, count(s.Samples, "check"), s.Consistency.Agree, decidable)
	if s.Consistency.Disagree > 0 {
		reason += fmt.Sprintf(" (%s%s)", count(s.Consistency.Disagree, "disagreement"), allowance(r.disagreementsAllowed))
	}
	return api.VerdictHealthy, reason
}

// ownNulls counts the null samples that are not what the node behind the servicer lacks. A node that is behind lacks
// settled blocks too: that it is behind says more than that it does not have them.
func ownNulls(s *row) int {
	return s.NullSamples - s.Outcomes[types.Outcome_OUTCOME_BACKEND_ERROR.Label()] - s.Outcomes[types.Outcome_OUTCOME_MISSING.Label()]
}

// allowance ends a reason with how many of what it counts are allowed; it is empty when none are.
func allowance(allowed int) string {
	if allowed == 0 {
		return ""
	}
	return fmt.Sprintf(", allowed %d", allowed)
}

// behindReason says by how much a servicer is behind.
func (r rules) behindReason(f api.Freshness) string {
	reason := fmt.Sprintf("behind in %d of %s", f.Behind, count(f.Claims, "head claim")) + allowance(r.laggingAllowed)
	if f.LagBlocksMax != nil {
		reason += ", by up to " + count(int(*f.LagBlocksMax), "block")
	}
	if f.LagMSMax != nil {
		reason += fmt.Sprintf(" (%v)", lasting(*f.LagMSMax))
	}
	if r.maxLag > 0 {
		reason += ", allowed " + count(int(r.maxLag), "block")
	}
	return reason
}

// lasting is a time in milliseconds, to the second from one on.
func lasting(ms float64) time.Duration {
	elapsed := time.Duration(ms * float64(time.Millisecond))
	if elapsed >= time.Second {
		return elapsed.Round(time.Second)
	}
	return elapsed.Round(time.Millisecond)
}

// connections says which round-trip times the quantiles are of: those of warm connections, unless they are fewer than
// required and fewer than those of cold ones.
func (r rules) connections(warm, cold int) api.Connections {
	if warm >= max(r.samplesRequired, 1) || warm >= cold {
		return api.ConnectionsWarm
	}
	return api.ConnectionsCold
}

// over reports whether a time is above the SLA, as a median would be.
func (r rules) over(elapsed time.Duration) bool {
	return r.sla > 0 && Milliseconds(elapsed) > Milliseconds(r.sla)
}

// slowReason says why a servicer is slow in a session; empty when it is not.
func (r rules) slowReason(s *row) string {
	sla, median, answers := decimal(Milliseconds(r.sla)), s.RoundTripTimes.P50, s.Samples-s.NullSamples
	switch {
	case r.sla == 0:
		return ""
	case median != nil && *median > Milliseconds(r.sla):
		return fmt.Sprintf("p50 %s ms over the SLA of %s ms", decimal(*median), sla)
	case mostOf(s.OverSLA, answers):
		return fmt.Sprintf("%d of %s over the SLA of %s ms", s.OverSLA, count(answers, "answer"), sla)
	default:
		return ""
	}
}

// slowShare says why a servicer is slow whose times are of sessions with an SLA each: over of the times that the quantiles
// are of, or allOver of all answers, are above it. It is empty when the servicer is not.
func slowShare(over, times int, connections api.Connections, allOver, answers int) string {
	switch {
	case mostOf(over, times):
		return fmt.Sprintf("%d of %s over the SLA", over, count(times, string(connections)+" answer"))
	case mostOf(allOver, answers):
		return fmt.Sprintf("%d of %s over the SLA", allOver, count(answers, "answer"))
	}
	return ""
}

// mostOf reports whether a part is more than half of a whole.
func mostOf(part, whole int) bool { return 2*part > whole }

func (r rules) unansweredReason(s *row) string {
	reason := fmt.Sprintf("%d of %s unanswered (%s)", s.NullSamples, count(s.Samples, "check"), failures(s.Outcomes))
	if s.NullSamples > r.nullsAllowed {
		reason += fmt.Sprintf(", allowed %d", r.nullsAllowed)
	}
	if r.direct {
		reason += directFailure(s)
	}
	return reason
}

func (r rules) fewSamplesReason(s *row) string {
	reason := fmt.Sprintf("%s, %d needed", count(s.Samples, "sample"), max(r.samplesRequired, 1))
	switch causes := s.voids.String(); {
	case causes != "":
		reason += fmt.Sprintf(" (%d void: %s)", s.Void, causes)
	case s.Void > 0:
		reason += fmt.Sprintf(" (%d void)", s.Void)
	}
	return reason
}

// failures lists the outcomes of null samples, most frequent first: "CONNECT 9, TIMEOUT 1".
func failures(outcomes api.Outcomes) string {
	nulls := maps.Clone(outcomes)
	delete(nulls, types.Outcome_OUTCOME_OK.Label())
	delete(nulls, types.Outcome_OUTCOME_VOID.Label())
	delete(nulls, types.Outcome_OUTCOME_THROTTLED.Label())
	return frequent(nulls)
}

// frequent lists labels with their counts, the most frequent first.
func frequent(counts map[string]int) string {
	labels := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, label := range labels {
		labels[i] = label + " " + strconv.Itoa(counts[label])
	}
	return strings.Join(labels, ", ")
}

// count is a number with its noun: "1 sample", "2 samples".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// decimal is the shortest text of a number, without an exponent.
func decimal(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }
