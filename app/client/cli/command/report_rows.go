package command

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// ReportHeader names the columns of the CSV form. Scripts depend on it: columns are only ever added at the end.
var ReportHeader = slices.Concat([]string{
	"session_id", "session_height", "relay_chain", "geo_zone", "application",
	"checks_planned", "checks_done", "checks_dropped", "checks_void", "max_skew_us", "complete",
	"servicer", "service_url", "samples", "null_samples", "null_indices", "void",
}, csvMeasures, csvFreshness, []string{"max_lag", "lagging_allowed", "disagreements_allowed"},
	csvStanding, []string{"catalogue", "started", "ended"}, csvOwner, []string{"from", "to"})

// csvMeasures are the columns that rows of sessions and of windows end with.
var csvMeasures = []string{
	"availability", "availability_low", "availability_high",
	"rtt_p10_ms", "rtt_p25_ms", "rtt_p50_ms", "rtt_p75_ms", "rtt_p90_ms", "rtt_p99_ms", "over_sla",
	"agree", "disagree", "undecidable", "consistency", "consistency_low", "consistency_high",
	"outcomes", "verdict", "reason", "rtt_connections", "rtt_samples", "rank",
}

// csvFreshness are the columns of head claims.
var csvFreshness = []string{"claims", "claims_behind", "lag_blocks_max", "lag_blocks_median", "lag_ms_max"}

// csvStanding are the columns of what is known of a servicer beside its samples, and of those that count for nobody.
var csvStanding = []string{"throttled", "standing", "chain_identity", "client_version"}

// csvOwner are the columns of whose a servicer is.
var csvOwner = []string{"owner", "stake_upokt"}

// ReportRows has one row for each servicer of each session. Absent values are empty, numbers have a decimal point
// and no exponent, and a text that a spreadsheet would take for a formula is preceded by an apostrophe.
func ReportRows(report api.Report) [][]string {
	rows := [][]string{ReportHeader}
	var places []string
	for _, session := range report.Sessions {
		for _, servicer := range session.Servicers {
			rows = append(rows, slices.Concat(sessionFields(session), servicerFields(servicer), measureFields(servicer),
				freshnessFields(servicer.Freshness), ruleFields(session), standingFields(servicer),
				[]string{CSVText(api.Value(session.Catalogue)), csvTime(session.Started), csvTime(session.Ended)}, ownerFields(servicer),
				[]string{csvTime(session.From), csvTime(session.To)}))
			places = append(places, session.Vantage)
		}
	}
	return withPlaces(rows, places)
}

func sessionFields(session api.SessionReport) []string {
	return []string{
		CSVText(session.ID), strconv.FormatInt(session.Height, 10), CSVText(session.RelayChain), CSVText(session.GeoZone),
		CSVText(session.Application), strconv.Itoa(session.ChecksPlanned), strconv.Itoa(session.ChecksDone),
		strconv.Itoa(session.ChecksDropped), strconv.Itoa(session.ChecksVoid), csvWhole(session.MaxSkewMicros), strconv.FormatBool(session.Complete),
	}
}

func servicerFields(servicer api.ServicerReport) []string {
	return []string{
		CSVText(servicer.Servicer), CSVText(servicer.ServiceURL), strconv.Itoa(servicer.Samples),
		strconv.Itoa(servicer.NullSamples), csvIndices(servicer.NullIndices), strconv.Itoa(servicer.Void),
	}
}

// measureFields are the values of csvMeasures.
func measureFields(servicer api.ServicerReport) []string {
	times, consistency := servicer.RoundTripTimes, servicer.Consistency
	return []string{
		csvNumber(servicer.Availability.Value), csvNumber(servicer.Availability.Low), csvNumber(servicer.Availability.High),
		csvNumber(times.P10), csvNumber(times.P25), csvNumber(times.P50), csvNumber(times.P75), csvNumber(times.P90),
		csvNumber(times.P99), strconv.Itoa(servicer.OverSLA),
		strconv.Itoa(consistency.Agree), strconv.Itoa(consistency.Disagree), strconv.Itoa(consistency.Undecidable),
		csvNumber(consistency.Value), csvNumber(consistency.Low), csvNumber(consistency.High),
		csvCounts(servicer.Outcomes), CSVText(string(servicer.Verdict)), CSVText(servicer.Reason),
		csvConnections(times.Connections), strconv.Itoa(times.Samples), csvWhole(servicer.Rank),
	}
}

// freshnessFields are the values of csvFreshness.
func freshnessFields(freshness api.Freshness) []string {
	return []string{strconv.Itoa(freshness.Claims), strconv.Itoa(freshness.Behind), csvWhole(freshness.LagBlocksMax),
		csvWhole(freshness.LagBlocksMedian), csvNumber(freshness.LagMSMax)}
}

