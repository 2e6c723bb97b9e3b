package rpc

import (
	"context"
	"fmt"
	"time"

	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// history answers GET /v1/qos/history.
func (s *Server) history(ctx context.Context, parameters query) (any, error) {
	filter, err := parameters.history(s.network.Identifiers)
	if err != nil {
		return nil, err
	}
	if err := s.measures(); err != nil {
		return nil, err
	}
	if s.readers.History == nil {
		return nil, ErrNoFisherman
	}
	history, err := s.readers.History(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return encodeHistory(history)
}

// history is what a request for history asks for, in the identifiers of a network.
func (q query) history(of Identifiers) (filter samples.HistoryFilter, err error) {
	for name, wanted := range map[string]struct {
		check func(string) error
		to    **string
	}{"servicer": {of.Servicer, &filter.Servicer}, "relay_chain": {of.RelayChain, &filter.RelayChain}, "geo_zone": {short(types.ValidateGeoZone), &filter.GeoZone}} {
		value, err := q.optional(name, wanted.check)
		if err != nil {
			return filter, err
		}
		if value != "" {
			*wanted.to = &value
		}
	}
	if filter.From, err = q.moment("from"); err != nil {
		return filter, err
	}
	if filter.To, err = q.moment("to"); err != nil {
		return filter, err
	}
	if filter.Last, err = q.length("last", rollup.ParseSpan); err != nil {
		return filter, err
	}
	if filter.Last > 0 && !filter.From.IsZero() {
		return filter, badParameter("from and last exclude each other")
	}
	filter.Step, err = q.length("step", rollup.ParseStep)
	return filter, err
}

// moment is the value of an optional parameter that is a time; the zero time when it is not given.
func (q query) moment(name string) (time.Time, error) {
	value, given := q[name]
	if !given {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil || at.Year() < 1970 || at.Year() > 2200 {
		return time.Time{}, badParameter("%s: %s is not a time from 1970 to 2200, as in 2026-01-31T12:00:00Z", name, shown(value))
	}
	return at, nil
}

// length is the value of an optional parameter that is a stretch of time; 0 when it is not given.
func (q query) length(name string, parse func(string) (time.Duration, error)) (time.Duration, error) {
	value, given := q[name]
	if !given {
		return 0, nil
	}
	length, err := parse(value)
	if err != nil {
		return 0, badParameter("%s: %s: %v", name, shown(value), err)
	}
	return length, nil
}
