package samples

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/measured"
	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Series of one servicer stand beside one another, a series for each place, in the same steps.
func TestVantagesHistory(t *testing.T) {
	plan := measured.Plan{Seed: 4, Servicers: 2, Interval: 2 * time.Minute}
	first, now := filled(t, plan, 3*time.Hour)
	second, _ := filled(t, plan, 2*time.Hour)
	vantages, err := NewVantages([]Vantage{
		{Place: "sydney", Store: newMemory(), History: second.store}, {Place: "frankfurt", Store: newMemory(), History: first.store}, {Place: "virginia", Store: newMemory()}}, Prover{})
	if err != nil {
		t.Fatal(err)
	}
	vantages.now = func() time.Time { return now }
	for _, p := range vantages.points {
		if p.history != nil {
			p.history.now = vantages.now
		}
	}
	history, err := vantages.History(t.Context(), HistoryFilter{Last: 4 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	points := make(map[string]int)
	for _, series := range history.Series {
		places = append(places, series.Vantage)
		points[series.Vantage] += len(series.Points)
	}
	if !slices.Equal(places, []string{"frankfurt", "sydney", "frankfurt", "sydney"}) || points["frankfurt"] <= points["sydney"] || len(history.Checks) != 2 {
		t.Errorf("series of %v with %v points, checks %v", places, points, history.Checks)
	}
	if history.StepSeconds != 300 || history.To.Sub(history.From) < 4*time.Hour || history.Oldest == nil {
		t.Errorf("from %v to %v by %d s, oldest %v", history.From, history.To, history.StepSeconds, history.Oldest)
	}
	var step *StepError
	if _, err := vantages.History(t.Context(), HistoryFilter{Last: 100 * 24 * time.Hour, Step: 5 * time.Minute}); !errors.As(err, &step) {
		t.Errorf("too many steps: %v", err)
	}
	var span *SpanError
	if _, err := vantages.History(t.Context(), HistoryFilter{From: now, To: now.Add(-time.Hour)}); !errors.As(err, &span) {
		t.Errorf("an end before the beginning: %v", err)
	}
	empty, err := NewVantages([]Vantage{{Place: "a", Store: newMemory()}}, Prover{})
	if err != nil {
		t.Fatal(err)
	}
	if none, err := empty.History(t.Context(), HistoryFilter{Filter: rollup.Filter{}}); err != nil || none.Series == nil || none.Checks == nil {
		t.Errorf("no history: %v, %v", none, err)
	}
}

// Listeners learn of every place, and of what they missed of each.
func TestVantageStream(t *testing.T) {
	f := newFleet(t, fleetPlaces...)
	f.run(1)
	stream := NewVantageStream(f.vantages, slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, end := context.WithCancel(t.Context())
	defer end()
	missed, coming, err := stream.Listen(ctx, f.now.Add(-time.Hour).UnixNano())
	if err != nil {
		t.Fatal(err)
	}
	heard := make(map[string]int)
	for _, event := range missed {
		for _, place := range fleetPlaces {
			if event.Kind == api.EventKindRound && strings.Contains(string(event.Data), fmt.Sprintf("%q:%q", "vantage", place)) {
				heard[place]++
			}
		}
	}
	if heard["frankfurt"] != 10 || heard["sydney"] != 10 || heard["virginia"] != 10 {
		t.Errorf("missed of %v", heard)
	}
	stream.Session("sydney", f.stores["sydney"].sessions[0])
	stream.Round("sydney", f.stores["sydney"].rounds["sydney-1"][0])
	for _, want := range []api.EventKind{api.EventKindSession, api.EventKindRound} {
		if event := <-coming; event.Kind != want || !strings.Contains(string(event.Data), `"vantage":"sydney"`) {
			t.Errorf("%s: %s", event.Kind, event.Data)
		}
	}
}

// Members and running sessions are those of all places.
func TestVantagesMembersAndRunning(t *testing.T) {
	f := newFleet(t, fleetPlaces...)
	f.run(1)
	for _, store := range f.stores {
		store.sessions[0].Closed = false
	}
	f.stores["sydney"].sessions[0].Servicers = append(f.stores["sydney"].sessions[0].Servicers, &types.QoSServicer{Address: "only in sydney"})
	members, err := f.vantages.Members(t.Context(), "", 3)
	if err != nil || !slices.Equal(members.Servicers, []string{"only in sydney", "x", "y"}) {
		t.Errorf("%v, %v", members, err)
	}
	running, err := f.vantages.Running(t.Context(), 4)
	if err != nil || len(running) != 3 {
		t.Fatalf("%v, %v", running, err)
	}
	for i, place := range fleetPlaces {
		if running[i].Report.Vantage != place || (len(running[i].Report.Servicers) > 0) != (i < 2) {
			t.Errorf("%d: of %s with %d rows", i, running[i].Report.Vantage, len(running[i].Report.Servicers))
		}
	}
}

// Evidence stays with its vantage point; a page goes on where the one before ended.
func TestVantagesEvidence(t *testing.T) {
	f := newFleet(t, fleetPlaces...)
	f.chain = true
	f.run(2)
	for _, place := range []string{"frankfurt", "virginia"} {
		for _, rounds := range f.stores[place].rounds {
			rounds[3].Samples[0].Consistency = types.Consistency_CONSISTENCY_DISAGREE
		}
	}
	prover := Prover{Of: func(session *types.QoSSession, round *types.QoSRound) (api.Evidence, error) {
		return api.Evidence{Session: api.EvidenceSession{ID: session.GetHeader().GetId()}, Check: round.GetIndex()}, nil
	}}
	for _, p := range f.vantages.points {
		p.reader.prover = prover
	}
	var found []string
	filter := EvidenceFilter{Limit: 1}
	for range 10 {
		page, err := f.vantages.Evidence(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, piece := range page.Evidence {
			found = append(found, piece.Session.ID[63:])
		}
		if page.Next == nil {
			break
		}
		filter.Before = page.Next
	}
	if want := []string{"2", "1", "2", "1"}; !slices.Equal(found, want) {
		t.Errorf("evidence of %v, want %v", found, want)
	}
}
