package terminal

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// WindowsText lays out windows for a person: a table for each, its worst servicer first.
func WindowsText(report api.WindowsReport, form Form) string {
	if len(report.Windows) == 0 {
		return "no session sampled yet\n"
	}
	var texts []string
	if len(report.Vantages) > 0 {
		texts = append(texts, VantagesText(report.Vantages, form))
	}
	for _, window := range report.Windows {
		rows := make([]api.ServicerReport, 0, len(window.Servicers))
		for _, servicer := range window.Servicers {
			row := WindowRow(servicer)
			row.Reason = fmt.Sprintf("%s; healthy in %d of %d sessions", row.Reason, servicer.Verdicts[api.VerdictHealthy], servicer.Sessions)
			rows = append(rows, row)
		}
		texts = append(texts, windowHeading(report, window, form)+servicerTable(api.SessionReport{Servicers: rows, Started: window.Started}, form))
	}
	return strings.Join(texts, "\n")
}

// windowHeading says which sessions were merged and what became of their checks.
func windowHeading(report api.WindowsReport, window api.WindowReport, form Form) string {
	if window.Started != nil {
		return form.laid(strings.Join(append([]string{
			fmt.Sprintf("window %s, group %s: complete sessions %d, left out %d", Clean(report.Window), Clean(window.RelayChain), window.Sessions, window.SessionsLeftOut),
			fmt.Sprintf("from %s to %s", window.Started.Format(time.RFC3339), api.Value(window.Ended).Format(time.RFC3339)),
		}, windowChecks(report, window)...), "\n") + "\n")
	}
	lines := []string{
		fmt.Sprintf("window %s, %s: complete sessions %d, applications %d, left out %d", Clean(report.Window),
			whereabouts(window.RelayChain, window.GeoZone), window.Sessions, len(window.Applications), window.SessionsLeftOut),
	}
	if window.FirstHeight != nil && window.LastHeight != nil && window.From != nil && window.To != nil {
		lines = append(lines, fmt.Sprintf("heights %d to %d, %s to %s", *window.FirstHeight, *window.LastHeight,
			window.From.Format(time.RFC3339), window.To.Format(time.RFC3339)))
	}
	return form.laid(strings.Join(append(lines, windowChecks(report, window)...), "\n") + "\n")
}

// windowChecks says what became of the checks, and how exact the times are.
func windowChecks(report api.WindowsReport, window api.WindowReport) []string {
	return []string{
		fmt.Sprintf("checks  %d planned: %d done, %d dropped, %d void; largest skew %s", window.ChecksPlanned, window.ChecksDone,
			window.ChecksDropped, window.ChecksVoid, skewText(window.MaxSkewMicros)),
		fmt.Sprintf("times   within %s %% of the exact quantiles", strconv.FormatFloat(100*report.RelativeError, 'g', 3, 64)),
	}
}

// WindowRow returns a row of a window in the form of a session's, without the indices of null samples.
func WindowRow(servicer api.WindowServicer) api.ServicerReport {
	return api.ServicerReport{
		Servicer:       servicer.Servicer,
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
		Freshness:      servicer.Freshness,
		Throttled:      servicer.Throttled,
		Standing:       servicer.Standing,
		ChainIdentity:  servicer.ChainIdentity,
		ClientVersion:  servicer.ClientVersion,
		Owner:          servicer.Owner,
		StakeUPOKT:     servicer.StakeUPOKT,
		Vantages:       servicer.Vantages,
	}
}
