package client

import (
	"context"
	"net/url"
	"time"

	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// HistoryFilter says what is read of history.
type HistoryFilter struct {
	// Servicer, RelayChain and GeoZone admit only their series; empty ones admit all.
	Servicer, RelayChain, GeoZone string
	// From and To bound the time; the zero To is now.
	From, To time.Time
	// Last is how long before To it begins if From is zero; 0 means 24 hours.
	Last time.Duration
	// Step is how long a point is; 0 leaves that to the node.
	Step time.Duration
}

// History reads the quality of service over time.
func (c *Client) History(ctx context.Context, filter HistoryFilter) (api.History, error) {
	parameters := url.Values{}
	for name, value := range map[string]string{"servicer": filter.Servicer, "relay_chain": filter.RelayChain, "geo_zone": filter.GeoZone} {
		if value != "" {
			parameters.Set(name, value)
		}
	}
	for name, at := range map[string]time.Time{"from": filter.From, "to": filter.To} {
		if !at.IsZero() {
			parameters.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	if filter.Last > 0 {
		parameters.Set("last", filter.Last.String())
	}
	if filter.Step > 0 {
		parameters.Set("step", filter.Step.String())
	}
	return get[api.History](ctx, c, "/v1/qos/history", parameters)
}

// ParseLast reads a stretch of time: "90m", "24h", "30d".
func ParseLast(text string) (time.Duration, error) { return rollup.ParseSpan(text) }

// ParseStep reads how long a point of history is: "5m", "1h", "1d".
func ParseStep(text string) (time.Duration, error) { return rollup.ParseStep(text) }

// StepThatFits returns the shortest step by which a stretch of time has at most a number of points.
func StepThatFits(last time.Duration, points int) time.Duration {
	return rollup.StepThatFits(last, points)
}
