package rpc

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// bytesOfPoint is about what a point takes.
const bytesOfPoint = 640

// encodeHistory encodes history as encode does, several times as fast: of tens of thousands of points most time would go into
// that. A test holds it against encoding/json.
func encodeHistory(history api.History) (encoded, error) {
	points := 0
	for _, series := range history.Series {
		points += len(series.Points)
	}
	text := make([]byte, 0, 4096+bytesOfPoint*(points+len(history.Series)))
	series := history.Series
	history.Series = nil
	outer, err := json.Marshal(history)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	const none = `"series":null`
	before, after, found := strings.Cut(string(outer), none)
	if !found {
		return nil, fmt.Errorf("encode answer: no series in %.100s", outer)
	}
	text = append(text, before...)
	text = append(text, `"series":[`...)
	for i, s := range series {
		if i > 0 {
			text = append(text, ',')
		}
		if text, err = appendSeries(text, s); err != nil {
			return nil, fmt.Errorf("encode answer: %w", err)
		}
	}
	text = append(text, ']')
	text = append(text, after...)
	return append(text, '\n'), nil
}

// appendSeries appends a series as JSON.
func appendSeries(text []byte, series api.HistorySeries) ([]byte, error) {
	head, err := json.Marshal(struct {
		Servicer   string `json:"servicer"`
		RelayChain string `json:"relay_chain"`
		GeoZone    string `json:"geo_zone"`
		ServiceURL string `json:"service_url"`
		Vantage    string `json:"vantage,omitempty"`
	}{series.Servicer, series.RelayChain, series.GeoZone, series.ServiceURL, series.Vantage})
	if err != nil {
		return nil, err
	}
	text = append(text, head[:len(head)-1]...)
	text = append(text, `,"total":`...)
	text = appendPoint(text, &series.Total)
	text = append(text, `,"points":[`...)
	for i := range series.Points {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendPoint(text, &series.Points[i])
	}
	return append(text, "]}"...), nil
}

// appendPoint appends a point as JSON.
func appendPoint(text []byte, p *api.HistoryPoint) []byte {
	text = p.From.AppendFormat(append(text, `{"from":"`...), time.RFC3339Nano)
	text = p.To.AppendFormat(append(text, `","to":"`...), time.RFC3339Nano)
	text = append(text, '"')
	text = appendInt(text, "checks", p.Checks)
	text = appendInt(text, "samples", p.Samples)
	text = appendInt(text, "null_samples", p.NullSamples)
	text = appendInt(text, "void", p.Void)
	text = append(text, `,"outcomes":{`...)
	for i, label := range slices.Sorted(maps.Keys(p.Outcomes)) {
		if i > 0 {
			text = append(text, ',')
		}
		name, _ := json.Marshal(label) // of a text it never fails
		text = strconv.AppendInt(append(append(text, name...), ':'), int64(p.Outcomes[label]), 10)
	}
	text = append(text, `},"availability":{`...)
	text = append(appendInterval(text, p.Availability), `},"rtt_ms":{`...)
	times := &p.RoundTripTimes
	for i, quantile := range []struct {
		name  string
		value *float64
	}{{`"p10":`, times.P10}, {`"p25":`, times.P25}, {`"p50":`, times.P50}, {`"p75":`, times.P75}, {`"p90":`, times.P90}, {`"p99":`, times.P99}} {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendFloat(append(text, quantile.name...), quantile.value)
	}
	text = append(text, `,"connections":`...)
	if times.Connections == nil {
		text = append(text, "null"...)
	} else {
		text = append(append(append(text, '"'), *times.Connections...), '"')
	}
	text = append(appendInt(text, "samples", times.Samples), '}')
	text = appendInt(text, "over_sla", p.OverSLA)
	text = appendFloat(append(text, `,"latency_sla_ms":`...), p.LatencySLA)
	text = strconv.AppendInt(append(text, `,"consistency":{"agree":`...), int64(p.Consistency.Agree), 10)
	text = appendInt(text, "disagree", p.Consistency.Disagree)
	text = appendInt(text, "undecidable", p.Consistency.Undecidable)
	text = appendInterval(append(text, ','), p.Consistency.Interval)
	text = strconv.AppendInt(append(text, `},"freshness":{"claims":`...), int64(p.Freshness.Claims), 10)
	text = appendInt(text, "behind", p.Freshness.Behind)
	text = appendWhole(append(text, `,"lag_blocks_max":`...), p.Freshness.LagBlocksMax)
	text = appendWhole(append(text, `,"lag_blocks_median":`...), p.Freshness.LagBlocksMedian)
	text = appendFloat(append(text, `,"lag_ms_max":`...), p.Freshness.LagMSMax)
	return append(appendInt(append(text, '}'), "throttled", p.Throttled), '}')
}

// appendInterval appends the fields of an interval.
func appendInterval(text []byte, interval api.Interval) []byte {
	text = appendFloat(append(text, `"value":`...), interval.Value)
	text = appendFloat(append(text, `,"low":`...), interval.Low)
	return appendFloat(append(text, `,"high":`...), interval.High)
}

// appendInt appends a further field.
func appendInt(text []byte, name string, value int) []byte {
	text = append(append(append(text, ',', '"'), name...), '"', ':')
	return strconv.AppendInt(text, int64(value), 10)
}

func appendWhole(text []byte, value *int64) []byte {
	if value == nil {
		return append(text, "null"...)
	}
	return strconv.AppendInt(text, *value, 10)
}

// appendFloat appends a number as encoding/json does.
func appendFloat(text []byte, value *float64) []byte {
	switch {
	case value == nil:
		return append(text, "null"...)
	case *value == 0 || math.Abs(*value) >= 1e-6 && math.Abs(*value) < 1e21:
		return strconv.AppendFloat(text, *value, 'f', -1, 64)
	}
	written, err := json.Marshal(*value)
	if err != nil { // not a number
		return append(text, "null"...)
	}
	return append(text, written...)
}
