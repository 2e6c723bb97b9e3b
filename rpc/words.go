package rpc

import (
	"slices"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// countOutcomes adds the counts by word to a report.
func countOutcomes(report api.Report) api.Report {
	report.Sessions = altered(report.Sessions, func(session *api.SessionReport) {
		session.Servicers = altered(session.Servicers, func(row *api.ServicerReport) { row.OutcomeCounts = row.Outcomes.Counts() })
	})
	report.Rolling = altered(report.Rolling, func(rolling *api.RollingReport) {
		rolling.Servicers = altered(rolling.Servicers, func(row *api.RollingServicer) { row.OutcomeCounts = row.Outcomes.Counts() })
	})
	return report
}

// countWindowOutcomes does it in a report over windows.
func countWindowOutcomes(report api.WindowsReport) api.WindowsReport {
	report.Windows = altered(report.Windows, func(window *api.WindowReport) {
		window.Servicers = altered(window.Servicers, func(row *api.WindowServicer) { row.OutcomeCounts = row.Outcomes.Counts() })
	})
	return report
}

// altered returns a copy of items in which each is altered. Reports are shared, so they stay as they are.
func altered[T any](items []T, alter func(*T)) []T {
	items = slices.Clone(items)
	for i := range items {
		alter(&items[i])
	}
	return items
}
