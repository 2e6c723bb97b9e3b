package cli

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/qos"
)

// tableForm says how a report is laid out.
type tableForm struct {
	// width cuts lines; 0 leaves them whole.
	width int
	// colour paints the verdicts.
	colour bool
	// whole shows addresses and ids in full.
	whole bool
	// lines bounds those that the servicers of a session take, without the heads of the columns; 0 shows all.
	lines int
	// session is set where a servicer is picked: its checks are drawn, and reasons are told elsewhere.
	session *seenSession
	// pick is the address of the servicer that is picked.
	pick string
}

const (
	// reasonWidth is the least width at which the reason has a column of its own, barsWidth that of the bars.
	reasonWidth = 120
	barsWidth   = 140
	// tailWidth is the least width with a column of p90, rankWidth that of the rank where a servicer is picked.
	tailWidth = 72
	rankWidth = 80
	// widestStrip bounds how many checks are drawn in a row.
	widestStrip = 60
)

// columns are those that are shown in the form.
func (f tableForm) columns() []reportColumn {
	return slices.DeleteFunc(slices.Clone(reportColumns), func(column reportColumn) bool { return column.in != nil && !column.in(f) })
}

// The methods below tell which columns a form has.

func (f tableForm) unbounded() bool { return f.width <= 0 }
func (f tableForm) roomy() bool     { return f.unbounded() || f.width >= reasonWidth }
func (f tableForm) points() bool    { return f.session != nil }
func (f tableForm) strips() bool    { return f.session != nil && f.roomy() }
func (f tableForm) bars() bool      { return f.session != nil && f.width >= barsWidth }
func (f tableForm) ranks() bool     { return f.roomy() || f.session != nil && f.width >= rankWidth }
func (f tableForm) counts() bool    { return f.roomy() || f.session == nil }
func (f tableForm) tails() bool     { return f.unbounded() || f.width >= tailWidth }

func (f tableForm) picked(servicer qos.ServicerReport) bool {
	return f.session != nil && servicer.Address == f.pick
}

// pointer marks the row of the servicer that is picked.
func (f tableForm) pointer(servicer qos.ServicerReport) string {
	if f.picked(servicer) {
		return ">"
	}
	return ""
}

// verdict is as wide as the longest one where rows are scrolled, so that the columns stay where they are.
func (f tableForm) verdict(verdict qos.Verdict) string {
	if f.session == nil {
		return clean(string(verdict))
	}
	return fmt.Sprintf("%-*s", len(qos.Inconsistent), clean(string(verdict)))
}

// strip draws the checks of a servicer in a sixth of the width, so that the reason has room.
func (f tableForm) strip(servicer string) string {
	return strip(*f.session, servicer, min(max(f.width/6, 10), widestStrip), f.colour)
}

// explains tells whether a servicer's reason has a line below the rows.
func (f tableForm) explains(servicer qos.ServicerReport) bool {
	return !f.roomy() && f.session == nil && servicer.Verdict != qos.Healthy
}

// fitting is how many servicers the lines have room for, one at least.
func (f tableForm) fitting(servicers []qos.ServicerReport) int {
	if f.lines <= 0 || len(servicers) == 0 {
		return len(servicers)
	}
	taken := 0
	for i, servicer := range servicers {
		taken++
		if f.explains(servicer) {
			taken++
		}
		if taken > f.lines {
			return max(i, 1)
		}
	}
	return len(servicers)
}

func (f tableForm) id(id string) string {
	if f.whole {
		return clean(id)
	}
	return abbreviate(id)
}

// fit cuts every line to the width.
func (f tableForm) fit(text string) string {
	if f.width <= 0 {
		return text
	}
	cut := lipgloss.NewStyle().MaxWidth(f.width)
	var fitted strings.Builder
	for line := range strings.Lines(text) {
		fitted.WriteString(cut.Render(strings.TrimSuffix(line, "\n")))
		fitted.WriteByte('\n')
	}
	return fitted.String()
}
