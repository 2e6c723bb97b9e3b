package terminal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// RollingText lays out rolling verdicts for a person: a table for each relay chain and geo zone, its worst servicer first.
func RollingText(reports []api.RollingReport, form Form) string {
	var texts []string
	for _, report := range reports {
		rows := make([]api.ServicerReport, 0, len(report.Servicers))
		for _, servicer := range report.Servicers {
			row := RollingRow(servicer)
			if !servicer.Running {
				row.Reason += "; in no open session"
			}
			rows = append(rows, row)
		}
		session := api.SessionReport{Servicers: rows}
		if report.GeoZone == "" && !ofSuppliers(session) {
			session.Started = new(time.Time) // as the sessions of targets are
		}
		texts = append(texts, form.fit(rollingHeading(report)+"\n")+servicerTable(session, form))
	}
	return strings.Join(texts, "\n")
}

// rollingHeading says which checks are summed up.
func rollingHeading(report api.RollingReport) string {
	running := 0
	for _, servicer := range report.Servicers {
		if servicer.Running {
			running++
		}
	}
	return fmt.Sprintf("now, %s\nchecks  the newest of each, %d at most, within %s; %d of %d in an open session",
		whereabouts(report.RelayChain, report.GeoZone), report.Checks, shortDuration(report.MaxAgeSeconds), running, len(report.Servicers))
}

// shortDuration is a duration in Go's form without the zeros at its end.
func shortDuration(seconds float64) string {
	text := time.Duration(seconds * float64(time.Second)).String()
	for _, zero := range []struct{ end, rest string }{{"m0s", "m"}, {"h0m", "h"}} {
		if strings.HasSuffix(text, zero.end) {
			text = strings.TrimSuffix(text, zero.end) + zero.rest
		}
	}
	return text
}

// RollingRow returns a row of rolling verdicts in the form of a session's, without the indices of null samples.
func RollingRow(servicer api.RollingServicer) api.ServicerReport {
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

// verdictWords is a verdict as people read it.
func verdictWords(verdict api.Verdict) string {
	return strings.ReplaceAll(Clean(string(verdict)), "_", " ")
}

// rollingSummary counts the servicers of a relay chain and zone by their rolling verdict, worst first; empty when there are
// none.
func rollingSummary(reports []api.RollingReport, chain, zone string) string {
	at := slices.IndexFunc(reports, func(r api.RollingReport) bool { return r.RelayChain == chain && r.GeoZone == zone })
	if at < 0 {
		return ""
	}
	var verdicts []api.Verdict
	counts := make(map[api.Verdict]int)
	for _, servicer := range reports[at].Servicers { // worst first
		if counts[servicer.Verdict]++; counts[servicer.Verdict] == 1 {
			verdicts = append(verdicts, servicer.Verdict)
		}
	}
	parts := make([]string, 0, len(verdicts))
	for _, verdict := range verdicts {
		parts = append(parts, fmt.Sprintf("%d %s", counts[verdict], verdictWords(verdict)))
	}
	return fmt.Sprintf("newest %d checks: %s\n", reports[at].Checks, strings.Join(parts, ", "))
}
