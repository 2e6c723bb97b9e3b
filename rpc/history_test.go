package rpc

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
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

// What is written by hand is what encoding/json writes, whatever a point has.
func TestHistoryIsEncodedAsEverythingElse(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	number := func() *float64 {
		switch random.IntN(6) {
		case 0:
			return nil
		case 1:
			return new(0.0)
		case 2:
			return new(random.Float64() * 1e-9)
		case 3:
			return new(random.Float64() * 1e24)
		}
		return new(random.Float64() * 100)
	}
	whole := func() *int64 { return api.Optional(random.Int64N(3) * 1e12) }
	interval := func() api.Interval { return api.Interval{Value: number(), Low: number(), High: number()} }
	point := func() api.HistoryPoint {
		from := time.Unix(random.Int64N(4e9), random.Int64N(2)*500).UTC()
		p := api.HistoryPoint{From: from, To: from.Add(time.Hour), Checks: random.IntN(9), Samples: 1, NullSamples: 2, Void: 3, Throttled: 4, OverSLA: 5,
			Availability: interval(), LatencySLA: number(), Outcomes: api.Outcomes{},
			Consistency:    api.Consistency{Agree: 1, Disagree: 2, Undecidable: 3, Interval: interval()},
			Freshness:      api.Freshness{Claims: 1, Behind: 2, LagBlocksMax: whole(), LagBlocksMedian: whole(), LagMSMax: number()},
			RoundTripTimes: api.RoundTripTimes{Samples: 7, Quantiles: api.Quantiles{P10: number(), P25: number(), P50: number(), P75: number(), P90: number(), P99: number()}}}
		for _, label := range []string{"OK", "TIMEOUT", "<é\"\x1b>"} {
			if random.IntN(2) == 0 {
				p.Outcomes[label] = 1 + random.IntN(5)
			}
		}
		if random.IntN(2) == 0 {
			p.RoundTripTimes.Connections = new(api.ConnectionsCold)
		}
		return p
	}
	for range 200 {
		history, _ := fakeHistory(t.Context(), samples.HistoryFilter{})
		history.Series = []api.HistorySeries{}
		for range random.IntN(4) {
			series := api.HistorySeries{Servicer: "\"series\":null <&>\u2028", RelayChain: "0001", ServiceURL: "http://é\x00", Total: point(), Points: []api.HistoryPoint{}}
			for range random.IntN(4) {
				series.Points = append(series.Points, point())
			}
			history.Series = append(history.Series, series)
		}
		want, err := encode(history)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := encodeHistory(history); err != nil || string(got) != string(want) {
			t.Fatalf("%v\n%s\nis not\n%s", err, got, want)
		}
	}
}

// 17 280 points: 30 days of 24 servicers by the hour.
func BenchmarkEncodeHistory(b *testing.B) {
	history, _ := fakeHistory(b.Context(), samples.HistoryFilter{})
	series := history.Series[0]
	for len(series.Points) < 720 {
		series.Points = append(series.Points, series.Points[0])
	}
	history.Series = slices.Repeat([]api.HistorySeries{series}, 24)
	for name, encodes := range map[string]func(api.History) (encoded, error){"by hand": encodeHistory, "encoding json": func(h api.History) (encoded, error) { return encode(h) }} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := encodes(history); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
