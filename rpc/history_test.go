package rpc

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
)

// fakeHistory has one point of the known servicer, and repeats the filter.
func fakeHistory(_ context.Context, filter samples.HistoryFilter) (api.History, error) {
	to := time.Date(2026, 1, 2, 4, 15, 0, 0, time.UTC)
	switch {
	case filter.Step == time.Hour:
		return api.History{}, &samples.StepError{Fits: 24 * time.Hour}
	case !filter.From.IsZero() && !filter.To.IsZero() && !filter.From.Before(filter.To):
		return api.History{}, &samples.SpanError{From: filter.From, To: filter.To}
	}
	from := to.Add(-max(filter.Last, 75*time.Minute))
	ms := 12.5
	point := api.HistoryPoint{From: from, To: from.Add(15 * time.Minute), Checks: 3, Samples: 2, NullSamples: 1, Void: 1,
		Outcomes: api.Outcomes{"OK": 1, "TIMEOUT": 1, "VOID": 1}, Availability: qos.Wilson(1, 2), LatencySLA: &ms}
	return api.History{From: from, To: to, StepSeconds: int64(cmp.Or(filter.Step, 15*time.Minute) / time.Second), Servicer: filter.Servicer,
		RelayChain: filter.RelayChain, GeoZone: filter.GeoZone, RelativeError: 0.02,
		Series: []api.HistorySeries{{Servicer: knownServicer, RelayChain: "0001", GeoZone: "zone-1", Total: point, Points: []api.HistoryPoint{point}}},
		Checks: []api.HistoryChecks{{RelayChain: "0001", GeoZone: "zone-1", Points: []api.HistoryChecksPoint{{From: from, To: point.To, Done: 2, Void: 1, Dropped: 4}}}}}, nil
}

func TestHistoryRefusals(t *testing.T) {
	readers, _, _ := readersAt(23)
	for query, want := range map[string]string{
		"step=7m":                           "step: ",
		"step=0s":                           "step: ",
		"step=90m":                          "step: ",
		"step=-1h":                          "step: ",
		"last=0s":                           "last: ",
		"last=99999d":                       "last: ",
		"last=1h&from=2026-01-02T03:04:05Z": "exclude each other",
		"from=yesterday":                    "from: ",
		"from=1969-01-02T03:04:05Z":         "from: ",
		"to=9999-01-02T03:04:05Z":           "to: ",
		"from=2026-01-02T03:04:05Z&to=2026-01-02T03:04:05Z": "is not before",
		"step=1h":         "step=1d fits",
		"servicer=x":      "servicer: ",
		"relay_chain=xyz": "relay_chain: ",
		"geo_zone=EU":     "geo_zone: ",
	} {
		answer := ask(New(Config{}, readers), http.MethodGet, "/v1/qos/history?"+query)
		conforms(t, "/v1/qos/history", answer)
		if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%s: %d %s", query, answer.Code, answer.Body)
		}
	}
}
