package terminal

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// HistoryPoints is how many points a sparkline has room for in an output of a form.
func HistoryPoints(form Form) int {
	switch {
	case form.unbounded():
		return 49
	case form.width >= 160:
		return min((form.width-100)/2, 96)
	case form.width >= 100:
		return min(form.width-72, 60)
	}
	return min(max(form.width-55, 8), 25)
}

// HistoryText lays out the quality of service over time for a person: a row for each servicer.
func HistoryText(history api.History, form Form) string {
	if len(history.Series) == 0 {
		return historyHeading(history) + nothingKept(history)
	}
	var text strings.Builder
	text.WriteString(historyHeading(history))
	for i, group := range historyGroups(history.Series) {
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(whereaboutsLine(group[0]))
		text.WriteString(historyTable(history, group, form))
	}
	text.WriteString(historyLegend(form))
	return form.fit(text.String())
}

// ServicerHistoryText lays out one servicer's quality of service over time: a row for each step.
func ServicerHistoryText(history api.History, form Form) string {
	if len(history.Series) == 0 {
		return historyHeading(history) + nothingKept(history)
	}
	var texts []string
	for _, series := range history.Series {
		texts = append(texts, seriesHeading(series)+stepTable(series, form))
	}
	return form.fit(historyHeading(history) + strings.Join(texts, "\n"))
}

// historyHeading says which time is shown.
func historyHeading(history api.History) string {
	return fmt.Sprintf("from %s to %s, by %s\n", history.From.Format(time.RFC3339), history.To.Format(time.RFC3339),
		stepText(time.Duration(history.StepSeconds)*time.Second))
}

// nothingKept says that there is nothing, and since when there is something.
func nothingKept(history api.History) string {
	if history.Oldest == nil {
		return "nothing is kept yet\n"
	}
	return fmt.Sprintf("nothing is kept of this time; what is kept begins at %s\n", history.Oldest.Format(time.RFC3339))
}

