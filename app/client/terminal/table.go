package terminal

import (
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
)

// Table aligns rows under headers, two spaces apart, one line each. Cells must be printable.
func Table(headers []string, rows [][]string) string {
	return paintedTable(headers, rows, func(_, _ int) lipgloss.Style { return lipgloss.NewStyle() })
}

// paintedTable is a Table whose cells have styles.
func paintedTable(headers []string, rows [][]string, paint table.StyleFunc) string {
	last := len(headers) - 1
	rendered := table.New().
		Border(lipgloss.HiddenBorder()).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderHeader(false).BorderColumn(false).
		Wrap(false).
		Headers(headers...).
		Rows(rows...).
		StyleFunc(func(row, column int) lipgloss.Style {
			style := paint(row, column)
			if column != last {
				style = style.PaddingRight(2)
			}
			return style
		}).
		String()
	var text strings.Builder
	for line := range strings.Lines(rendered + "\n") {
		text.WriteString(strings.TrimRight(line, " \n"))
		text.WriteByte('\n')
	}
	return text.String()
}
