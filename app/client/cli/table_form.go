package cli

import (
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
}

// reasonWidth is the least width at which the reason has a column of its own.
const reasonWidth = 120

// columns are those that are shown at the form's width.
func (f tableForm) columns() []reportColumn {
	if f.width <= 0 {
		return reportColumns
	}
	narrow := f.width < reasonWidth
	columns := slices.DeleteFunc(slices.Clone(reportColumns), func(column reportColumn) bool { return column.whole || column.wide && narrow })
	if narrow {
		columns = columns[:len(columns)-1]
	}
	return columns
}

// explains tells whether a servicer's reason has a line below the rows.
func (f tableForm) explains(servicer qos.ServicerReport) bool {
	return f.width > 0 && f.width < reasonWidth && servicer.Verdict != qos.Healthy
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
