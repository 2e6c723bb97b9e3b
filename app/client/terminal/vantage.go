package terminal

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// VantagesText lays out the vantage points of a collector for a person, with why one is not well; empty for none.
func VantagesText(vantages []api.Vantage, form Form) string {
	if len(vantages) == 0 {
		return ""
	}
	headers := []string{"VANTAGE", "STATE", "HEARD (UTC)", "SKEW ms", "SAMPLES", "NULLS", "PATH NULLS", "FISHERMAN"}
	rows := make([][]string, 0, len(vantages))
	for _, v := range vantages {
		heard := Absent
		if v.Heard != nil {
			heard = v.Heard.UTC().Format(time.TimeOnly)
		}
		rows = append(rows, []string{Clean(v.Place), stateWords(v.State), heard, millis(v.SkewMS), strconv.Itoa(v.Samples), strconv.Itoa(v.NullSamples),
			strconv.Itoa(v.PathNulls), form.name(v.Fisherman)})
	}
	table := paintedTable(headers, rows, func(row, column int) lipgloss.Style {
		if row >= 0 && row < len(vantages) && column == 1 && form.colour {
			return stateStyle(vantages[row].State)
		}
		return lipgloss.NewStyle()
	})
	lines := strings.SplitAfter(table, "\n")
	text := lines[0]
	for i, v := range vantages {
		text += lines[1+i]
		if v.Why != "" {
			text += form.laid(reasonIndent + Clean(v.Why) + "\n")
		}
	}
	return form.fit(text)
}

// stateWords is a vantage point's state as people read it.
func stateWords(state api.VantageState) string { return Clean(api.WordOf(state)) }

func stateStyle(state api.VantageState) lipgloss.Style {
	style := lipgloss.NewStyle()
	switch state {
	case api.VantageStateOK:
		return style.Foreground(lipgloss.Green)
	case api.VantageStatePath, api.VantageStateSkewed:
		return style.Foreground(lipgloss.Yellow)
	default:
		return style.Bold(true).Foreground(lipgloss.Red)
	}
}

// vantageWarnings has a line for each vantage point that is not well.
func vantageWarnings(vantages []api.Vantage) (text string) {
	for _, v := range vantages {
		if v.State != api.VantageStateOK {
			text += fmt.Sprintf("vantage %s is %s: %s\n", Clean(v.Place), stateWords(v.State), Clean(Short(v.Why)))
		}
	}
	return text
}

// placeIndent sets the rows of places off from the servicer's own.
const placeIndent = "  "

// unfolded returns rows with those of their places below, and of each row which servicer it is of, by number.
func unfolded(servicers []api.ServicerReport) (rows []api.ServicerReport, of []int) {
	for i, servicer := range servicers {
		rows, of = append(rows, servicer), append(of, i)
		for _, v := range servicer.Vantages {
			rows, of = append(rows, PlaceRow(v, servicer)), append(of, i)
		}
	}
	return rows, of
}

// together joins the blocks of each servicer.
func together(blocks [][]string, of []int) (joined [][]string) {
	for i, block := range blocks {
		if of[i] == len(joined) {
			joined = append(joined, nil)
		}
		joined[of[i]] = append(joined[of[i]], block...)
	}
	return joined
}

// PlaceRow returns what a vantage point saw of a servicer in the form of a servicer's row, named after the place.
func PlaceRow(v api.RowVantage, servicer api.ServicerReport) api.ServicerReport {
	return api.ServicerReport{
		Servicer:       placeIndent + Clean(v.Place),
		ServiceURL:     servicer.ServiceURL,
		Samples:        v.Samples,
		NullSamples:    v.NullSamples,
		Void:           v.Void,
		Availability:   v.Availability,
		RoundTripTimes: v.RoundTripTimes,
		OverSLA:        v.OverSLA,
		Consistency:    v.Consistency,
		Verdict:        v.Verdict,
		Reason:         placeReason(v),
		Freshness:      v.Freshness,
		Throttled:      v.Throttled,
		Standing:       servicer.Standing,
	}
}

// placeReason says what a vantage point saw, and how it is itself if it is not well.
func placeReason(v api.RowVantage) string {
	var parts []string
	if v.State != api.VantageStateOK {
		parts = append(parts, stateWords(v.State))
	}
	if v.PathNulls > 0 {
		parts = append(parts, fmt.Sprintf("%d null samples of its own path", v.PathNulls))
	}
	return strings.Join(append(parts, Clean(v.Reason)), "; ")
}

// fromPlace says from where a servicer was measured where there are several vantage points.
func fromPlace(place string) string {
	if place == "" {
		return ""
	}
	return " from " + Clean(place)
}

// atPlace says whose session it is where there are several vantage points.
func atPlace(session api.SessionReport) string {
	if session.Vantage == "" {
		return ""
	}
	return " at " + Clean(session.Vantage)
}

// places tells what each vantage point saw of a servicer, a line for each; empty where there is one.
func places(servicer api.ServicerReport, width int) string {
	if len(servicer.Vantages) == 0 {
		return ""
	}
	longest := slices.MaxFunc(servicer.Vantages, func(a, b api.RowVantage) int { return len(a.Place) - len(b.Place) })
	var text strings.Builder
	for i, v := range servicer.Vantages {
		head := "        "
		if i == 0 {
			head = "places  "
		}
		line := fmt.Sprintf("%-*s  %s  %s  p50 %s ms", lipgloss.Width(Clean(longest.Place)), Clean(v.Place), verdictWords(v.Verdict), share(v.Availability), millis(v.RoundTripTimes.P50))
		if v.State != api.VantageStateOK {
			line += "  " + stateWords(v.State)
		}
		if v.PathNulls > 0 {
			line += fmt.Sprintf("  %d path nulls", v.PathNulls)
		}
		text.WriteString(Form{width: width}.leading(head + line + "\n"))
	}
	return text.String()
}
