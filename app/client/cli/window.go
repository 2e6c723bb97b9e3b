package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
)

// writeWindows writes merged sessions in the form that --output names.
func writeWindows(out io.Writer, report qos.WindowsReport, output string) error {
	switch output {
	case outputJSON:
		return writeJSON(out, report)
	case outputCSV:
		return writeWindowsCSV(out, report)
	default:
		return writeText(out, windowsText(report, formFor(out)))
	}
}

// windowsText lays out windows for a person: a table for each, its worst servicer first.
func windowsText(report qos.WindowsReport, form tableForm) string {
	if len(report.Windows) == 0 {
		return "no session sampled yet\n"
	}
	var texts []string
	for _, window := range report.Windows {
		rows := make([]qos.ServicerReport, 0, len(window.Servicers))
		for _, servicer := range window.Servicers {
			row := measuresOf(servicer)
			row.Reason = fmt.Sprintf("%s; healthy in %d of %d sessions", row.Reason, servicer.Verdicts[qos.Healthy], servicer.Sessions)
			rows = append(rows, row)
		}
		texts = append(texts, windowHeading(report, window, form)+servicerTable(qos.SessionReport{Servicers: rows}, form))
	}
	return strings.Join(texts, "\n")
}

// windowHeading says which sessions were merged and what became of their checks.
func windowHeading(report qos.WindowsReport, window qos.WindowReport, form tableForm) string {
	lines := []string{
		fmt.Sprintf("window %s, chain %s, zone %s: complete sessions %d, applications %d, left out %d", clean(report.Window),
			clean(window.RelayChain), clean(window.GeoZone), window.Sessions, len(window.Applications), window.SessionsLeftOut),
	}
	if window.FirstHeight != nil && window.LastHeight != nil && window.From != nil && window.To != nil {
		lines = append(lines, fmt.Sprintf("heights %d to %d, %s to %s", *window.FirstHeight, *window.LastHeight,
			window.From.Format(time.RFC3339), window.To.Format(time.RFC3339)))
	}
	lines = append(lines,
		fmt.Sprintf("checks  %d planned: %d done, %d dropped, %d void; largest skew %s", window.ChecksPlanned, window.ChecksDone,
			window.ChecksDropped, window.ChecksVoid, skewText(window.MaxSkewMicros)),
		fmt.Sprintf("times   within %s %% of the exact quantiles", strconv.FormatFloat(100*report.RelativeError, 'g', 3, 64)))
	return form.fit(strings.Join(lines, "\n") + "\n")
}

// measuresOf is a row of a window in the form of a session's, without the indices of null samples.
func measuresOf(servicer qos.WindowServicer) qos.ServicerReport {
	return qos.ServicerReport{
		Address:        servicer.Address,
		ServiceURL:     servicer.ServiceURL,
		Samples:        servicer.Samples,
		NullSamples:    servicer.NullSamples,
		Void:           servicer.Void,
		Availability:   servicer.Availability,
		RoundTripTimes: servicer.RoundTripTimes,
		OverSLA:        servicer.OverSLA,
		Consistency:    servicer.Consistency,
		Outcomes:       servicer.Outcomes,
		Verdict:        servicer.Verdict,
		Reason:         servicer.Reason,
		Rank:           servicer.Rank,
	}
}

// csvWindowHeader names the columns of a window's CSV form. Columns are only ever added at the end.
var csvWindowHeader = append([]string{
	"window", "rtt_relative_error", "relay_chain", "geo_zone", "applications", "window_sessions", "sessions_left_out",
	"first_height", "last_height", "from", "to", "checks_planned", "checks_done", "checks_dropped", "checks_void", "max_skew_us",
	"servicer", "service_url", "sessions", "verdicts", "samples", "null_samples", "void", "null_samples_allowed", "samples_required",
}, csvMeasures...)

// writeWindowsCSV writes one row for each servicer of each window, in the form of writeReportCSV.
func writeWindowsCSV(out io.Writer, report qos.WindowsReport) error {
	rows := [][]string{csvWindowHeader}
	for _, window := range report.Windows {
		for _, servicer := range window.Servicers {
			rows = append(rows, slices.Concat(windowFields(report, window), windowServicerFields(servicer), measureFields(measuresOf(servicer))))
		}
	}
	return writeCSV(out, rows)
}

func windowFields(report qos.WindowsReport, window qos.WindowReport) []string {
	return []string{
		csvText(report.Window), csvNumber(&report.RelativeError), csvText(window.RelayChain), csvText(window.GeoZone),
		csvText(strings.Join(window.Applications, ";")), strconv.Itoa(window.Sessions), strconv.Itoa(window.SessionsLeftOut),
		csvWhole(window.FirstHeight), csvWhole(window.LastHeight), csvTime(window.From), csvTime(window.To),
		strconv.Itoa(window.ChecksPlanned), strconv.Itoa(window.ChecksDone), strconv.Itoa(window.ChecksDropped),
		strconv.Itoa(window.ChecksVoid), csvWhole(window.MaxSkewMicros),
	}
}

func windowServicerFields(servicer qos.WindowServicer) []string {
	return []string{
		csvText(servicer.Address), csvText(servicer.ServiceURL), strconv.Itoa(servicer.Sessions), csvCounts(servicer.Verdicts),
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
