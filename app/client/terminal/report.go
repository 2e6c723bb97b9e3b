package terminal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Absent stands in a table where there is no value.
const Absent = "-"

// reportColumn is one column of a servicer's row.
type reportColumn struct {
	header string
	cell   func(api.ServicerReport, Form) string
	// in reports whether a form has the column; nil stands for every form.
	in func(Form) bool
	// spare orders the columns that are left out where lines are too short, the greatest first; one with 0 never is.
	spare int
}

// reportColumns are the columns in order; the reason is the last.
var reportColumns = []reportColumn{
	{header: "", cell: func(s api.ServicerReport, f Form) string { return f.pointer(s) }, in: Form.points},
	{header: verdictHeader, cell: func(s api.ServicerReport, f Form) string { return f.verdict(s.Verdict) }},
	{header: servicerHeader, cell: func(s api.ServicerReport, f Form) string { return f.name(s.Servicer) }},
	{header: "RANK", cell: func(s api.ServicerReport, _ Form) string { return rank(s.Rank) }, in: Form.ranks, spare: 5},
	{header: "SAMPLES", cell: func(s api.ServicerReport, _ Form) string { return strconv.Itoa(s.Samples) }, in: Form.counts, spare: 9},
	{header: "VOID", cell: func(s api.ServicerReport, _ Form) string { return strconv.Itoa(s.Void) }, in: Form.unbounded, spare: 12},
	{header: "THROTTLED", cell: func(s api.ServicerReport, _ Form) string { return strconv.Itoa(s.Throttled) }, in: Form.throttles, spare: 8},
	{header: "AVAILABLE", cell: func(s api.ServicerReport, _ Form) string { return share(s.Availability) }, spare: 1},
	{header: "", cell: func(s api.ServicerReport, _ Form) string { return bar(s.Availability) }, in: Form.bars, spare: 16},
	{header: "P50 ms", cell: func(s api.ServicerReport, _ Form) string { return millis(s.RoundTripTimes.P50) }, spare: 2},
	{header: "P90 ms", cell: func(s api.ServicerReport, _ Form) string { return millis(s.RoundTripTimes.P90) }, in: Form.tails, spare: 6},
	{header: "TIMES", cell: func(s api.ServicerReport, _ Form) string { return timesOf(s.RoundTripTimes) }, in: Form.unbounded, spare: 13},
	{header: "OVER SLA", cell: func(s api.ServicerReport, _ Form) string { return strconv.Itoa(s.OverSLA) }, in: Form.unbounded, spare: 14},
	{header: "AGREED", cell: func(s api.ServicerReport, _ Form) string { return agreed(s.Consistency) }, spare: 4},
	{header: "CONSISTENT", cell: func(s api.ServicerReport, _ Form) string { return share(s.Consistency.Interval) }, in: Form.unbounded, spare: 15},
	{header: "LAG", cell: func(s api.ServicerReport, _ Form) string { return lag(s.Freshness) }, in: Form.roomy, spare: 3},
	{header: "OWNER", cell: func(s api.ServicerReport, f Form) string { return owner(s, f) }, in: Form.owners, spare: 10},
	{header: "STAKE uPOKT", cell: func(s api.ServicerReport, _ Form) string { return orAbsent(s.StakeUPOKT) }, in: Form.owners, spare: 11},
	{header: "NEWEST TIMES", cell: func(s api.ServicerReport, f Form) string { return f.spark(s.Servicer) }, in: Form.sparks, spare: 17},
	{header: "SESSION", cell: func(s api.ServicerReport, f Form) string { return f.beside(s.Servicer) }, in: Form.besides, spare: 10},
	{header: "CHECKS", cell: func(s api.ServicerReport, f Form) string { return f.strip(s.Servicer) }, in: Form.strips, spare: 7},
	{header: whyHeader, cell: func(s api.ServicerReport, _ Form) string { return Clean(s.Reason) }, in: Form.roomy},
}

// verdictHeader heads the column that is painted, servicerHeader that of whom a row is about, whyHeader that of the reason.
const (
	whyHeader      = "WHY"
	verdictHeader  = "VERDICT"
	servicerHeader = "SERVICER"
)

