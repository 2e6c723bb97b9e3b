package samples

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// HistoryStore is where rollups are read. Times are nanoseconds since the Unix epoch.
type HistoryStore interface {
	// Rollups calls a visitor that begin returns with each rollup of a resolution whose slot begins in [from, to), of the
	// series that the filter admits; those of a series oldest first. It may begin again.
	Rollups(ctx context.Context, r rollup.Resolution, from, to int64, filter rollup.Filter, begin func() rollup.Visitor) error
	// HistoryBounds returns from which moment on rollups of a resolution are complete, and when the oldest one begins; oldest
	// is 0 when there is none.
	HistoryBounds(r rollup.Resolution) (covers, oldest int64)
	// CountSeries returns how many series with a servicer the filter admits.
	CountSeries(filter rollup.Filter) int
}

// History reads what is kept over time. It may be used by many goroutines at once.
type History struct {
	store HistoryStore
	now   func() time.Time
}

// NewHistory makes a reader of a store.
func NewHistory(store HistoryStore) *History { return &History{store: store, now: time.Now} }

// Bounds of an answer.
const (
	// MaximumSteps is the most steps of a series.
	MaximumSteps = 2000
	// MaximumPoints is the most points of an answer.
	MaximumPoints = 50_000
	// defaultSteps is the most steps when the step is not given.
	defaultSteps = 1000
)

// HistoryFilter says what is read.
type HistoryFilter struct {
	rollup.Filter
	// From and To bound the time. The zero To is now, and the zero From is Last before To.
	From, To time.Time
	// Last is how long before To it begins if From is zero; 0 means 24 hours.
	Last time.Duration
	// Step is how long a point is, as rollup.ParseStep reads it; 0 has it chosen.
	Step time.Duration
}

// StepError is returned when an answer may have too many points.
type StepError struct {
	// Fits is a step that fits.
	Fits time.Duration
}

func (e *StepError) Error() string {
	return fmt.Sprintf("there may be more than %d steps or %d points; step=%s fits", MaximumSteps, MaximumPoints, rollup.StepText(e.Fits))
}

// SpanError is returned when a beginning is not before an end.
type SpanError struct{ From, To time.Time }

func (e *SpanError) Error() string {
	return fmt.Sprintf("from %s is not before to %s", e.From.Format(time.RFC3339), e.To.Format(time.RFC3339))
}

// historySpan is what an answer covers, in whole steps.
type historySpan struct {
	from, to, step int64
	// covered is the moment from which on rollups of 5 minutes are complete; before it there are those of hours.
	covered int64
}

// steps returns how many steps there are.
func (s historySpan) steps() int64 { return (s.to - s.from) / s.step }

// Read reads the series that the filter admits. Errors: *StepError, *SpanError.
func (h *History) Read(ctx context.Context, filter HistoryFilter) (api.History, error) {
	span, err := h.span(filter)
	if err != nil {
		return api.History{}, err
	}
	var made *historyMaker
	begin := func() rollup.Visitor {
		made = newHistoryMaker(span)
		return made.visit
	}
	if span.step >= int64(time.Hour) {
		err = h.store.Rollups(ctx, rollup.Hour, span.from, span.to, filter.Filter, begin)
	} else {
		err = h.readFine(ctx, span, filter.Filter, &made, begin)
	}
	if made == nil {
		begin()
	}
	if made.points > MaximumPoints {
		return api.History{}, &StepError{Fits: h.fits(span, filter.Filter)}
	}
	if err != nil {
		return api.History{}, fmt.Errorf("read history: %w", err)
	}
	history := made.history()
	history.Servicer, history.RelayChain, history.GeoZone = filter.Servicer, filter.RelayChain, filter.GeoZone
	history.Oldest = h.oldest()
	return history, nil
}

// readFine reads rollups of hours as far as there are no others, then those of 5 minutes.
func (h *History) readFine(ctx context.Context, span historySpan, filter rollup.Filter, made **historyMaker, begin func() rollup.Visitor) error {
	edge := min(max(span.covered, span.from), span.to)
	if edge > span.from {
		if err := h.store.Rollups(ctx, rollup.Hour, span.from, edge, filter, begin); err != nil {
			return err
		}
	}
	before := *made
	return h.store.Rollups(ctx, rollup.FiveMinutes, edge, span.to, filter, func() rollup.Visitor {
		if before == nil {
			return begin()
		}
		*made = before.clone()
		return (*made).visit
	})
}

// oldest returns when the oldest rollup begins; nil when there is none.
func (h *History) oldest() *time.Time {
	_, fine := h.store.HistoryBounds(rollup.FiveMinutes)
	_, hours := h.store.HistoryBounds(rollup.Hour)
	switch {
	case hours == 0 && fine == 0:
		return nil
	case fine > 0 && (hours == 0 || rollup.Hour.Slot(fine) == hours):
		return new(time.Unix(0, fine).UTC())
	}
	return new(time.Unix(0, hours).UTC())
}

