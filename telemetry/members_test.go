package telemetry

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// asked is a round of one session, a minute after noon, of one sample.
func asked(session, index int, sample *types.QoSSample) Round {
	released := time.Date(2026, 3, 1, 12, session, index, 0, time.UTC).UnixNano()
	return Round{RelayChain: "0001", Application: application, SLA: 150 * time.Millisecond, Stored: true,
		Record: &types.QoSRound{SessionId: fmt.Sprintf("%064x", session), Index: uint32(index), Status: types.RoundStatus_ROUND_STATUS_DONE,
			PlannedUnixNano: released, ReleasedUnixNano: released, Skew: durationpb.New(0), Samples: []*types.QoSSample{sample}}}
}

func answeredIn(servicer int, elapsed time.Duration, consistency types.Consistency) *types.QoSSample {
	return &types.QoSSample{Servicer: fmt.Sprintf("%040x", servicer), Outcome: types.Outcome_OUTCOME_OK, Consistency: consistency, ReusedConnection: true,
		RoundTripTime: durationpb.New(elapsed), OverSla: elapsed > 150*time.Millisecond}
}

func unanswered(servicer int, outcome types.Outcome) *types.QoSSample {
	return &types.QoSSample{Servicer: fmt.Sprintf("%040x", servicer), Outcome: outcome, Blame: types.Blame_BLAME_SERVICER}
}

// The counters of a servicer go on over sessions: each sample counts once, whatever session it is of.
func TestServicersAreCountedOverSessions(t *testing.T) {
	const agree, disagree = types.Consistency_CONSISTENCY_AGREE, types.Consistency_CONSISTENCY_DISAGREE
	m := New(full(some()), silent)
	one := []string{"servicer", fmt.Sprintf("%040x", 1), "relay_chain", "0001", "application", application}
	last := 0.0
	for session := range 5 {
		m.Round(asked(session, 0, answeredIn(1, 20*time.Millisecond, agree)))
		m.Round(asked(session, 1, answeredIn(1, 200*time.Millisecond, disagree)))
		m.Round(asked(session, 2, unanswered(1, types.Outcome_OUTCOME_TIMEOUT)))
		m.Round(asked(session, 3, unanswered(1, types.Outcome_OUTCOME_CONNECT)))
		m.Round(asked(session, 4, unanswered(1, types.Outcome_OUTCOME_THROTTLED)))
		m.Round(asked(session, 5, unanswered(1, types.Outcome_OUTCOME_VOID)))
		void := asked(session, 6, unanswered(1, types.Outcome_OUTCOME_VOID))
		void.Record.Status = types.RoundStatus_ROUND_STATUS_VOID
		m.Round(void)
		n := float64(session + 1)
		wantValue(t, m, 4*n, "pocket_fisherman_servicer_checks_total", one...)
		wantValue(t, m, n, "pocket_fisherman_servicer_nulls_total", append(one, "outcome", "TIMEOUT")...)
		wantValue(t, m, n, "pocket_fisherman_servicer_nulls_total", append(one, "outcome", "CONNECT")...)
		wantValue(t, m, n, "pocket_fisherman_servicer_disagreements_total", one...)
		wantValue(t, m, n, "pocket_fisherman_servicer_over_sla_total", one...)
		wantValue(t, m, 2*n, "pocket_fisherman_servicer_round_trip_seconds", one...)
		if now, _ := value(gathered(t, m)["pocket_fisherman_servicer_checks_total"], one...); now <= last {
			t.Fatalf("session %d: %v after %v", session, now, last)
		} else {
			last = now
		}
	}
	if nulls := gathered(t, m)["pocket_fisherman_servicer_nulls_total"].GetMetric(); len(nulls) != 2 {
		t.Errorf("%d outcomes of null samples", len(nulls))
	}
}

// bounds are the classic buckets of the only servicer, with what is below them.
func bounds(t *testing.T, m *Metrics) map[float64]uint64 {
	t.Helper()
	metrics := gathered(t, m)["pocket_fisherman_servicer_round_trip_seconds"].GetMetric()
	if len(metrics) != 1 {
		t.Fatalf("%d histograms", len(metrics))
	}
	found := make(map[float64]uint64)
	for _, bucket := range metrics[0].GetHistogram().GetBucket() {
		found[bucket.GetUpperBound()] = bucket.GetCumulativeCount()
	}
	if metrics[0].GetHistogram().Schema == nil {
		t.Error("it is not native")
	}
	return found
}

