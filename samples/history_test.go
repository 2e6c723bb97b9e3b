package samples

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/measured"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// filled returns a reader of what was measured up to now, and now.
func filled(t testing.TB, plan measured.Plan, length time.Duration) (*History, time.Time) {
	t.Helper()
	options := local.DefaultOptions()
	options.MaxBytes = 1 << 34
	store, err := local.OpenSamples(t.TempDir(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	now := time.Now().UTC().Truncate(24 * time.Hour).Add(-7 * time.Minute)
	plan.From, plan.To = now.Add(-length).Truncate(time.Hour), now
	if err := plan.Fill(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	h := NewHistory(store)
	h.now = func() time.Time { return now }
	return h, now
}

// exact counts samples of a stretch of time as summaries do: one session of it all.
func exact(plan measured.Plan, from, to time.Time) map[string]api.ServicerReport {
	counted := make(map[string]api.ServicerReport)
	for session, rounds := range plan.Sessions() {
		var within = rounds[:0]
		for _, round := range rounds {
			at := round.GetReleasedUnixNano()
			if at >= from.UnixNano() && at < to.UnixNano() {
				within = append(within, round)
			}
		}
		for _, servicer := range qos.Summarize(session, within).Servicers {
			sum := counted[servicer.Servicer]
			sum.Samples += servicer.Samples
			sum.NullSamples += servicer.NullSamples
			sum.Void += servicer.Void
			sum.Throttled += servicer.Throttled
			sum.OverSLA += servicer.OverSLA
			sum.Consistency.Agree += servicer.Consistency.Agree
			sum.Consistency.Disagree += servicer.Consistency.Disagree
			sum.Freshness.Claims += servicer.Freshness.Claims
			sum.Freshness.Behind += servicer.Freshness.Behind
			counted[servicer.Servicer] = sum
		}
	}
	return counted
}

// Each step, whatever its length, has the counts of its rounds; a step without a check has no point.
func TestHistoryCountsWhatWasMeasured(t *testing.T) {
	plan := measured.Plan{Seed: 4, Servicers: 4, Interval: 2 * time.Minute}
	h, now := filled(t, plan, 4*24*time.Hour)
	plan.From, plan.To = now.Add(-4*24*time.Hour).Truncate(time.Hour), now
	for _, step := range []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour, 7 * time.Hour, 24 * time.Hour} {
		history, err := h.Read(t.Context(), HistoryFilter{Last: 30 * time.Hour, Step: step})
		if err != nil {
			t.Fatal(err)
		}
		if history.StepSeconds != int64(step/time.Second) || len(history.Series) != 4 || len(history.Checks) != 1 {
			t.Fatalf("%v: %d series by %d s", step, len(history.Series), history.StepSeconds)
		}
		whole := exact(plan, history.From, history.To)
		for _, series := range history.Series {
			wantPoint(t, series.Total, whole[series.Servicer])
			last := time.Time{}
			for _, point := range series.Points {
				if point.From.Before(last) || point.To.Sub(point.From) != step || point.Checks == 0 {
					t.Fatalf("%v: a point from %v to %v after %v", step, point.From, point.To, last)
				}
				last = point.To
			}
			for i := 0; i < len(series.Points); i += 1 + len(series.Points)/5 {
				point := series.Points[i]
				wantPoint(t, point, exact(plan, point.From, point.To)[series.Servicer])
			}
		}
	}
}

func wantPoint(t *testing.T, got api.HistoryPoint, want api.ServicerReport) {
	t.Helper()
	if got.Samples != want.Samples || got.NullSamples != want.NullSamples || got.Void != want.Void || got.Throttled != want.Throttled ||
		got.OverSLA != want.OverSLA || got.Consistency.Agree != want.Consistency.Agree || got.Consistency.Disagree != want.Consistency.Disagree ||
		got.Freshness.Claims != want.Freshness.Claims || got.Freshness.Behind != want.Freshness.Behind ||
		got.Checks != want.Samples+want.Void+want.Throttled {
		t.Fatalf("from %v to %v: %+v\nwant %+v", got.From, got.To, got, want)
	}
}

// Where rollups of 5 minutes are gone, steps below an hour are those of hours.
func TestHistoryGoesBackByHours(t *testing.T) {
	plan := measured.Plan{Seed: 4, Servicers: 2, Interval: 10 * time.Minute, Steady: true}
	h, now := filled(t, plan, 9*24*time.Hour)
	from := now.Add(-8 * 24 * time.Hour).Truncate(time.Hour)
	history, err := h.Read(t.Context(), HistoryFilter{From: from, To: from.Add(48 * time.Hour), Step: 30 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	hours, fine, checks := 0, 0, 0
	for i, point := range history.Series[0].Points {
		switch point.To.Sub(point.From) {
		case time.Hour:
			hours++
		case 30 * time.Minute:
			fine++
		}
		if i > 0 && !point.From.Equal(history.Series[0].Points[i-1].To) {
			t.Errorf("a point from %v after one to %v", point.From, history.Series[0].Points[i-1].To)
		}
		checks += point.Checks
	}
	if hours < 12 || fine < 2 || 2*hours+fine != 96 || checks != history.Series[0].Total.Checks || checks < 48*6*9/10 {
		t.Errorf("%d points of an hour, %d of half an hour, %d checks of %d", hours, fine, checks, history.Series[0].Total.Checks)
	}
	if history.Oldest == nil || history.Oldest.After(now.Add(-9*24*time.Hour)) {
		t.Errorf("the oldest is of %v", history.Oldest)
	}
	// Without a step, one that is kept from the beginning on.
	history, err = h.Read(t.Context(), HistoryFilter{Last: 8 * 24 * time.Hour})
	if err != nil || history.StepSeconds != 3600 {
		t.Errorf("a step of %d s, %v", history.StepSeconds, err)
	}
	history, err = h.Read(t.Context(), HistoryFilter{Last: time.Hour})
	if err != nil || history.StepSeconds != 300 {
		t.Errorf("a step of %d s, %v", history.StepSeconds, err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("what 60 servicers did in 45 days, one after the other")
	}
	h, now := filled(t, measured.Plan{Seed: 4, Servicers: 60, Interval: 20 * time.Minute, Steady: true}, 45*24*time.Hour)
	for name, filter := range map[string]HistoryFilter{
		"steps":  {Last: 7 * 24 * time.Hour, Step: 5 * time.Minute},
		"points": {Last: 40 * 24 * time.Hour, Step: time.Hour},
	} {
		_, err := h.Read(t.Context(), filter)
		step, is := errors.AsType[*StepError](err)
		if !is {
			t.Fatalf("%s: %v", name, err)
		}
		filter.Step = step.Fits
		if _, err := h.Read(t.Context(), filter); err != nil {
			t.Errorf("%s: a step of %v does not fit: %v", name, step.Fits, err)
		}
		filter.Step = 0
		if history, err := h.Read(t.Context(), filter); err != nil || len(history.Series) != 60 {
			t.Errorf("%s: no step is chosen: %v", name, err)
		}
	}
	if _, err := h.Read(t.Context(), HistoryFilter{From: now, To: now}); !errors.As(err, new(*SpanError)) {
		t.Errorf("from now to now: %v", err)
	}
	for _, filter := range []HistoryFilter{{From: now.AddDate(0, 0, 5), To: now.AddDate(0, 0, 6)}, {From: time.Unix(0, 0), To: now.AddDate(100, 0, 0)},
		{Last: 4000 * 24 * time.Hour}} {
		if _, err := h.Read(t.Context(), filter); err != nil {
			t.Errorf("%+v: %v", filter, err)
		}
	}
	none := "nobody"
	history, err := h.Read(t.Context(), HistoryFilter{Filter: rollup.Filter{Servicer: &none}})
	if err != nil || len(history.Series) != 0 || len(history.Checks) != 1 {
		t.Errorf("%d series, %v", len(history.Series), err)
	}
}

// 30 days of 24 servicers by the hour.
func BenchmarkHistory(b *testing.B) {
	h, _ := filled(b, measured.Plan{Seed: 4, Servicers: 24, Interval: 2 * time.Minute}, 31*24*time.Hour)
	// What was filled in at once is stored; a node has the last minutes open.
	if _, err := h.store.(*local.Samples).Prune(b.Context(), 1); err != nil {
		b.Fatal(err)
	}
	filter := HistoryFilter{Last: 30 * 24 * time.Hour, Step: time.Hour}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.Read(b.Context(), filter); err != nil {
				b.Fatal(err)
			}
		}
	})
	history, _ := h.Read(b.Context(), filter)
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			text, err := json.Marshal(history)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
		}
	})
}
