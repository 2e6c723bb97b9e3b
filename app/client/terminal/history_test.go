package terminal

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// overTime is the history of two groups: a servicer with an outage and a gap, one that is slow, and one with a hostile name.
func overTime() api.History {
	from := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	history := api.History{From: from, To: from.Add(24 * time.Hour), StepSeconds: 3600, RelativeError: 0.02, Checks: []api.HistoryChecks{}}
	series := func(servicer, chain, zone string, sla *float64, answered func(hour int) (checks, answers int, ms float64)) {
		s := api.HistorySeries{Servicer: servicer, RelayChain: chain, GeoZone: zone, ServiceURL: "https://" + servicer + ".example", Points: []api.HistoryPoint{}}
		point := func(from, to time.Time, checks, answers int, ms float64) api.HistoryPoint {
			p := api.HistoryPoint{From: from, To: to, Checks: checks + 1, Samples: checks, NullSamples: checks - answers, Void: 1,
				Outcomes: api.Outcomes{"VOID": 1}, Availability: qos.Wilson(answers, checks), LatencySLA: sla,
				Consistency: api.Consistency{Agree: answers, Interval: qos.Wilson(answers, answers)}, Freshness: api.Freshness{Claims: 1, LagBlocksMax: new(int64(answers % 3))}}
			if answers < checks {
				p.Outcomes["TIMEOUT"] = checks - answers
			}
			if answers > 0 {
				p.Outcomes["OK"] = answers
				high := ms * 1.5
				p.RoundTripTimes = api.RoundTripTimes{Connections: new(api.ConnectionsWarm), Samples: answers, Quantiles: api.Quantiles{P10: &ms, P25: &ms, P50: &ms, P75: &ms, P90: &high, P99: &high}}
			}
			if sla != nil && ms > *sla {
				p.OverSLA = answers
			}
			return p
		}
		checks, answers := 0, 0
		for hour := range 24 {
			n, ok, ms := answered(hour)
			if n == 0 {
				continue
			}
			checks, answers = checks+n, answers+ok
			s.Points = append(s.Points, point(from.Add(time.Duration(hour)*time.Hour), from.Add(time.Duration(hour+1)*time.Hour), n, ok, ms))
		}
		s.Total = point(from, history.To, checks, answers, 100)
		history.Series = append(history.Series, s)
	}
	series("0000000000000000000000000000000000000001", "0001", "zone-1", new(100.0), func(hour int) (int, int, float64) {
		switch {
		case hour == 5 || hour == 6:
			return 60, 0, 0
		case hour > 10 && hour < 14:
			return 0, 0, 0
		case hour == 20:
			return 60, 59, 40
		}
		return 60, 60, 40
	})
	series("0000000000000000000000000000000000000002", "0001", "zone-1", new(100.0), func(hour int) (int, int, float64) { return 60, 60, float64(30 + 10*hour) })
	series(clienttest.Hostile, "ethereum", "", nil, func(hour int) (int, int, float64) { return 10, 10 - hour%3, float64(1 + hour) })
	return history
}

func TestHistoryMatchesGoldenFiles(t *testing.T) {
	for _, width := range []int{0, 80, 120, 200} {
		form := Form{width: width, whole: width == 0}
		text := HistoryText(overTime(), form)
		clienttest.Golden(t, fmt.Sprintf("history_%d.txt", width), []byte(text))
		one := overTime()
		one.Series = one.Series[:1]
		steps := ServicerHistoryText(one, form)
		clienttest.Golden(t, fmt.Sprintf("history_servicer_%d.txt", width), []byte(steps))
		for line := range strings.Lines(text + steps) {
			if w := lipgloss.Width(strings.TrimSuffix(line, "\n")); width > 0 && w > width {
				t.Errorf("a line of %d at %d columns: %q", w, width, line)
			}
			if strings.ContainsAny(line, "\x1b\r\u202e\u009b") {
				t.Errorf("%q has what a terminal acts on", line)
			}
		}
	}
}

func TestHistoryOfNothing(t *testing.T) {
	nothing := api.History{From: time.Unix(0, 0).UTC(), To: time.Unix(3600, 0).UTC(), StepSeconds: 300}
	if text := HistoryText(nothing, Form{}); !strings.Contains(text, "nothing is kept yet") {
		t.Error(text)
	}
	nothing.Oldest = new(time.Unix(7200, 0).UTC())
	if text := ServicerHistoryText(nothing, Form{}); !strings.Contains(text, "begins at 1970-01-01T02:00:00Z") {
		t.Error(text)
	}
}

// No share below all is shown as all, and no sparkline hides a missing answer.
func TestAMissingAnswerShows(t *testing.T) {
	if got := percent(new(0.99999)); got != "99.9%" {
		t.Error(got)
	}
	history := overTime()
	drawn := []rune(availabilitySpark(history, history.Series[0]))
	if string(drawn) != "█████▁▁████···██████▇███" {
		t.Errorf("%s", string(drawn))
	}
	// An answer of a later version, or a lying one, changes no length.
	for _, step := range []int64{0, -5, 1} {
		history.StepSeconds = step
		if drawn := availabilitySpark(history, history.Series[0]); len([]rune(drawn)) > 2000 {
			t.Errorf("%d cells", len(drawn))
		}
	}
}

// Sessions that are counted in blocks say when they were, too.
func TestSessionsSayWhenTheyWere(t *testing.T) {
	session := api.SessionReport{ID: strings.Repeat("1f", 32), Height: 20, RelayChain: "0001", GeoZone: "zone-1"}
	from := time.Date(2026, 5, 4, 23, 58, 0, 0, time.UTC)
	for to, want := range map[*time.Time]string{
		nil:                            "from height 20, 2026-05-04T23:58:00Z, complete",
		new(from.Add(time.Minute)):     "from height 20, 2026-05-04T23:58:00Z to 23:59:00Z, complete",
		new(from.Add(3 * time.Minute)): "from height 20, 2026-05-04T23:58:00Z to 2026-05-05T00:01:00Z, complete",
	} {
		session.From, session.To = &from, to
		if got := sessionName(session, "complete", Form{}); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
