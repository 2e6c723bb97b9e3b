package telemetry

import (
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// collectorState is a collector of one place, of which everything can be shown.
func collectorState() api.Collector {
	at := time.UnixMilli(1_700_000_000_250).UTC()
	return api.Collector{Problem: api.CollectorProblemRefused, Pending: new(int64(7)), Unacknowledged: new(3), LagMS: new(1500.0),
		Rejected: []api.Rejected{{Rejection: api.RejectionForeign, Messages: 2}}, Verdicts: &api.CollectorVerdicts{Bucket: "b", Written: 9, Failed: 1},
		Vantages: []api.CollectorVantage{{Place: "tokyo", Heard: &at, SkewMS: new(-2500.0), Taken: 5, Duplicates: 4, Takeovers: 1, Missing: 3, Gaps: 2, Lost: 6,
			Rejected: []api.Rejected{{Rejection: api.RejectionAltered, Messages: 8}}, Elsewhere: &api.Elsewhere{At: at}}}}
}

func TestACollectorIsShown(t *testing.T) {
	m := New(Sources{Collector: collectorState, Vantages: func() []api.Vantage { return []api.Vantage{{Place: "tokyo", State: api.VantageStatePath}} }}, silent)
	for _, want := range []struct {
		value  float64
		name   string
		labels []string
	}{
		{1, "problem", []string{"problem", "refused"}},
		{0, "problem", []string{"problem", "unreachable"}},
		{7, "pending_messages", nil},
		{3, "unacknowledged_messages", nil},
		{1.5, "lag_seconds", nil},
		{2, "rejected_total", []string{"vantage", "", "rejection", "foreign"}},
		{0, "rejected_total", []string{"vantage", "", "rejection", "altered"}},
		{8, "rejected_total", []string{"vantage", "tokyo", "rejection", "altered"}},
		{5, "statements_total", []string{"vantage", "tokyo", "result", "taken"}},
		{4, "statements_total", []string{"vantage", "tokyo", "result", "duplicate"}},
		{3, "missing_statements", []string{"vantage", "tokyo"}},
		{2, "gaps_total", []string{"vantage", "tokyo"}},
		{6, "lost_rounds_total", []string{"vantage", "tokyo"}},
		{1_700_000_000.25, "last_heard_timestamp_seconds", []string{"vantage", "tokyo"}},
		{-2.5, "clock_skew_seconds", []string{"vantage", "tokyo"}},
		{1, "vantage_state", []string{"vantage", "tokyo", "state", "path"}},
		{0, "vantage_state", []string{"vantage", "tokyo", "state", "ok"}},
		{9, "verdicts_total", []string{"result", "written"}},
	} {
		wantValue(t, m, want.value, "pocket_collector_"+want.name, want.labels...)
	}
	// What is not known has no series.
	unknown := func() api.Collector { return api.Collector{Problem: api.CollectorProblemNone, Vantages: []api.CollectorVantage{{Place: "tokyo"}}} }
	have := gathered(t, New(Sources{Collector: unknown, Vantages: func() []api.Vantage { return nil }}, silent))
	for _, name := range []string{"pending_messages", "lag_seconds", "last_heard_timestamp_seconds", "clock_skew_seconds", "key_in_two_places_timestamp_seconds", "verdicts_total"} {
		if have["pocket_collector_"+name] != nil {
			t.Errorf("%s has a series", name)
		}
	}
}
