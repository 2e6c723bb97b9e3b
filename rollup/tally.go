package rollup

import (
	"iter"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Session is what of a session decides how its rounds are counted. It does not change while the session runs.
type Session struct {
	RelayChain, GeoZone string
	// Planned is how many checks the session has.
	Planned uint32
	// SLA is the latency SLA, to the microsecond; 0 for none.
	SLA time.Duration
	// MaxLag is the most blocks that a claim may lag by; 0 when freshness is not judged.
	MaxLag int64
}

// SessionOf returns what of a session decides how its rounds are counted.
func SessionOf(session *types.QoSSession) Session {
	return Session{RelayChain: session.GetHeader().GetRelayChain(), GeoZone: session.GetHeader().GetGeoZone(),
		Planned: session.GetChecksPlanned(), SLA: max(session.GetLatencySla().AsDuration(), 0).Round(time.Microsecond),
		MaxLag: session.GetMaxLag()}
}

// Placed returns the moment that a round belongs to, in nanoseconds since the Unix epoch: when it was asked, otherwise when
// it was due. It is not ok when a round belongs to none, or to no plan: it counts nowhere.
func (s *Session) Placed(round *types.QoSRound) (moment int64, ok bool) {
	moment = round.GetPlannedUnixNano()
	if round.GetReleasedUnixNano() > 0 {
		moment = round.GetReleasedUnixNano()
	}
	return moment, moment > 0 && round.GetIndex() < s.Planned
}

// Tally counts a round of the session: in the rollup of the series without a servicer what became of it, in those of its
// servicers its samples. rollup returns the one to count in; url is where the servicer was asked. A second sample of a
// servicer is ignored. Rounds that Placed refuses must not be tallied.
func (s *Session) Tally(round *types.QoSRound, rollup func(servicer, url string) *Rollup) {
	checks := rollup("", "")
	switch round.GetStatus() {
	case types.RoundStatus_ROUND_STATUS_DONE:
		checks.Done++
	case types.RoundStatus_ROUND_STATUS_VOID:
		checks.Void++
	case types.RoundStatus_ROUND_STATUS_DROPPED:
		checks.Dropped++
		return
	default:
		return
	}
	moment, _ := s.Placed(round)
	for sample := range distinct(round.GetSamples()) {
		to := rollup(sample.GetServicer(), sample.GetServiceUrl())
		to.demand(moment/int64(time.Millisecond), s.SLA)
		to.add(s, round, sample)
	}
}

// distinct returns the first sample of each servicer, in order.
func distinct(samples []*types.QoSSample) iter.Seq[*types.QoSSample] {
	ascending := true
	for i := 1; i < len(samples) && ascending; i++ {
		ascending = samples[i-1].GetServicer() < samples[i].GetServicer()
	}
	if ascending { // as the fisherman writes them
		return slices.Values(samples)
	}
	return func(yield func(*types.QoSSample) bool) {
		seen := make(map[string]bool, len(samples))
		for _, sample := range samples {
			if servicer := sample.GetServicer(); !seen[servicer] {
				seen[servicer] = true
				if !yield(sample) {
					return
				}
			}
		}
	}
}

// add counts a sample of a round that was asked.
func (r *Rollup) add(session *Session, round *types.QoSRound, sample *types.QoSSample) {
	outcome := sample.GetOutcome()
	if outcome < 0 || outcome >= outcomes {
		outcome = types.Outcome_OUTCOME_UNSPECIFIED // of a later version
	}
	void := outcome == types.Outcome_OUTCOME_VOID || round.GetStatus() == types.RoundStatus_ROUND_STATUS_VOID
	switch {
	case outcome == types.Outcome_OUTCOME_THROTTLED:
		r.Outcomes[outcome]++
		return
	case void:
		r.Outcomes[types.Outcome_OUTCOME_VOID]++
		return
	}
	r.Outcomes[outcome]++
	if kind := round.GetKind(); sample.Lag != nil && (kind == types.RoundKind_ROUND_KIND_HEAD || kind == types.RoundKind_ROUND_KIND_TIP) {
		r.claim(sample, session.MaxLag)
	}
	if outcome == types.Outcome_OUTCOME_OK {
		r.answer(sample)
	}
}

// claim counts a head claim.
func (r *Rollup) claim(sample *types.QoSSample, maxLag int64) {
	r.Lags.Add(sample.GetLag())
	if maxLag > 0 && sample.GetLag() > maxLag {
		r.Behind++
	}
	if sample.GetLagTime() != nil {
		r.lasted(max(sample.GetLagTime().AsDuration(), 0).Round(time.Microsecond))
	}
}

// answer counts what only an answer has: time and content.
func (r *Rollup) answer(sample *types.QoSSample) {
	if elapsed := sample.GetRoundTripTime(); elapsed != nil && !sample.GetLarge() {
		times := &r.Cold
		if sample.GetReusedConnection() {
			times = &r.Warm
		}
		times.Add(elapsed.AsDuration())
	}
	if sample.GetOverSla() {
		r.OverSLA++
	}
	switch sample.GetConsistency() {
	case types.Consistency_CONSISTENCY_AGREE:
		r.Agree++
	case types.Consistency_CONSISTENCY_DISAGREE:
		r.Disagree++
	case types.Consistency_CONSISTENCY_UNDECIDABLE:
		r.Undecidable++
	}
}
