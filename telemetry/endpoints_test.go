package telemetry

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// A fisherman that samples a list of endpoints has the same labels, with the names of groups and targets in them, and
// nothing of a chain.
func TestMetricsOfAListOfEndpoints(t *testing.T) {
	target := func(name string) api.ServicerReport {
		return api.ServicerReport{Servicer: name, Samples: 3, Throttled: 2, Verdict: api.VerdictHealthy}
	}
	running := samples.Running{Members: 3, Report: api.SessionReport{RelayChain: "ethereum", Application: "ethereum", ChecksPlanned: 20,
		Servicers: []api.ServicerReport{target("own-node"), target("provider-a"), target("evil\n")}}}
	m := New(Sources{Name: types.ValidateOpaque, Sessions: some(running),
		Controls: func() []Control {
			return []Control{{RelayChain: "ethereum", Fitness: types.ControlFitness_CONTROL_FITNESS_FIT}, {RelayChain: "evil\n"}}
		}}, silent)
	record := doneRound(2)
	record.Samples[1] = &types.QoSSample{Servicer: "provider-a", Outcome: types.Outcome_OUTCOME_THROTTLED}
	m.Round(Round{RelayChain: "ethereum", Record: record, Stored: true})
	m.Round(Round{RelayChain: strings.Repeat("n", 129), Record: record, Stored: true})
	wantValue(t, m, 1, "pocket_fisherman_samples_total", "relay_chain", "ethereum", "outcome", "THROTTLED", "blame", "NOBODY")
	wantValue(t, m, 1, "pocket_fisherman_samples_total", "relay_chain", "ethereum", "outcome", "OK")
	wantValue(t, m, 1, "pocket_fisherman_samples_total", "relay_chain", other, "outcome", "OK")
	wantValue(t, m, 1, "pocket_fisherman_sessions", "relay_chain", "ethereum")
	wantValue(t, m, 3, "pocket_fisherman_servicer_samples", "servicer", "own-node", "relay_chain", "ethereum", "application", "ethereum")
	wantValue(t, m, 1, "pocket_fisherman_servicer_verdict", "servicer", "provider-a", "verdict", "healthy")
	wantValue(t, m, 1, "pocket_fisherman_servicers_without_series")
	wantValue(t, m, 1, "pocket_fisherman_control_fit", "relay_chain", "ethereum", "fitness", "FIT")
	families := gathered(t, m)
	if got := len(families["pocket_fisherman_control_fit"].GetMetric()); got != 4 {
		t.Errorf("%d series of control probes", got)
	}
	for name := range families {
		if strings.HasPrefix(name, "pocket_chain_") || strings.HasPrefix(name, "pocket_servicer_") {
			t.Errorf("%s without a chain", name)
		}
	}
}
