package qos

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Summarize says what the rounds of a session are worth, servicer by servicer. Rounds may come in any order; those of
// another session, of an index outside of the plan, and second ones of an index are ignored.
//
// What counts. Samples of DONE rounds whose outcome is neither VOID nor THROTTLED; of them, those with an outcome other
// than OK are null. Samples with outcome THROTTLED only add to the servicer's throttled; all others of VOID rounds, and
// those with outcome VOID, only to its void. In a closed session a planned
// check of which no round was stored counts as dropped, so that done + dropped + void = planned. A session is complete
// when it is closed and was taken up at its first block: joined_height ≤ max(start_height, 1); one that is a stretch of time,
// when it was taken up no later than 2 s after its beginning.
//
// Freshness. A claim is a sample of a DONE round of the kind HEAD or TIP that has a lag, and whose outcome is not VOID. In
// these rounds no answers are compared, so they are not decidable.
//
// Shares. Availability is Wilson(samples − null, samples); consistency is Wilson(agree, agree + disagree), over OK
// samples.
//
// Round-trip times are nearest-rank quantiles over the OK samples on warm connections; over those on cold ones if the
// warm ones are fewer than samples_required and fewer than the cold ones. The two are never mixed.
//
// Verdict, the first that holds:
//
//	unknown       the member is not asked: it is a node of another relay chain than most, or has no public key on the chain
//	inconsistent  disagree > disagreements_allowed
//	unavailable   null > null_samples_allowed, or samples ≥ samples_required and all are null
//	behind        max_lag > 0 and behind > lagging_allowed, where behind are the claims with a lag > max_lag
//	unknown       doubtful > 0 and null + doubtful > null_samples_allowed, where doubtful are void samples of DONE
//	              rounds with the blame UNKNOWN: had they been null, the servicer would be unavailable
//	unknown       samples < samples_required, or none
//	unknown       throttled > samples: who is asked only when it likes to be is not known to be well
//	slow          p50, as reported, > latency_sla, or over_sla > half of all OK samples, warm and cold
//	unknown       agree < samples_required, or none
//	healthy       otherwise
//
// Order. Verdict (inconsistent, unavailable, behind, slow, unknown, healthy); then lower bound of availability, ascending; then
// p50, descending; then address. A bound that is absent counts as 0 and a p50 that is absent as endless. Members that
// were never asked are listed with zero samples.
//
// Rank. A servicer A is better than B beyond doubt when its verdict is no worse, one of its intervals (availability,
// consistency) lies wholly above that of B, and the other one not wholly below. Rank is 1 plus the number of servicers
// that are better beyond doubt, so that servicers whose intervals overlap never come before one another. Servicers of the
// verdict unknown, or with samples < samples_required, have no rank and are better than nobody.
func Summarize(session *types.QoSSession, rounds []*types.QoSRound) api.SessionReport {
	report, _, _ := summarize(session, rounds)
	return report
}

// summarize returns the rows of the report too, in its order, and what was counted of every servicer, by address.
func summarize(session *types.QoSSession, rounds []*types.QoSRound) (api.SessionReport, []row, map[string]*tally) {
	return runningOf(session, rounds).summarize(session)
}

// Outline returns what is known of a session without its rounds.
func Outline(session *types.QoSSession) api.SessionReport {
	header := session.GetHeader()
	return api.SessionReport{
		ID:                 header.GetId(),
		Height:             header.GetStartHeight(),
		RelayChain:         header.GetRelayChain(),
		GeoZone:            header.GetGeoZone(),
		Application:        header.GetApplication(),
		Blocks:             session.GetBlocks(),
		LatencySLA:         OptionalMilliseconds(session.GetLatencySla()),
		NullSamplesAllowed: int(session.GetNullSamplesAllowed()),
		SamplesRequired:    int(session.GetSamplesRequired()),
		MaxLag:             session.GetMaxLag(),
		ChecksPlanned:      int(session.GetChecksPlanned()),
		Reasons:            []api.Reason{},
		Complete:           complete(session),
		Servicers:          []api.ServicerReport{},
		Catalogue:          api.Optional(session.GetCatalogue()),
		Started:            Moment(session.GetStartUnixNano()),
		Ended:              Moment(session.GetEndUnixNano()),
		From:               Moment(cmp.Or(session.GetStartUnixNano(), session.GetJoinedUnixNano())),
		To:                 Moment(session.GetEndUnixNano()),

		LaggingAllowed:       int(session.GetLaggingAllowed()),
		DisagreementsAllowed: int(session.GetDisagreementsAllowed()),
	}
}

// joinSlack is how long after its beginning a session that is a stretch of time counts as taken up at its beginning.
const joinSlack = 2 * time.Second

// complete reports whether a session is over and was taken up at its first block, or at its beginning.
func complete(session *types.QoSSession) bool {
	if began := session.GetStartUnixNano(); began != 0 {
		return session.GetClosed() && session.GetJoinedUnixNano() <= began+int64(joinSlack)
	}
	return session.GetClosed() && session.GetJoinedHeight() <= max(session.GetHeader().GetStartHeight(), 1)
}