// ReportText lays out a report for a person: what holds now, and a table for each session, oldest first, its worst
// servicer first.
func ReportText(report api.Report, form Form) string {
	if len(report.Sessions) == 0 && len(report.Rolling) == 0 {
		return "no session sampled yet\n"
	}
	var texts []string
	if len(report.Vantages) > 0 {
		texts = append(texts, VantagesText(report.Vantages, form))
	}
	if len(report.Rolling) > 0 {
		texts = append(texts, RollingText(report.Rolling, form))
	}
	for _, session := range report.Sessions {
		texts = append(texts, sessionHeading(session, form)+servicerTable(session, form))
	}
	return strings.Join(texts, "\n")
}

// sessionEnd is what is printed of a session that is complete where there is no terminal.
func sessionEnd(session api.SessionReport) string {
	return sessionHeading(session, Form{whole: true}) + servicerTable(session, Form{whole: true})
}

// sessionHeading says which session it is and what became of its checks.
func sessionHeading(session api.SessionReport, form Form) string {
	state := "running or joined late"
	if session.Complete {
		state = "complete"
	}
	lines := []string{
		sessionName(session, state, form) + atPlace(session),
		fmt.Sprintf("checks  %d planned: %d done, %d dropped, %d void; largest skew %s", session.ChecksPlanned, session.ChecksDone,
			session.ChecksDropped, session.ChecksVoid, skewText(session.MaxSkewMicros)),
	}
	if form.lines <= 0 { // where lines are counted they are the servicers'
		for _, reason := range session.Reasons {
			lines = append(lines, fmt.Sprintf("        %d %s: %s", reason.Checks, Clean(reason.Status), Clean(reason.Text)))
		}
	}
	return form.laid(strings.Join(lines, "\n") + "\n")
}

// sessionName says which session it is: by height on a chain, otherwise by time.
func sessionName(session api.SessionReport, state string, form Form) string {
	if session.Started == nil {
		return fmt.Sprintf("session %s from height %d%s, %s (%s, application %s)", form.id(session.ID), session.Height, sessionTime(session), state,
			whereabouts(session.RelayChain, session.GeoZone), form.name(session.Application))
	}
	name := fmt.Sprintf("session %s from %s to %s, %s (group %s", form.id(session.ID), session.Started.UTC().Format(time.RFC3339),
		api.Value(session.Ended).UTC().Format(time.RFC3339), state, Clean(session.RelayChain))
	if session.Catalogue != nil {
		name += ", questions " + Clean(*session.Catalogue)
	}
	return name + ")"
}

// sessionTime says when a session that is counted in blocks was, as far as that is known: ", 2026-01-02T03:04:05Z to 03:14:05Z".
func sessionTime(session api.SessionReport) string {
	if session.From == nil {
		return ""
	}
	text := ", " + session.From.UTC().Format(time.RFC3339)
	if session.To == nil {
		return text
	}
	form := "15:04:05Z"
	if session.To.UTC().Format(time.DateOnly) != session.From.UTC().Format(time.DateOnly) {
		form = time.RFC3339
	}
	return text + " to " + session.To.UTC().Format(form)
}

// whereabouts says where sessions that are counted in blocks are: on a relay chain in a zone, or, where there are no zones, of a group.
func whereabouts(relayChain, geoZone string) string {
	if geoZone == "" {
		return "group " + Clean(relayChain)
	}
	return fmt.Sprintf("chain %s, zone %s", Clean(relayChain), Clean(geoZone))
}

// servicerTable has a row for each servicer, worst first, as the report orders them. Where lines are short, the reasons
// of all but the healthy ones follow below their rows.
func servicerTable(session api.SessionReport, form Form) string {
	form = form.of(session)
	shown := session.Servicers
	if form.lines > 0 {
		shown = shown[:min(form.lines, len(shown))] // each takes one line at least
	}
	rows, servicers := unfolded(shown)
	table := form.blocks(rows, Form.explains)
	var text strings.Builder
	text.WriteString(table.head + "\n")
	taken, drawn := 0, 0
	for _, block := range together(table.blocks, servicers) {
		if taken += len(block); form.lines > 0 && drawn > 0 && taken > form.lines {
			break
		}
		text.WriteString(strings.Join(block, "\n") + "\n")
		drawn++
	}
	if hidden := len(session.Servicers) - drawn; hidden > 0 {
		fmt.Fprintf(&text, "and %d more, none of them worse\n", hidden)
	}
	return form.fit(text.String())
}

