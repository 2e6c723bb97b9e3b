package cli

import (
	"fmt"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/qos"
)

// absent stands in a table where there is no value.
const absent = "-"

// reportColumn is one column of a servicer's row.
type reportColumn struct {
	header string
	cell   func(qos.ServicerReport, tableForm) string
	// whole columns are left out where lines have to fit a terminal, wide ones only where it is narrow.
	whole, wide bool
}

// reportColumns are the columns in order; the verdict is the first, the reason the last.
var reportColumns = []reportColumn{
	{header: "VERDICT", cell: func(s qos.ServicerReport, _ tableForm) string { return clean(string(s.Verdict)) }},
	{header: "SERVICER", cell: func(s qos.ServicerReport, f tableForm) string { return f.id(s.Address) }},
	{header: "RANK", cell: func(s qos.ServicerReport, _ tableForm) string { return rank(s.Rank) }, wide: true},
	{header: "SAMPLES", cell: func(s qos.ServicerReport, _ tableForm) string { return strconv.Itoa(s.Samples) }},
	{header: "VOID", cell: func(s qos.ServicerReport, _ tableForm) string { return strconv.Itoa(s.Void) }, whole: true},
	{header: "AVAILABLE", cell: func(s qos.ServicerReport, _ tableForm) string { return share(s.Availability) }},
	{header: "P50 ms", cell: func(s qos.ServicerReport, _ tableForm) string { return millis(s.RoundTripTimes.P50) }},
	{header: "P90 ms", cell: func(s qos.ServicerReport, _ tableForm) string { return millis(s.RoundTripTimes.P90) }},
	{header: "TIMES", cell: func(s qos.ServicerReport, _ tableForm) string { return timesOf(s.RoundTripTimes) }, whole: true},
	{header: "OVER SLA", cell: func(s qos.ServicerReport, _ tableForm) string { return strconv.Itoa(s.OverSLA) }, whole: true},
	{header: "AGREED", cell: func(s qos.ServicerReport, _ tableForm) string { return agreed(s.Consistency) }},
	{header: "CONSISTENT", cell: func(s qos.ServicerReport, _ tableForm) string { return share(s.Consistency.Interval) }, whole: true},
	{header: "WHY", cell: func(s qos.ServicerReport, _ tableForm) string { return clean(s.Reason) }},
}

// verdictColumn is the one that is painted.
const verdictColumn = 0

// reportText lays out a report for a person: a table for each session, oldest first, its worst servicer first.
func reportText(report qos.Report, form tableForm) string {
	if len(report.Sessions) == 0 {
		return "no session sampled yet\n"
	}
	var texts []string
	for _, session := range report.Sessions {
		texts = append(texts, sessionHeading(session, form)+servicerTable(session, form))
	}
	return strings.Join(texts, "\n")
}

// sessionHeading says which session it is and what became of its checks.
func sessionHeading(session qos.SessionReport, form tableForm) string {
	state := "running or joined late"
	if session.Complete {
		state = "complete"
	}
	lines := []string{
		fmt.Sprintf("session %s from height %d, %s (chain %s, zone %s, application %s)", form.id(session.ID), session.Height, state,
			clean(session.RelayChain), clean(session.GeoZone), form.id(session.Application)),
		fmt.Sprintf("checks  %d planned: %d done, %d dropped, %d void; largest skew %s", session.ChecksPlanned, session.ChecksDone,
			session.ChecksDropped, session.ChecksVoid, skewText(session.MaxSkewMicros)),
	}
	if form.lines <= 0 { // where lines are counted they are the servicers'
		for _, reason := range session.Reasons {
			lines = append(lines, fmt.Sprintf("        %d %s: %s", reason.Checks, clean(reason.Status), clean(reason.Text)))
		}
	}
	return form.fit(strings.Join(lines, "\n") + "\n")
}

// servicerTable has a row for each servicer, worst first, as the report orders them. Where lines are short, the reasons
// of all but the healthy ones follow below the rows.
func servicerTable(session qos.SessionReport, form tableForm) string {
	columns := form.columns()
	headers := make([]string, 0, len(columns))
	for _, column := range columns {
		headers = append(headers, column.header)
	}
	shown := session.Servicers[:form.fitting(session.Servicers)]
	rows, reasons := make([][]string, 0, len(shown)), ""
	for _, servicer := range shown {
		row := make([]string, 0, len(columns))
		for _, column := range columns {
			row = append(row, column.cell(servicer, form))
		}
		rows = append(rows, row)
		if form.explains(servicer) {
			reasons += fmt.Sprintf("%s: %s\n", form.id(servicer.Address), clean(servicer.Reason))
		}
	}
	text := renderTable(headers, rows, func(row, column int) lipgloss.Style {
		if form.colour && column == verdictColumn && row >= 0 && row < len(shown) {
			return verdictStyle(shown[row].Verdict)
		}
		return lipgloss.NewStyle()
	})
	if hidden := len(session.Servicers) - len(shown); hidden > 0 {
		text += fmt.Sprintf("and %d more, none of them worse\n", hidden)
	}
	return form.fit(text + reasons)
}

func skewText(micros *int64) string {
	if micros == nil {
		return absent
	}
	return strconv.FormatInt(*micros, 10) + " µs"
}

// agreed shows how many of the answers that could be compared were the majority's: "9 of 10".
func agreed(consistency qos.Consistency) string {
	decidable := consistency.Agree + consistency.Disagree
	if decidable == 0 {
		return absent
	}
	return fmt.Sprintf("%d of %d", consistency.Agree, decidable)
}

// share shows an estimated share with its 95 % interval, in percent: "90% (60-98)".
func share(interval qos.Interval) string {
	if interval.Value == nil || interval.Low == nil || interval.High == nil {
		return absent
	}
	return fmt.Sprintf("%.0f%% (%.0f-%.0f)", 100**interval.Value, 100**interval.Low, 100**interval.High)
}

// rank is shared by servicers that cannot be told apart; those that are unknown have none.
func rank(rank *int) string {
	if rank == nil {
		return absent
	}
	return strconv.Itoa(*rank)
}

// timesOf says how many answers the round-trip times are of, and on which connections: "9 warm".
func timesOf(times qos.RoundTripTimes) string {
	if times.Connections == nil {
		return absent
	}
	return fmt.Sprintf("%d %s", times.Samples, clean(string(*times.Connections)))
}

func millis(value *float64) string {
	if value == nil {
		return absent
	}
	return strconv.FormatFloat(*value, 'f', 1, 64)
}

// verdictStyle paints with the terminal's own sixteen colours, which follow its theme.
func verdictStyle(verdict qos.Verdict) lipgloss.Style {
	style := lipgloss.NewStyle()
	switch verdict {
	case qos.Inconsistent:
		return style.Bold(true).Foreground(lipgloss.Magenta)
	case qos.Unavailable:
		return style.Bold(true).Foreground(lipgloss.Red)
	case qos.Slow:
		return style.Foreground(lipgloss.Yellow)
	case qos.Healthy:
		return style.Foreground(lipgloss.Green)
	default:
		return style.Faint(true)
	}
}