// planned are the rounds that belong to the session's plan, ordered by index, one for each.
func planned(session *types.QoSSession, rounds []*types.QoSRound) []*types.QoSRound {
	id, end := session.GetHeader().GetId(), session.GetChecksPlanned()
	var kept []*types.QoSRound
	for _, round := range rounds {
		if round != nil && round.GetSessionId() == id && round.GetIndex() < end {
			kept = append(kept, round)
		}
	}
	byIndex := func(a, b *types.QoSRound) int { return cmp.Compare(a.GetIndex(), b.GetIndex()) }
	slices.SortStableFunc(kept, byIndex)
	return slices.CompactFunc(kept, func(a, b *types.QoSRound) bool { return byIndex(a, b) == 0 })
}

// countCheck counts a round by status and finds the largest skew of those that were asked.
func countCheck(report *api.SessionReport, round *types.QoSRound) {
	switch round.GetStatus() {
	case types.RoundStatus_ROUND_STATUS_DONE:
		report.ChecksDone++
	case types.RoundStatus_ROUND_STATUS_VOID:
		report.ChecksVoid++
	case types.RoundStatus_ROUND_STATUS_DROPPED:
		report.ChecksDropped++
	}
	if skew := SkewMicros(round); skew != nil {
		report.MaxSkewMicros = extreme(report.MaxSkewMicros, *skew, 1)
	}
}

// SkewMicros returns the skew of a round that was asked, in microseconds, rounded up; nil when there is none.
func SkewMicros(round *types.QoSRound) *int64 {
	if !asked(round) || round.GetSkew() == nil {
		return nil
	}
	micros := int64(math.Ceil(float64(round.GetSkew().AsDuration()) / float64(time.Microsecond)))
	return &micros
}

// asked reports whether the round's question was sent.
func asked(round *types.QoSRound) bool {
	return round.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE ||
		round.GetStatus() == types.RoundStatus_ROUND_STATUS_VOID
}

// tally gathers what one servicer did in a session.
type tally struct {
	counts row
	// warm and cold are the times of answers on kept and on new connections.
	warm, cold []time.Duration
	// last is the round counted last: a servicer has one sample in a round.
	last *types.QoSRound
}

// add counts one sample of a round that was asked.
func (t *tally) add(round *types.QoSRound, sample *types.QoSSample) {
	if t.last == round {
		return
	}
	t.last = round
	counts, outcome := &t.counts, sample.GetOutcome()
	if outcome == types.Outcome_OUTCOME_THROTTLED {
		counts.Throttled++
		counts.Outcomes[outcome.Label()]++
		return
	}
	if outcome == types.Outcome_OUTCOME_VOID || round.GetStatus() == types.RoundStatus_ROUND_STATUS_VOID {
		counts.Void++
		counts.voids.add(round, sample)
		counts.Outcomes[types.Outcome_OUTCOME_VOID.Label()]++
		return
	}
	counts.Samples++
	counts.Outcomes[outcome.Label()]++
	if isClaim(round, sample) {
		counts.claims.add(sample)
	}
	if outcome != types.Outcome_OUTCOME_OK {
		counts.NullSamples++
		counts.refusals.add(sample)
		counts.NullIndices = append(counts.NullIndices, round.GetIndex())
		if counts.details == nil {
			counts.details = make(map[types.Outcome]string)
		}
		counts.details[outcome] = sample.GetDetail()
		return
	}
	t.addAnswer(sample)
}

// addAnswer counts what only an answer has: time and content.
func (t *tally) addAnswer(sample *types.QoSSample) {
	if elapsed := sample.GetRoundTripTime(); elapsed != nil && !sample.GetLarge() {
		times := &t.cold
		if sample.GetReusedConnection() {
			times = &t.warm
		}
		*times = append(*times, elapsed.AsDuration())
	}
	if sample.GetOverSla() {
		t.counts.OverSLA++
	}
	switch sample.GetConsistency() {
	case types.Consistency_CONSISTENCY_AGREE:
		t.counts.Consistency.Agree++
	case types.Consistency_CONSISTENCY_DISAGREE:
		t.counts.Consistency.Disagree++
	case types.Consistency_CONSISTENCY_UNDECIDABLE:
		t.counts.Consistency.Undecidable++
	}
}

// judged estimates and judges what was counted.
func (t *tally) judged(r rules) row {
	judged := t.counts
	judged.estimateShares()
	judged.Freshness = judged.claims.freshness()
	if r.maxLag > 0 {
		judged.Freshness.Behind = judged.claims.above(r.maxLag)
	}
	connections, times := r.connections(len(t.warm), len(t.cold)), t.warm
	if connections == api.ConnectionsCold {
		times = t.cold
	}
	if len(times) > 0 {
		judged.RoundTripTimes = api.RoundTripTimes{Quantiles: QuantilesOf(times), Connections: &connections, Samples: len(times)}
	}
	judged.Verdict, judged.Reason = r.judge(&judged, r.slowReason(&judged))
	return judged
}