func skewText(micros *int64) string {
	if micros == nil {
		return Absent
	}
	return strconv.FormatInt(*micros, 10) + " µs"
}

// agreed shows how many of the answers that could be compared were the majority's: "9 of 10".
func agreed(consistency api.Consistency) string {
	decidable := consistency.Agree + consistency.Disagree
	if decidable == 0 {
		return Absent
	}
	return fmt.Sprintf("%d of %d", consistency.Agree, decidable)
}

// share shows an estimated share with its 95 % interval, in percent: "90% (60-98)".
func share(interval api.Interval) string {
	if interval.Value == nil || interval.Low == nil || interval.High == nil {
		return Absent
	}
	return fmt.Sprintf("%.0f%% (%.0f-%.0f)", 100**interval.Value, 100**interval.Low, 100**interval.High)
}

// barWidth is how many cells a bar has.
const barWidth = 10

// bar draws a share with its 95 % interval: full up to the lower bound, shaded up to the upper one.
func bar(interval api.Interval) string {
	if interval.Low == nil || interval.High == nil {
		return strings.Repeat("░", barWidth)
	}
	low := int(math.Round(barWidth * *interval.Low))
	high := max(int(math.Round(barWidth**interval.High)), low)
	return strings.Repeat("█", low) + strings.Repeat("▒", high-low) + strings.Repeat("░", barWidth-high)
}

// rank is shared by servicers that cannot be told apart; those that are unknown have none.
func rank(rank *int) string {
	if rank == nil {
		return Absent
	}
	return strconv.Itoa(*rank)
}

// timesOf says how many answers the round-trip times are of, and on which connections: "9 warm".
func timesOf(times api.RoundTripTimes) string {
	if times.Connections == nil {
		return Absent
	}
	return fmt.Sprintf("%d %s", times.Samples, Clean(string(*times.Connections)))
}

// lag shows by how many blocks a servicer's node was behind at most.
func lag(freshness api.Freshness) string {
	if freshness.LagBlocksMax == nil {
		return Absent
	}
	return strconv.FormatInt(*freshness.LagBlocksMax, 10)
}

// owner is whose a supplier is.
func owner(servicer api.ServicerReport, form Form) string {
	if servicer.Owner == nil {
		return Absent
	}
	return form.name(*servicer.Owner)
}

func millis(value *float64) string {
	if value == nil {
		return Absent
	}
	return strconv.FormatFloat(*value, 'f', 1, 64)
}

// verdictStyle paints with the terminal's own sixteen colours, which follow its theme.
func verdictStyle(verdict api.Verdict) lipgloss.Style {
	style := lipgloss.NewStyle()
	switch verdict {
	case api.VerdictInconsistent:
		return style.Bold(true).Foreground(lipgloss.Magenta)
	case api.VerdictUnavailable:
		return style.Bold(true).Foreground(lipgloss.Red)
	case api.VerdictBehind, api.VerdictSlow:
		return style.Foreground(lipgloss.Yellow)
	case api.VerdictHealthy:
		return style.Foreground(lipgloss.Green)
	default:
		return style.Faint(true)
	}
}

// StoreWarning is one line on what a reader of a report should know of the store that it is made from; empty when all is
// well.
func StoreWarning(store *api.Store) string {
	warning := ""
	switch {
	case store == nil:
		return ""
	case !store.Durable:
		warning = fmt.Sprintf("samples since %s are held in memory only and would be lost in a crash: %s", api.Value(store.Since).Format(time.RFC3339), Clean(api.Value(store.Reason)))
	case store.SetAside != nil:
		warning = "the sample store was damaged; what could not be read of it is in " + Clean(*store.SetAside)
	case store.UnreadableSessions > 0:
		warning = "the sample store is damaged"
	}
	if store.UnreadableSessions > 0 {
		warning += fmt.Sprintf("; %d sessions cannot be read and are missing below", store.UnreadableSessions)
	}
	if warning == "" {
		return ""
	}
	return "warning: " + warning + "\n"
}