func TestTheSLAIsABucket(t *testing.T) {
	m := New(full(some()), silent)
	for _, elapsed := range []time.Duration{20 * time.Millisecond, 150 * time.Millisecond, 151 * time.Millisecond} {
		m.Round(asked(0, 0, answeredIn(1, elapsed, types.Consistency_CONSISTENCY_AGREE)))
	}
	large := answeredIn(1, time.Second, types.Consistency_CONSISTENCY_AGREE)
	large.Large, large.OverSla = true, false
	m.Round(asked(0, 1, large)) // is not timed
	if found := bounds(t, m); found[.15] != 2 || found[.25] != 3 || found[10] != 3 || len(found) != len(memberBuckets)+1 {
		t.Errorf("buckets %v", found)
	}
	unknown := asked(1, 0, answeredIn(1, time.Millisecond, types.Consistency_CONSISTENCY_AGREE))
	unknown.SLA = 0 // keeps the histogram
	m.Round(unknown)
	if found := bounds(t, m); found[.15] != 3 || found[.005] != 1 {
		t.Errorf("buckets %v", found)
	}
	other := asked(2, 0, answeredIn(1, time.Millisecond, types.Consistency_CONSISTENCY_AGREE))
	other.SLA = 500 * time.Millisecond // one of the buckets already
	m.Round(other)
	if found := bounds(t, m); found[.5] != 1 || len(found) != len(memberBuckets) || len(m.rounds.members.roundTrips) != 1 {
		t.Errorf("buckets %v, histograms of %d SLAs", found, len(m.rounds.members.roundTrips))
	}
	wantValue(t, m, 6, "pocket_fisherman_servicer_checks_total") // counters do not begin anew
}

// Those who are one too many are counted together, and take the place of those that were not asked for an hour.
func TestServicersOneTooMany(t *testing.T) {
	m := New(full(some()), silent)
	const most = MostServicers
	for servicer := range most + 20 {
		m.Round(asked(0, 0, answeredIn(servicer, time.Millisecond, types.Consistency_CONSISTENCY_AGREE)))
		m.Round(asked(0, 1, unanswered(servicer, types.Outcome_OUTCOME_RESET)))
	}
	named := func() int { return len(gathered(t, m)["pocket_fisherman_servicer_checks_total"].GetMetric()) }
	others := []string{"servicer", other, "relay_chain", "0001", "application", other}
	if named() != most+1 {
		t.Errorf("%d series", named())
	}
	wantValue(t, m, 40, "pocket_fisherman_servicer_checks_total", others...)
	wantValue(t, m, 20, "pocket_fisherman_servicer_nulls_total", append(others, "outcome", "RESET")...)
	wantValue(t, m, 20, "pocket_fisherman_servicer_round_trip_seconds", others...)
	first := []string{"servicer", fmt.Sprintf("%040x", 0)}
	m.Round(asked(62, 0, answeredIn(0, time.Millisecond, types.Consistency_CONSISTENCY_AGREE)))
	wantValue(t, m, 3, "pocket_fisherman_servicer_checks_total", first...)
	m.Round(asked(62, 0, answeredIn(9999, time.Millisecond, types.Consistency_CONSISTENCY_AGREE)))
	wantValue(t, m, 1, "pocket_fisherman_servicer_checks_total", "servicer", fmt.Sprintf("%040x", 9999))
	wantValue(t, m, 3, "pocket_fisherman_servicer_checks_total", first...) // was asked again, and stays
	if named() != 3 {
		t.Errorf("%d series after those of the first hour gave way", named())
	}
	evil := answeredIn(1, time.Millisecond, types.Consistency_CONSISTENCY_AGREE)
	evil.Servicer = "evil\"}\n"
	m.Round(asked(62, 1, evil))
	wantValue(t, m, 41, "pocket_fisherman_servicer_checks_total", others...)
	if counted := len(m.rounds.members.known); counted != m.rounds.members.named+1 {
		t.Errorf("%d are known, %d named", counted, m.rounds.members.named)
	}
}

func TestRollingVerdictsAreShown(t *testing.T) {
	reports, reads := []api.RollingReport{rolling("0001", 0, 3)}, 0
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := newRollingCollector(func() []api.RollingReport { reads++; return reports }, func() time.Time { return now })
	count := func(name string) int { return testutil.CollectAndCount(c, "pocket_fisherman_rolling_"+name) }
	for _, name := range []string{"verdict", "availability_ratio", "round_trip_median_seconds", "lag_blocks"} {
		if got := count(name); got != 3 {
			t.Errorf("%d series of %s", got, name)
		}
	}
	if reads != 1 {
		t.Errorf("read %d times within a moment", reads)
	}
	moved := rolling("0001", 0, 1)
	moved.GeoZone = "mars"
	reports[0].Servicers = append(reports[0].Servicers, rolling("0001", 3, 2000).Servicers...)
	reports[0].Servicers[0].Running = false
	reports = append(reports, moved, rolling("evil\n", 1, 2), api.RollingReport{RelayChain: "0021", Servicers: []api.RollingServicer{
		{Servicer: fmt.Sprintf("%040x", 1), Running: true, Verdict: api.VerdictNotAskedYet}, {Servicer: "evil", Running: true}}})
	now = now.Add(sessionsAge)
	if got := count("verdict"); got != MostServicers {
		t.Errorf("%d series", got)
	}
	if err := testutil.CollectAndCompare(c, strings.NewReader(fmt.Sprintf(`
# HELP pocket_fisherman_rolling_without_series Servicers with a verdict over their newest checks that have no series of their own, because there are too many.
# TYPE pocket_fisherman_rolling_without_series gauge
pocket_fisherman_rolling_without_series %d
`, 2001-MostServicers)), "pocket_fisherman_rolling_without_series"); err != nil {
		t.Error(err)
	}
}
