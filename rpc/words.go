package rpc

import (
	"slices"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// countOutcomes adds the counts by word to a report. Reports are shared, so the rows are copied.
func countOutcomes(report api.Report) api.Report {
	report.Sessions = slices.Clone(report.Sessions)
	for i := range report.Sessions {
		rows := slices.Clone(report.Sessions[i].Servicers)
		for j := range rows {
			rows[j].OutcomeCounts = rows[j].Outcomes.Counts()
		}
		report.Sessions[i].Servicers = rows
	}
	report.Rolling = slices.Clone(report.Rolling)
	for i := range report.Rolling {
		rows := slices.Clone(report.Rolling[i].Servicers)
		for j := range rows {
			rows[j].OutcomeCounts = rows[j].Outcomes.Counts()
		}
		report.Rolling[i].Servicers = rows
	}
	return report
}

// countWindowOutcomes does it in a report over windows.
func countWindowOutcomes(report api.WindowsReport) api.WindowsReport {
	report.Windows = slices.Clone(report.Windows)
	for i := range report.Windows {
		rows := slices.Clone(report.Windows[i].Servicers)
		for j := range rows {
			rows[j].OutcomeCounts = rows[j].Outcomes.Counts()
		}
		report.Windows[i].Servicers = rows
	}
	return report
}
