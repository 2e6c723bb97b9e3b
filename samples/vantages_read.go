package samples

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// Windows merges the sessions that the filter's span reaches, of each vantage point, and these with one another.
func (v *Vantages) Windows(ctx context.Context, filter WindowFilter) (api.WindowsReport, error) {
	report := api.WindowsReport{Window: filter.Span.String(), RelativeError: qos.RelativeError, Windows: []api.WindowReport{}}
	windows := make(map[place][]qos.PlacedWindow)
	for _, p := range v.points {
		own, err := p.reader.Windows(ctx, WindowFilter{Span: filter.Span})
		if err != nil {
			return api.WindowsReport{}, fmt.Errorf("%s: %w", p.Place, err)
		}
		for _, window := range own.Windows {
			at := place{window.RelayChain, window.GeoZone}
			windows[at] = append(windows[at], qos.PlacedWindow{Place: p.Place, Window: window})
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(windows), place.compare) {
		merged := qos.MergeWindows(windows[at])
		if filter.Servicer != "" {
			merged.Servicers = slices.DeleteFunc(merged.Servicers, func(s api.WindowServicer) bool { return s.Servicer != filter.Servicer })
			if len(merged.Servicers) == 0 {
				continue
			}
		}
		report.Windows = append(report.Windows, merged)
	}
	report.Vantages = v.Vantages()
	return report, nil
}

// Evidence collects evidence of each vantage point, as Reader.Evidence does: of a place's sessions from the newest one's
// last check on, the places by name. Errors: modules.ErrUnknownSession, ErrUnknownPlace.
func (v *Vantages) Evidence(ctx context.Context, filter EvidenceFilter) (api.EvidencePage, error) {
	page := api.EvidencePage{Evidence: []api.Evidence{}}
	points, err := v.from(filter.Before)
	if err != nil {
		return page, err
	}
	known := filter.SessionID == ""
	for i, p := range points {
		if filter.Limit <= len(page.Evidence) {
			last := page.Evidence[len(page.Evidence)-1]
			page.Next = &api.EvidencePlace{Session: last.Session.ID, Check: last.Check, Vantage: v.tag(points[i-1].Place)}
			return page, nil
		}
		own := filter
		own.Limit = filter.Limit - len(page.Evidence)
		more, err := p.reader.Evidence(ctx, own)
		filter.Before = nil // the next ones begin at their newest
		if errors.Is(err, modules.ErrUnknownSession) {
			continue
		}
		if err != nil {
			return api.EvidencePage{}, fmt.Errorf("%s: %w", p.Place, err)
		}
		known = true
		page.Evidence, page.Unkept, page.Next = append(page.Evidence, more.Evidence...), page.Unkept+more.Unkept, more.Next
		if page.Next != nil {
			page.Next.Vantage = v.tag(p.Place)
			return page, nil
		}
	}
	if !known {
		return api.EvidencePage{}, modules.ErrUnknownSession
	}
	return page, nil
}

// from returns the vantage points from that of a place in the evidence on; all for none. Errors: ErrUnknownPlace.
func (v *Vantages) from(before *api.EvidencePlace) ([]*point, error) {
	if before == nil || before.Vantage == "" {
		return v.points, nil
	}
	at := slices.IndexFunc(v.points, func(p *point) bool { return p.Place == before.Vantage })
	if at < 0 {
		return nil, ErrUnknownPlace
	}
	return v.points[at:], nil
}

// Members returns those of the stored sessions of all vantage points, as Reader.Members does.
func (v *Vantages) Members(ctx context.Context, prefix string, limit int) (Members, error) {
	var all Members
	for _, p := range v.points {
		own, err := p.reader.Members(ctx, prefix, limit)
		if err != nil {
			return Members{}, fmt.Errorf("%s: %w", p.Place, err)
		}
		all.Servicers, all.Applications = append(all.Servicers, own.Servicers...), append(all.Applications, own.Applications...)
	}
	return Members{Servicers: first(all.Servicers, limit), Applications: first(all.Applications, limit)}, nil
}

// first returns the first different names.
func first(names []string, limit int) []string {
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(limit, len(names))]
}

