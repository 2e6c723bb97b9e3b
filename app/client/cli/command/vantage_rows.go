package command

import (
	"slices"
	"strconv"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// vantageHeader names the columns that follow the others in the CSV form of what a collector of several vantage points says.
// They are empty in a merged row; below it stands a row for each place, with what that place alone saw.
var vantageHeader = []string{"vantage", "vantage_state", "path_nulls"}

// vantageFields are the values of vantageHeader for a place.
func vantageFields(v api.RowVantage) []string {
	return []string{CSVText(v.Place), CSVText(api.WordOf(v.State)), strconv.Itoa(v.PathNulls)}
}

// withVantages adds the columns to rows, whose places are listed beside; nil for a merged row. Without any place the rows stay
// as they are.
func withVantages(rows [][]string, places []*api.RowVantage) [][]string {
	if !slices.ContainsFunc(places, func(v *api.RowVantage) bool { return v != nil }) {
		return rows
	}
	rows[0] = slices.Concat(rows[0], vantageHeader)
	for i, v := range places {
		fields := make([]string, len(vantageHeader))
		if v != nil {
			fields = vantageFields(*v)
		}
		rows[1+i] = slices.Concat(rows[1+i], fields)
	}
	return rows
}

// placeRow is what a place saw of a servicer, under the servicer's name.
func placeRow(v api.RowVantage, servicer api.ServicerReport) api.ServicerReport {
	row := terminal.PlaceRow(v, servicer)
	row.Servicer, row.Reason = servicer.Servicer, v.Reason
	return row
}

// rollingOfPlace is what a place saw of a servicer, in the form of its row. Thresholds and sessions are the merged row's only.
func rollingOfPlace(v api.RowVantage, servicer api.RollingServicer) api.RollingServicer {
	return api.RollingServicer{Servicer: servicer.Servicer, ServiceURL: servicer.ServiceURL, AskedAt: v.AskedAt, Running: servicer.Running,
		Checks: v.Checks, Samples: v.Samples, NullSamples: v.NullSamples, Void: v.Void}
}

// withPlaces adds a column with the places of sessions to rows; without any place they stay as they are.
func withPlaces(rows [][]string, places []string) [][]string {
	if !slices.ContainsFunc(places, func(place string) bool { return place != "" }) {
		return rows
	}
	rows[0] = slices.Concat(rows[0], vantageHeader[:1])
	for i, place := range places {
		rows[1+i] = append(rows[1+i], CSVText(place))
	}
	return rows
}
