package command

import (
	"slices"
	"strconv"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// HistoryHeader names the columns of the CSV form of history. Columns are only ever added at the end.
var HistoryHeader = slices.Concat([]string{"relay_chain", "geo_zone", "servicer", "service_url", "from", "to", "checks", "samples", "null_samples", "void",
	"throttled", "availability", "availability_low", "availability_high", "rtt_p10_ms", "rtt_p25_ms", "rtt_p50_ms", "rtt_p75_ms",
	"rtt_p90_ms", "rtt_p99_ms", "rtt_connections", "rtt_samples", "latency_sla_ms", "over_sla", "agree", "disagree", "undecidable",
	"consistency", "consistency_low", "consistency_high", "outcomes"}, csvFreshness)

// HistoryRows has one row for each point of each servicer, in the form of ReportRows.
func HistoryRows(history api.History) [][]string {
	rows := [][]string{HistoryHeader}
	var places []string
	for _, series := range history.Series {
		for _, point := range series.Points {
			times, consistency := point.RoundTripTimes, point.Consistency
			rows = append(rows, slices.Concat([]string{CSVText(series.RelayChain), CSVText(series.GeoZone), CSVText(series.Servicer), CSVText(series.ServiceURL),
				csvTime(&point.From), csvTime(&point.To), strconv.Itoa(point.Checks), strconv.Itoa(point.Samples), strconv.Itoa(point.NullSamples),
				strconv.Itoa(point.Void), strconv.Itoa(point.Throttled),
				csvNumber(point.Availability.Value), csvNumber(point.Availability.Low), csvNumber(point.Availability.High),
				csvNumber(times.P10), csvNumber(times.P25), csvNumber(times.P50), csvNumber(times.P75), csvNumber(times.P90), csvNumber(times.P99),
				csvConnections(times.Connections), strconv.Itoa(times.Samples), csvNumber(point.LatencySLA), strconv.Itoa(point.OverSLA),
				strconv.Itoa(consistency.Agree), strconv.Itoa(consistency.Disagree), strconv.Itoa(consistency.Undecidable),
				csvNumber(consistency.Value), csvNumber(consistency.Low), csvNumber(consistency.High), csvCounts(point.Outcomes)},
				freshnessFields(point.Freshness)))
			places = append(places, series.Vantage)
		}
	}
	return withPlaces(rows, places)
}
