package qos

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// windowOf is a place's window with a row for a servicer of samples, of which some are null.
func windowOf(servicer string, samples, nulls, allowed int) api.WindowReport {
	row := api.WindowServicer{Servicer: servicer, Samples: samples, NullSamples: nulls, NullSamplesAllowed: allowed, SamplesRequired: 3, Sessions: 1,
		Verdicts: api.Verdicts{}, Outcomes: api.Outcomes{}, Availability: Wilson(samples-nulls, samples), Verdict: api.VerdictHealthy, Reason: "answered"}
	if nulls > 0 {
		row.Outcomes["TIMEOUT"] = nulls
	}
	if samples > nulls {
		row.Outcomes["OK"] = samples - nulls
	}
	switch {
	case nulls > allowed:
		row.Verdict = api.VerdictUnavailable
	case samples < 3:
		row.Verdict = api.VerdictUnknown
	}
	row.Verdicts[row.Verdict] = 1
	return api.WindowReport{RelayChain: "main", Applications: []string{"main"}, Sessions: 1, ChecksPlanned: samples, ChecksDone: samples, Servicers: []api.WindowServicer{row}}
}

// Windows are merged whatever the order, one alone stays as it is, no null sample is lost, and no minority moves a verdict.
func TestMergeWindows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var windows []PlacedWindow
		verdicts := make(map[api.Verdict]int)
		all := 0
		for place := range rapid.IntRange(1, 5).Draw(rt, "places") {
			samples := rapid.IntRange(0, 60).Draw(rt, "samples")
			nulls := rapid.IntRange(0, samples).Draw(rt, "nulls")
			window := windowOf("x", samples, nulls, rapid.IntRange(0, 10).Draw(rt, "allowed"))
			windows = append(windows, PlacedWindow{string(rune('a' + place)), window})
			verdicts[window.Servicers[0].Verdict]++
			all += nulls
		}
		merged := MergeWindows(windows)
		want, err := json.Marshal(merged)
		if err != nil {
			t.Fatal(err)
		}
		other, err := json.Marshal(MergeWindows(rapid.Permutation(windows).Draw(rt, "order")))
		if err != nil || !bytes.Equal(other, want) {
			rt.Fatalf("in another order (%v):\n%s\n%s", err, other, want)
		}
		row := merged.Servicers[0]
		if len(windows) == 1 {
			alone, err := json.Marshal(windows[0].Window)
			if err != nil || !bytes.Equal(alone, want) {
				rt.Fatalf("alone (%v):\n%s\n%s", err, alone, want)
			}
			return
		}
		counted, outcomes := 0, 0
		for _, v := range row.Vantages {
			counted += v.NullSamples + v.PathNulls
		}
		for _, n := range row.Outcomes {
			outcomes += n
		}
		if counted != all || outcomes != row.Samples {
			rt.Fatalf("%d null samples became %d, outcomes %v of %d samples", all, counted, row.Outcomes, row.Samples)
		}
		if 2*verdicts[api.VerdictHealthy] > len(windows) && row.Verdict != api.VerdictHealthy {
			rt.Fatalf("%v together are %s: %s", verdicts, row.Verdict, row.Reason)
		}
		if verdicts[api.VerdictUnavailable] == len(windows) && row.Verdict != api.VerdictUnavailable {
			rt.Fatalf("all are unavailable, together %s: %s", row.Verdict, row.Reason)
		}
	})
}
