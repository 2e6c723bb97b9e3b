package cli

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/qos"
)

// csvHeader names the columns of the CSV form. Scripts depend on it: columns are only ever added at the end.
var csvHeader = []string{
	"session_id", "session_height", "relay_chain", "geo_zone", "application",
	"checks_planned", "checks_done", "checks_dropped", "checks_void", "max_skew_us", "complete",
	"servicer", "service_url", "samples", "null_samples", "null_indices", "void",
	"availability", "availability_low", "availability_high",
	"rtt_p10_ms", "rtt_p25_ms", "rtt_p50_ms", "rtt_p75_ms", "rtt_p90_ms", "rtt_p99_ms", "over_sla",
	"agree", "disagree", "undecidable", "consistency", "consistency_low", "consistency_high",
	"outcomes", "verdict", "reason", "rtt_connections", "rtt_samples", "rank",
}

// writeReportCSV writes one row for each servicer of each session (RFC 4180). Absent values are empty, numbers have a
// decimal point and no exponent, and a text that a spreadsheet would take for a formula is preceded by an apostrophe.
func writeReportCSV(out io.Writer, report qos.Report) error {
	writer := csv.NewWriter(out)
	writer.UseCRLF = true
	_ = writer.Write(csvHeader) // an error stays with the writer until Flush
	for _, session := range report.Sessions {
		for _, servicer := range session.Servicers {
			_ = writer.Write(append(sessionFields(session), servicerFields(servicer)...))
		}
	}
	writer.Flush()
	if err := writer.Error(); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

func sessionFields(session qos.SessionReport) []string {
	skew := ""
	if session.MaxSkewMicros != nil {
		skew = strconv.FormatInt(*session.MaxSkewMicros, 10)
	}
	return []string{
		csvText(session.ID), strconv.FormatInt(session.Height, 10), csvText(session.RelayChain), csvText(session.GeoZone),
		csvText(session.Application), strconv.Itoa(session.ChecksPlanned), strconv.Itoa(session.ChecksDone),
		strconv.Itoa(session.ChecksDropped), strconv.Itoa(session.ChecksVoid), skew, strconv.FormatBool(session.Complete),
	}
}

func servicerFields(servicer qos.ServicerReport) []string {
	times, consistency := servicer.RoundTripTimes, servicer.Consistency
	return []string{
		csvText(servicer.Address), csvText(servicer.ServiceURL), strconv.Itoa(servicer.Samples),
		strconv.Itoa(servicer.NullSamples), csvIndices(servicer.NullIndices), strconv.Itoa(servicer.Void),
		csvNumber(servicer.Availability.Value), csvNumber(servicer.Availability.Low), csvNumber(servicer.Availability.High),
		csvNumber(times.P10), csvNumber(times.P25), csvNumber(times.P50), csvNumber(times.P75), csvNumber(times.P90),
		csvNumber(times.P99), strconv.Itoa(servicer.OverSLA),
		strconv.Itoa(consistency.Agree), strconv.Itoa(consistency.Disagree), strconv.Itoa(consistency.Undecidable),
		csvNumber(consistency.Value), csvNumber(consistency.Low), csvNumber(consistency.High),
		csvOutcomes(servicer.Outcomes), csvText(string(servicer.Verdict)), csvText(servicer.Reason),
		csvConnections(times.Connections), strconv.Itoa(times.Samples), csvRank(servicer.Rank),
	}
}

func csvConnections(connections *qos.Connections) string {
	if connections == nil {
		return ""
	}
	return csvText(string(*connections))
}

func csvRank(rank *int) string {
	if rank == nil {
		return ""
	}
	return strconv.Itoa(*rank)
}

func csvNumber(value *float64) string {
	if value == nil {
		return ""
	}
	return strconv.FormatFloat(*value, 'f', -1, 64)
}

// csvIndices joins with semicolons, so that no list looks like a number with separators.
func csvIndices(indices []uint32) string {
	texts := make([]string, 0, len(indices))
	for _, index := range indices {
		texts = append(texts, strconv.FormatUint(uint64(index), 10))
	}
	return strings.Join(texts, ";")
}

// csvOutcomes is "CONNECT=1;OK=9", ordered by label.
func csvOutcomes(outcomes map[string]int) string {
	texts := make([]string, 0, len(outcomes))
	for _, label := range slices.Sorted(maps.Keys(outcomes)) {
		texts = append(texts, label+"="+strconv.Itoa(outcomes[label]))
	}
	return csvText(strings.Join(texts, ";"))
}

// csvText makes a text fit for a spreadsheet: one line, and never a formula.
func csvText(text string) string {
	text = clean(text)
	if trimmed := strings.TrimLeft(text, " "); trimmed != "" && strings.ContainsRune("=+-@", rune(trimmed[0])) {
		return "'" + text
	}
	return text
}