// span returns what is read. Errors: *StepError, *SpanError.
func (h *History) span(filter HistoryFilter) (historySpan, error) {
	to := filter.To
	if to.IsZero() {
		to = h.now()
	}
	from := filter.From
	if from.IsZero() {
		from = to.Add(-cmp.Or(filter.Last, 24*time.Hour))
	}
	if epoch := time.Unix(0, 0); from.Before(epoch) {
		from = epoch
	}
	if !from.Before(to) {
		return historySpan{}, &SpanError{from, to}
	}
	if last := h.now().Add(24 * time.Hour); to.After(last) && from.Before(last) {
		to = last // there is nothing in the future
	}
	covered, _ := h.store.HistoryBounds(rollup.FiveMinutes)
	aligned := func(step time.Duration) historySpan {
		s := historySpan{step: int64(step), covered: covered}
		s.from = from.UnixNano() / s.step * s.step
		s.to = (to.UnixNano() + s.step - 1) / s.step * s.step
		return s
	}
	if filter.Step > 0 {
		span := aligned(filter.Step)
		if span.steps() > MaximumSteps {
			return historySpan{}, &StepError{Fits: h.fits(span, filter.Filter)}
		}
		return span, nil
	}
	series := int64(max(h.store.CountSeries(filter.Filter), 1))
	for _, step := range []time.Duration{rollup.FiveMinutes.Length(), time.Hour, 6 * time.Hour, day} {
		span := aligned(step)
		if fine := step < time.Hour; fine && span.from < covered && h.hasHours(span.from, covered) {
			continue
		}
		if span.steps() <= defaultSteps && span.steps()*series <= MaximumPoints {
			return span, nil
		}
	}
	return aligned(h.fits(aligned(day), filter.Filter)), nil
}

// hasHours reports whether there may be rollups of hours between two moments.
func (h *History) hasHours(from, to int64) bool {
	_, oldest := h.store.HistoryBounds(rollup.Hour)
	return oldest > 0 && oldest < to && from < to
}

const day = 24 * time.Hour

// fits returns a step by which a span has few enough points.
func (h *History) fits(span historySpan, filter rollup.Filter) time.Duration {
	points := MaximumPoints / max(h.store.CountSeries(filter), 1)
	return rollup.StepThatFits(time.Duration(span.to-span.from), min(MaximumSteps, points))
}

// historyMaker makes series of the rollups that it visits, those of a series oldest first.
type historyMaker struct {
	span   historySpan
	series map[rollup.Series]*historySeries
	points int
}

// historySeries is a series that is being made.
type historySeries struct {
	url string
	// step is what was counted in the step that begins at begins, of which nothing is made yet; step.empty() when nothing was.
	step         rollup.Rollup
	begins, ends int64
	total        rollup.Rollup
	points       []api.HistoryPoint
	checks       []api.HistoryChecksPoint
}

func newHistoryMaker(span historySpan) *historyMaker {
	return &historyMaker{span: span, series: make(map[rollup.Series]*historySeries)}
}

// clone returns a maker that goes on from here, and leaves this one as it is.
func (m *historyMaker) clone() *historyMaker {
	made := &historyMaker{span: m.span, series: make(map[rollup.Series]*historySeries, len(m.series)), points: m.points}
	for of, series := range m.series {
		next := &historySeries{url: series.url, begins: series.begins, ends: series.ends,
			points: slices.Clip(series.points), checks: slices.Clip(series.checks)}
		next.step.Merge(&series.step)
		next.total.Merge(&series.total)
		made.series[of] = next
	}
	return made
}

// errEnough ends reading when there are more points than an answer has.
var errEnough = fmt.Errorf("more than %d points", MaximumPoints)

// visit adds a rollup.
func (m *historyMaker) visit(of rollup.Series, url string, slot int64, length time.Duration, counted *rollup.Rollup) error {
	series := m.series[of]
	if series == nil {
		series = new(historySeries)
		m.series[of] = series
	}
	begins := slot - slot%m.span.step
	ends := max(begins+m.span.step, slot+int64(length))
	if series.ends > 0 && begins != series.begins {
		m.finish(of, series)
	}
	if m.points > MaximumPoints {
		return errEnough
	}
	series.url, series.begins, series.ends = url, begins, ends
	series.total.Merge(counted)
	if int64(length) >= m.span.step { // it is the whole step
		m.point(of, series, counted)
		return nil
	}
	series.step.Merge(counted)
	return nil
}

// finish makes a point of the step of a series.
func (m *historyMaker) finish(of rollup.Series, series *historySeries) {
	m.point(of, series, &series.step)
	series.step.Reset()
}

// point makes a point of what was counted in the step of a series.
func (m *historyMaker) point(of rollup.Series, series *historySeries, counted *rollup.Rollup) {
	from, to := time.Unix(0, series.begins).UTC(), time.Unix(0, series.ends).UTC()
	if of.Servicer == "" {
		series.checks = append(series.checks, api.HistoryChecksPoint{From: from, To: to, Done: counted.Done,
			Void: counted.Void, Dropped: counted.Dropped})
	} else {
		series.points = append(series.points, historyPoint(from, to, counted))
		m.points++
	}
	series.ends = 0
}

// history returns what was made.
func (m *historyMaker) history() api.History {
	history := api.History{From: time.Unix(0, m.span.from).UTC(), To: time.Unix(0, m.span.to).UTC(),
		StepSeconds: m.span.step / int64(time.Second), RelativeError: rollup.RelativeError,
		Series: []api.HistorySeries{}, Checks: []api.HistoryChecks{}}
	for _, of := range slices.SortedFunc(maps.Keys(m.series), rollup.Series.Compare) {
		series := m.series[of]
		if series.ends > 0 {
			m.finish(of, series)
		}
		if of.Servicer == "" {
			history.Checks = append(history.Checks, api.HistoryChecks{RelayChain: of.RelayChain, GeoZone: of.GeoZone, Points: series.checks})
			continue
		}
		history.Series = append(history.Series, api.HistorySeries{Servicer: of.Servicer, RelayChain: of.RelayChain, GeoZone: of.GeoZone,
			ServiceURL: series.url, Total: historyPoint(history.From, history.To, &series.total), Points: series.points})
	}
	return history
}
