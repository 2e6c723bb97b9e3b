package qos

import (
	"cmp"
	"math"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Terms are what a rolling verdict takes of a session: its thresholds and how many checks it has. They do not change.
type Terms struct {
	session string
	planned int64
	rules   rules
}

// TermsOf returns those of a session.
func TermsOf(session *types.QoSSession) *Terms {
	return &Terms{session: session.GetHeader().GetId(), planned: int64(session.GetChecksPlanned()), rules: rulesOf(session)}
}

// SLA returns the latency SLA of the session; 0 when it has none.
func (t *Terms) SLA() time.Duration { return t.rules.sla }

// What is true of a RollingCheck.
const (
	checkWarm = 1 << iota
	checkTimed
	checkOverSLA
	checkClaim
	checkLagTimed
	// checkFallen: void with its whole round.
	checkFallen
	// checkDoubtful: void of unknown cause.
	checkDoubtful
	// checkExplained: void, and what was being done is known.
	checkExplained
)

// RollingCheck is what a rolling verdict takes of one sample, in 48 bytes. It does not change.
type RollingCheck struct {
	terms *Terms
	// asked is when the round was released, in nanoseconds since the Unix epoch.
	asked   int64
	elapsed time.Duration
	lag     int64
	lagTime time.Duration
	index   uint32

	outcome, consistency, attempt, flags uint8
}

// RollingChecks calls take with the servicer of each sample of a session's round and what a rolling verdict takes of it. A
// round that was not asked, is of another session or has no place in the plan has none.
func (t *Terms) RollingChecks(round *types.QoSRound, take func(sample *types.QoSSample, check RollingCheck)) {
	if !asked(round) || round.GetSessionId() != t.session || int64(round.GetIndex()) >= t.planned {
		return
	}
	for _, sample := range round.GetSamples() {
		take(sample, t.check(round, sample))
	}
}

func (t *Terms) check(round *types.QoSRound, sample *types.QoSSample) RollingCheck {
	check := RollingCheck{
		terms:       t,
		asked:       cmp.Or(round.GetReleasedUnixNano(), round.GetPlannedUnixNano()),
		index:       round.GetIndex(),
		outcome:     small(sample.GetOutcome()),
		consistency: small(sample.GetConsistency()),
		attempt:     small(sample.GetAttempt()),
	}
	void := round.GetStatus() == types.RoundStatus_ROUND_STATUS_VOID
	switch {
	case sample.GetOutcome() == types.Outcome_OUTCOME_THROTTLED:
		return check
	case void || sample.GetOutcome() == types.Outcome_OUTCOME_VOID:
		check.outcome = small(types.Outcome_OUTCOME_VOID)
		check.note(checkFallen, void)
		check.note(checkDoubtful, !void && sample.GetBlame() == types.Blame_BLAME_UNKNOWN)
		check.note(checkExplained, !void && (sample.GetAttempt() != types.Attempt_ATTEMPT_UNSPECIFIED || sample.GetDetail() != ""))
		return check
	}
	if isClaim(round, sample) {
		check.lag, check.lagTime = sample.GetLag(), sample.GetLagTime().AsDuration()
		check.note(checkClaim, true)
		check.note(checkLagTimed, sample.GetLagTime() != nil)
	}
	if sample.GetOutcome() == types.Outcome_OUTCOME_OK {
		check.elapsed = sample.GetRoundTripTime().AsDuration()
		check.note(checkTimed, sample.GetRoundTripTime() != nil && !sample.GetLarge())
		check.note(checkWarm, sample.GetReusedConnection())
		check.note(checkOverSLA, sample.GetOverSla())
	}
	return check
}

// small is an enum's number in a byte; 255 stands for numbers that this version does not know.
func small[Enum ~int32](value Enum) uint8 {
	if value < 0 || value > math.MaxUint8 {
		return math.MaxUint8
	}
	return uint8(value)
}

func (c *RollingCheck) note(flag uint8, holds bool) {
	if holds {
		c.flags |= flag
	}
}

func (c *RollingCheck) is(flag uint8) bool { return c.flags&flag != 0 }

// Asked returns when the round was released, in nanoseconds since the Unix epoch.
func (c *RollingCheck) Asked() int64 { return c.asked }

// Counts reports whether the check tells something of the servicer, so that it takes one of the places that a RollingSpan
// has. A void one does not, unless its cause is unknown.
func (c *RollingCheck) Counts() bool {
	return types.Outcome(c.outcome) != types.Outcome_OUTCOME_VOID || c.is(checkDoubtful)
}

// Before reports whether a check was asked before another one.
func (c *RollingCheck) Before(other *RollingCheck) bool {
	return cmp.Or(cmp.Compare(c.asked, other.asked), cmp.Compare(c.terms.session, other.terms.session), cmp.Compare(c.index, other.index)) < 0
}

// Null reports whether the check is a null sample.
func (c *RollingCheck) Null() bool {
	outcome := types.Outcome(c.outcome)
	return outcome != types.Outcome_OUTCOME_OK && outcome != types.Outcome_OUTCOME_VOID && outcome != types.Outcome_OUTCOME_THROTTLED
}