// stepText leaves the zeros at the end of a duration away: "1h" for "1h0m0s".
func stepText(step time.Duration) string {
	text := strings.TrimSuffix(step.String(), "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// historyGroups are the series of each relay chain and geo zone, in the order of the answer.
func historyGroups(series []api.HistorySeries) (groups [][]api.HistorySeries) {
	for i, s := range series {
		if i == 0 || s.RelayChain != series[i-1].RelayChain || s.GeoZone != series[i-1].GeoZone {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], s)
	}
	return groups
}

func whereaboutsLine(series api.HistorySeries) string {
	return whereabouts(series.RelayChain, series.GeoZone) + "\n"
}

// historyColumn is one column of a servicer's row.
type historyColumn struct {
	header string
	cell   func(api.History, api.HistorySeries, Form) string
	// in reports whether a form has the column; nil stands for every form.
	in func(Form) bool
}

func (f Form) wide() bool    { return f.unbounded() || f.width >= 160 }
func (f Form) counted() bool { return f.unbounded() || f.width >= 100 }

var historyColumns = []historyColumn{
	{header: servicerHeader, cell: func(_ api.History, s api.HistorySeries, f Form) string { return f.name(s.Servicer) + fromPlace(s.Vantage) }},
	{header: "SAMPLES", cell: func(_ api.History, s api.HistorySeries, _ Form) string { return strconv.Itoa(s.Total.Samples) }, in: Form.counted},
	{header: "AVAILABLE", cell: func(_ api.History, s api.HistorySeries, _ Form) string { return percent(s.Total.Availability.Value) }},
	{header: "", cell: func(h api.History, s api.HistorySeries, _ Form) string { return availabilitySpark(h, s) }},
	{header: "P50 ms", cell: func(_ api.History, s api.HistorySeries, _ Form) string { return millis(s.Total.RoundTripTimes.P50) }},
	{header: "P90 ms", cell: func(_ api.History, s api.HistorySeries, _ Form) string { return millis(s.Total.RoundTripTimes.P90) }},
	{header: "", cell: func(h api.History, s api.HistorySeries, _ Form) string { return timesSpark(h, s) }, in: Form.wide},
	{header: "OVER SLA", cell: func(_ api.History, s api.HistorySeries, _ Form) string { return overSLA(s.Total) }, in: Form.counted},
	{header: "AGREED", cell: func(_ api.History, s api.HistorySeries, _ Form) string { return agreed(s.Total.Consistency) }, in: Form.counted},
	{header: "LAG", cell: func(_ api.History, s api.HistorySeries, _ Form) string { return lag(s.Total.Freshness) }},
}

// historyTable has a row for each servicer, the least available first.
func historyTable(history api.History, group []api.HistorySeries, form Form) string {
	columns := slices.DeleteFunc(slices.Clone(historyColumns), func(c historyColumn) bool { return c.in != nil && !c.in(form) })
	group = slices.Clone(group)
	slices.SortStableFunc(group, func(a, b api.HistorySeries) int {
		return cmp.Compare(lowest(a.Total.Availability), lowest(b.Total.Availability))
	})
	headers, rows := make([]string, 0, len(columns)), make([][]string, 0, len(group))
	for _, column := range columns {
		headers = append(headers, column.header)
	}
	for _, series := range group {
		row := make([]string, 0, len(columns))
		for _, column := range columns {
			row = append(row, column.cell(history, series, form))
		}
		rows = append(rows, row)
	}
	return Table(headers, rows)
}

func lowest(interval api.Interval) float64 {
	if interval.Low == nil {
		return 0
	}
	return *interval.Low
}

// historyLegend explains the sparklines.
func historyLegend(form Form) string {
	legend := "\nsparklines, oldest first: availability, █ all answered, ▁ none"
	if form.wide() {
		legend += "; P90, ▄ at the SLA, █ twice as long"
	}
	return legend + "; · not asked\n"
}

// blocks are the heights of a sparkline; notAsked stands where nothing was asked.
var blocks = []rune("▁▂▃▄▅▆▇█")

const notAsked = "·"

// spark draws the points of a series, one for each step.
func spark(history api.History, series api.HistorySeries, level func(api.HistoryPoint) int) string {
	step := time.Duration(history.StepSeconds) * time.Second
	if step <= 0 {
		return ""
	}
	cells := make([]string, int(min(history.To.Sub(history.From)/step, 2000)))
	for i := range cells {
		cells[i] = notAsked
	}
	for _, point := range series.Points {
		height := level(point)
		if height < 0 {
			continue
		}
		from := int(point.From.Sub(history.From) / step)
		for at := max(from, 0); at < len(cells) && history.From.Add(time.Duration(at)*step).Before(point.To); at++ {
			cells[at] = string(blocks[min(height, len(blocks)-1)])
		}
	}
	return strings.Join(cells, "")
}

// availabilitySpark draws the availability: the highest block stands for all, so that one missing answer shows.
func availabilitySpark(history api.History, series api.HistorySeries) string {
	return spark(history, series, func(point api.HistoryPoint) int {
		if point.Availability.Value == nil {
			return -1
		}
		return int(math.Floor(*point.Availability.Value * float64(len(blocks)-1)))
	})
}

// timesSpark draws the 90th percentile against the SLA, or against the longest where there is none.
func timesSpark(history api.History, series api.HistorySeries) string {
	longest := 0.0
	for _, point := range series.Points {
		longest = max(longest, api.Value(point.RoundTripTimes.P90))
	}
	return spark(history, series, func(point api.HistoryPoint) int {
		p90 := point.RoundTripTimes.P90
		if p90 == nil {
			return -1
		}
		scale := longest
		if point.LatencySLA != nil {
			scale = 2 * *point.LatencySLA
		}
		if scale <= 0 {
			return 0
		}
		return max(int(math.Ceil(*p90/scale*float64(len(blocks))))-1, 0)
	})
}

// percent shows a share: "99.8%". Less than all is never shown as 100 %.
func percent(share *float64) string {
	if share == nil {
		return Absent
	}
	shown := math.Round(*share*1000) / 10
	if *share < 1 && shown >= 100 {
		shown = 99.9
	}
	return strconv.FormatFloat(shown, 'f', -1, 64) + "%"
}

// overSLA shows how many of the answers were above the SLA, in percent.
func overSLA(point api.HistoryPoint) string {
	answers := point.Samples - point.NullSamples
	if point.LatencySLA == nil || answers == 0 {
		return Absent
	}
	share := float64(point.OverSLA) / float64(answers)
	return percent(&share)
}

// seriesHeading says whom the rows are of.
func seriesHeading(series api.HistorySeries) string {
	total := series.Total
	lines := []string{fmt.Sprintf("%s, %s", Clean(series.Servicer), whereabouts(series.RelayChain, series.GeoZone)) + fromPlace(series.Vantage)}
	if series.ServiceURL != "" {
		lines = append(lines, "at      "+Short(series.ServiceURL))
	}
	return strings.Join(append(lines,
		fmt.Sprintf("checks  %d: %d answered, %d null, %d void, %d throttled", total.Checks, total.Samples-total.NullSamples,
			total.NullSamples, total.Void, total.Throttled),
		fmt.Sprintf("times   p50 %s ms, p90 %s ms, SLA %s ms", millis(total.RoundTripTimes.P50), millis(total.RoundTripTimes.P90),
			millis(total.LatencySLA))), "\n") + "\n"
}

// stepColumn is one column of a step's row.
type stepColumn struct {
	header string
	cell   func(api.HistoryPoint, Form) string
	// in reports whether a form has the column; nil stands for every form.
	in func(Form) bool
}

var stepColumns = []stepColumn{
	{header: "FROM", cell: func(p api.HistoryPoint, _ Form) string { return moment(p.From) }},
	{header: "CHECKS", cell: func(p api.HistoryPoint, _ Form) string { return strconv.Itoa(p.Checks) }},
	{header: "NULL", cell: func(p api.HistoryPoint, _ Form) string { return strconv.Itoa(p.NullSamples) }},
	{header: "AVAILABLE", cell: stepAvailability},
	{header: "P50 ms", cell: func(p api.HistoryPoint, _ Form) string { return millis(p.RoundTripTimes.P50) }},
	{header: "P90 ms", cell: func(p api.HistoryPoint, _ Form) string { return millis(p.RoundTripTimes.P90) }},
	{header: "P99 ms", cell: func(p api.HistoryPoint, _ Form) string { return millis(p.RoundTripTimes.P99) }, in: Form.roomy},
	{header: "OVER SLA", cell: func(p api.HistoryPoint, _ Form) string { return overSLA(p) }},
	{header: "AGREED", cell: func(p api.HistoryPoint, _ Form) string { return agreed(p.Consistency) }, in: Form.counted},
	{header: "LAG", cell: func(p api.HistoryPoint, _ Form) string { return lag(p.Freshness) }},
	{header: "VOID", cell: func(p api.HistoryPoint, _ Form) string { return strconv.Itoa(p.Void) }, in: Form.roomy},
	{header: "OUTCOMES", cell: func(p api.HistoryPoint, _ Form) string { return outcomeCounts(p.Outcomes) }, in: Form.wide},
}

// stepAvailability has the interval where lines are long.
func stepAvailability(point api.HistoryPoint, form Form) string {
	if form.counted() {
		return share(point.Availability)
	}
	return percent(point.Availability.Value)
}

// stepTable has a row for each step, and one for each time without a check.
func stepTable(series api.HistorySeries, form Form) string {
	columns := slices.DeleteFunc(slices.Clone(stepColumns), func(c stepColumn) bool { return c.in != nil && !c.in(form) })
	headers := make([]string, 0, len(columns))
	for _, column := range columns {
		headers = append(headers, column.header)
	}
	var rows [][]string
	var ended time.Time
	for _, point := range series.Points {
		if !ended.IsZero() && point.From.After(ended) {
			gap := make([]string, len(columns))
			copy(gap, []string{moment(ended), "0", Absent, "none for " + stepText(point.From.Sub(ended))})
			rows = append(rows, gap)
		}
		ended = point.To
		row := make([]string, 0, len(columns))
		for _, column := range columns {
			row = append(row, column.cell(point, form))
		}
		rows = append(rows, row)
	}
	return Table(headers, rows)
}

// moment is a time to the minute.
func moment(at time.Time) string { return at.Format("2006-01-02T15:04Z") }

// outcomeCounts lists outcomes, the most frequent first: "OK 9, TIMEOUT 1".
func outcomeCounts(outcomes api.Outcomes) string {
	labels := make([]string, 0, len(outcomes))
	for label := range outcomes {
		labels = append(labels, label)
	}
	slices.SortFunc(labels, func(a, b string) int { return cmp.Or(cmp.Compare(outcomes[b], outcomes[a]), cmp.Compare(a, b)) })
	for i, label := range labels {
		labels[i] = Clean(label) + " " + strconv.Itoa(outcomes[label])
	}
	return strings.Join(labels, ", ")
}