// Running returns the sessions that are being sampled at each vantage point, as Reader.Running does.
func (v *Vantages) Running(ctx context.Context, servicers int) ([]Running, error) {
	var all []Running
	for _, p := range v.points {
		own, err := p.reader.Running(ctx, max(servicers, 0))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Place, err)
		}
		for i := range own {
			own[i].Report.Vantage = v.tag(p.Place)
			servicers -= own[i].Members
		}
		all = append(all, own...)
	}
	return all, nil
}

// History reads the series of each vantage point, all in the same steps. They are never merged: the way to a servicer is part
// of what they show. Errors: *StepError, *SpanError.
func (v *Vantages) History(ctx context.Context, filter HistoryFilter) (api.History, error) {
	all := &History{store: histories(v.points), now: v.now}
	span, err := all.span(filter)
	if err != nil {
		return api.History{}, err
	}
	merged := newHistoryMaker(span).history()
	merged.Servicer, merged.RelayChain, merged.GeoZone = filter.Servicer, filter.RelayChain, filter.GeoZone
	merged.Oldest = all.oldest()
	same := HistoryFilter{Filter: filter.Filter, From: merged.From, To: merged.To, Step: time.Duration(span.step)}
	points := 0
	for _, p := range v.points {
		if p.history == nil {
			continue
		}
		own, err := p.history.Read(ctx, same)
		if err != nil {
			return api.History{}, fmt.Errorf("%s: %w", p.Place, err)
		}
		for i := range own.Series {
			points += len(own.Series[i].Points)
			own.Series[i].Vantage = v.tag(p.Place)
		}
		for i := range own.Checks {
			own.Checks[i].Vantage = v.tag(p.Place)
		}
		if points > MaximumPoints {
			return api.History{}, &StepError{Fits: all.fits(span, filter.Filter)}
		}
		merged.Series, merged.Checks = append(merged.Series, own.Series...), append(merged.Checks, own.Checks...)
	}
	slices.SortStableFunc(merged.Series, bySeries)
	slices.SortStableFunc(merged.Checks, func(a, b api.HistoryChecks) int {
		return cmp.Or(cmp.Compare(a.RelayChain, b.RelayChain), cmp.Compare(a.GeoZone, b.GeoZone), cmp.Compare(a.Vantage, b.Vantage))
	})
	return merged, nil
}

// histories are those of several vantage points as far as an answer's span depends on them.
type histories []*point

// Rollups reads nothing: each vantage point's are read by itself.
func (histories) Rollups(context.Context, rollup.Resolution, int64, int64, rollup.Filter, func() rollup.Visitor) error {
	return nil
}

// HistoryBounds returns from which moment on rollups of all vantage points are complete, and when the oldest of any begins.
func (h histories) HistoryBounds(r rollup.Resolution) (covers, oldest int64) {
	for _, p := range h {
		if p.history == nil {
			continue
		}
		own, first := p.history.store.HistoryBounds(r)
		covers = max(covers, own)
		if first > 0 && (oldest == 0 || first < oldest) {
			oldest = first
		}
	}
	return covers, oldest
}

// CountSeries returns how many series there are at all vantage points.
func (h histories) CountSeries(filter rollup.Filter) (series int) {
	for _, p := range h {
		if p.history != nil {
			series += p.history.store.CountSeries(filter)
		}
	}
	return series
}

func bySeries(a, b api.HistorySeries) int {
	return cmp.Or(cmp.Compare(a.RelayChain, b.RelayChain), cmp.Compare(a.GeoZone, b.GeoZone), cmp.Compare(a.Servicer, b.Servicer),
		cmp.Compare(a.Vantage, b.Vantage))
}
