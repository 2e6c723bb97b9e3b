package command

import (
	"slices"
	"strconv"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// RollingHeader names the columns of the CSV form of rolling verdicts. Columns are only ever added at the end.
var RollingHeader = slices.Concat([]string{
	"relay_chain", "geo_zone", "checks_at_most", "max_age_seconds", "servicer", "service_url", "asked_at", "running", "checks", "sessions",
	"samples", "null_samples", "void", "null_samples_allowed", "samples_required", "lagging_allowed", "disagreements_allowed",
}, csvMeasures, csvFreshness, csvStanding, csvOwner)

// RollingRows has one row for each servicer, in the form of ReportRows, and below it one for each of several vantage points.
func RollingRows(reports []api.RollingReport) [][]string {
	rows := [][]string{RollingHeader}
	var places []*api.RowVantage
	add := func(report api.RollingReport, servicer api.RollingServicer, row api.ServicerReport, place *api.RowVantage) {
		rows = append(rows, slices.Concat(rollingFields(report, servicer), measureFields(row), freshnessFields(row.Freshness),
			standingFields(row), ownerFields(row)))
		places = append(places, place)
	}
	for _, report := range reports {
		for _, servicer := range report.Servicers {
			row := terminal.RollingRow(servicer)
			add(report, servicer, row, nil)
			for i, v := range servicer.Vantages {
				add(report, rollingOfPlace(v, servicer), placeRow(v, row), &servicer.Vantages[i])
			}
		}
	}
	return withVantages(rows, places)
}

func rollingFields(report api.RollingReport, servicer api.RollingServicer) []string {
	return []string{
		CSVText(report.RelayChain), CSVText(report.GeoZone), strconv.Itoa(report.Checks), csvNumber(&report.MaxAgeSeconds),
		CSVText(servicer.Servicer), CSVText(servicer.ServiceURL), csvTime(servicer.AskedAt), strconv.FormatBool(servicer.Running),
		strconv.Itoa(servicer.Checks), strconv.Itoa(servicer.Sessions), strconv.Itoa(servicer.Samples), strconv.Itoa(servicer.NullSamples),
		strconv.Itoa(servicer.Void), strconv.Itoa(servicer.NullSamplesAllowed), strconv.Itoa(servicer.SamplesRequired),
		strconv.Itoa(servicer.LaggingAllowed), strconv.Itoa(servicer.DisagreementsAllowed),
	}
}
