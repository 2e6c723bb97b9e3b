package rollup

import (
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// outcomes is above every Outcome. A test holds it against the enum.
const outcomes = 32

// Rollup is what samples of a servicer in a slot add up to; in a series without a servicer, what became of checks. The
// zero value is empty.
type Rollup struct {
	// Outcomes counts the samples by outcome. Those of void checks are VOID unless they are THROTTLED.
	Outcomes [outcomes]uint32
	// OverSLA counts the answers above the latency SLA of their session.
	OverSLA int
	// Agree, Disagree and Undecidable count the answers by how they compare.
	Agree, Disagree, Undecidable int
	// Behind counts the claims that lag by more blocks than their session allows.
	Behind int
	// Lags of the claims.
	Lags Lags
	// LagTime is the largest lag in time, to the microsecond; only if LagTimed.
	LagTime  time.Duration
	LagTimed bool
	// Newest is when the newest check was asked, milliseconds since the Unix epoch, and SLA what its session demands, to the
	// microsecond; 0 when it has none.
	Newest int64
	SLA    time.Duration
	// Warm and Cold are the times of the answers on kept and on new connections.
	Warm, Cold Times

	// Done, Void and Dropped count checks by what became of them.
	Done, Void, Dropped int
}

// Checks returns in how many checks the servicer was asked.
func (r *Rollup) Checks() (checks int) {
	for _, n := range r.Outcomes {
		checks += int(n)
	}
	return checks
}

// Answers returns how many valid answers there are.
func (r *Rollup) Answers() int { return int(r.Outcomes[types.Outcome_OUTCOME_OK]) }

// Samples returns how many samples count: answered or null, neither void nor throttled.
func (r *Rollup) Samples() int {
	return r.Checks() - int(r.Outcomes[types.Outcome_OUTCOME_VOID]) - int(r.Outcomes[types.Outcome_OUTCOME_THROTTLED])
}

// Times returns the times that are shown, and whether they are those of warm connections: the more numerous ones.
func (r *Rollup) Times() (times *Times, warm bool) {
	if r.Warm.count < r.Cold.count {
		return &r.Cold, false
	}
	return &r.Warm, true
}

// Merge adds another rollup, which stays as it is.
func (r *Rollup) Merge(other *Rollup) {
	for outcome, n := range other.Outcomes {
		r.Outcomes[outcome] += n
	}
	r.OverSLA += other.OverSLA
	r.Agree += other.Agree
	r.Disagree += other.Disagree
	r.Undecidable += other.Undecidable
	r.Behind += other.Behind
	r.Lags.Merge(&other.Lags)
	if other.LagTimed {
		r.lasted(other.LagTime)
	}
	r.demand(other.Newest, other.SLA)
	r.Warm.Merge(&other.Warm)
	r.Cold.Merge(&other.Cold)
	r.Done += other.Done
	r.Void += other.Void
	r.Dropped += other.Dropped
}

// Reset empties the rollup and keeps its memory.
func (r *Rollup) Reset() {
	warm, cold, lags := r.Warm, r.Cold, r.Lags
	warm.reset()
	cold.reset()
	lags.reset()
	*r = Rollup{Warm: warm, Cold: cold, Lags: lags}
}

// lasted notes a lag in time.
func (r *Rollup) lasted(lag time.Duration) {
	r.LagTime, r.LagTimed = max(r.LagTime, lag), true
}

// demand notes the SLA of a check that was asked. Of checks of one millisecond the laxest holds.
func (r *Rollup) demand(at int64, sla time.Duration) {
	switch {
	case at > r.Newest:
		r.Newest, r.SLA = at, sla
	case at == r.Newest:
		r.SLA = max(r.SLA, sla)
	}
}