// ruleFields are the rules that a session is judged by and that came later than the other columns.
func ruleFields(session api.SessionReport) []string {
	return []string{strconv.FormatInt(session.MaxLag, 10), strconv.Itoa(session.LaggingAllowed), strconv.Itoa(session.DisagreementsAllowed)}
}

// standingFields are the values of csvStanding.
func standingFields(servicer api.ServicerReport) []string {
	return []string{strconv.Itoa(servicer.Throttled), CSVText(string(servicer.Standing)),
		CSVText(api.Value(servicer.ChainIdentity)), CSVText(api.Value(servicer.ClientVersion))}
}

// ownerFields are the values of csvOwner.
func ownerFields(servicer api.ServicerReport) []string {
	return []string{CSVText(api.Value(servicer.Owner)), CSVText(api.Value(servicer.StakeUPOKT))}
}

func csvConnections(connections *api.Connections) string {
	if connections == nil {
		return ""
	}
	return CSVText(string(*connections))
}

func csvWhole[T int | int64](value *T) string {
	if value == nil {
		return ""
	}
	return strconv.FormatInt(int64(*value), 10)
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

// csvCounts is "CONNECT=1;OK=9", ordered by label.
func csvCounts[T ~string](counts map[T]int) string {
	texts := make([]string, 0, len(counts))
	for _, label := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, string(label)+"="+strconv.Itoa(counts[label]))
	}
	return CSVText(strings.Join(texts, ";"))
}

// WindowHeader names the columns of a window's CSV form. Columns are only ever added at the end.
var WindowHeader = slices.Concat([]string{
	"window", "rtt_relative_error", "relay_chain", "geo_zone", "applications", "window_sessions", "sessions_left_out",
	"first_height", "last_height", "from", "to", "checks_planned", "checks_done", "checks_dropped", "checks_void", "max_skew_us",
	"servicer", "service_url", "sessions", "verdicts", "samples", "null_samples", "void", "null_samples_allowed", "samples_required",
}, csvMeasures, csvFreshness, []string{"lagging_allowed", "disagreements_allowed"}, csvStanding, []string{"started", "ended"}, csvOwner)

// WindowRows has one row for each servicer of each window, in the form of ReportRows, and below it one for each of several
// vantage points.
func WindowRows(report api.WindowsReport) [][]string {
	rows := [][]string{WindowHeader}
	var places []*api.RowVantage
	add := func(window api.WindowReport, servicer api.WindowServicer, row api.ServicerReport, place *api.RowVantage) {
		rows = append(rows, slices.Concat(windowFields(report, window), windowServicerFields(servicer), measureFields(row),
			freshnessFields(row.Freshness), []string{strconv.Itoa(servicer.LaggingAllowed), strconv.Itoa(servicer.DisagreementsAllowed)},
			standingFields(row), []string{csvTime(window.Started), csvTime(window.Ended)}, ownerFields(row)))
		places = append(places, place)
	}
	for _, window := range report.Windows {
		for _, servicer := range window.Servicers {
			row := terminal.WindowRow(servicer)
			add(window, servicer, row, nil)
			for i, v := range servicer.Vantages {
				of := api.WindowServicer{Servicer: servicer.Servicer, ServiceURL: servicer.ServiceURL, Samples: v.Samples, NullSamples: v.NullSamples, Void: v.Void}
				add(window, of, placeRow(v, row), &servicer.Vantages[i])
			}
		}
	}
	return withVantages(rows, places)
}

func windowFields(report api.WindowsReport, window api.WindowReport) []string {
	return []string{
		CSVText(report.Window), csvNumber(&report.RelativeError), CSVText(window.RelayChain), CSVText(window.GeoZone),
		CSVText(strings.Join(window.Applications, ";")), strconv.Itoa(window.Sessions), strconv.Itoa(window.SessionsLeftOut),
		csvWhole(window.FirstHeight), csvWhole(window.LastHeight), csvTime(window.From), csvTime(window.To),
		strconv.Itoa(window.ChecksPlanned), strconv.Itoa(window.ChecksDone), strconv.Itoa(window.ChecksDropped),
		strconv.Itoa(window.ChecksVoid), csvWhole(window.MaxSkewMicros),
	}
}

func windowServicerFields(servicer api.WindowServicer) []string {
	return []string{
		CSVText(servicer.Servicer), CSVText(servicer.ServiceURL), strconv.Itoa(servicer.Sessions), csvCounts(servicer.Verdicts),
		strconv.Itoa(servicer.Samples), strconv.Itoa(servicer.NullSamples), strconv.Itoa(servicer.Void),
		strconv.Itoa(servicer.NullSamplesAllowed), strconv.Itoa(servicer.SamplesRequired),
	}
}

func csvTime(moment *time.Time) string {
	if moment == nil {
		return ""
	}
	return moment.Format(time.RFC3339Nano)
}
