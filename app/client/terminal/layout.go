package terminal

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

const (
	// reasonIndent is what a reason below its row is indented by where rows have a pointer.
	reasonIndent = "   "
	// reasonLines bounds the lines of a reason below its row; panelReasonLines those of the picked one.
	reasonLines, panelReasonLines = 2, 4
	// partGap stands between the facts of a line, which is broken there first.
	partGap = "  "
	// more stands where words are left out.
	more = "…"
)

// folded returns a text in lines of at most a width, broken between words; only a word longer than a line is broken within.
func folded(text string, width int) []string {
	if width <= 0 {
		return []string{text}
	}
	lines := strings.Split(lipgloss.Wrap(text, width, ""), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}

// abridged is folded in at most a number of lines; the last one says that there is more.
func abridged(text string, width, most int) []string {
	lines := folded(text, width)
	if len(lines) <= most {
		return lines
	}
	last := lines[most-1]
	for lipgloss.Width(last)+1+len(" ") > width {
		cut := strings.LastIndex(last, " ")
		if cut < 0 {
			last = ""
			break
		}
		last = last[:cut]
	}
	return append(lines[:most-1], strings.TrimLeft(last+" "+more, " "))
}

// laid breaks lines that are too long between the facts that they state, and then between words.
func (f Form) laid(text string) string {
	if f.width <= 0 {
		return text
	}
	var laid strings.Builder
	for line := range strings.Lines(text) {
		for _, part := range facts(strings.TrimSuffix(line, "\n"), f.width) {
			for _, fold := range folded(part, f.width) {
				laid.WriteString(fold + "\n")
			}
		}
	}
	return laid.String()
}

// facts puts the facts of a line into as few lines as hold them. One that is longer than a line begins beside the one before.
func facts(line string, width int) (lines []string) {
	for part := range strings.SplitSeq(line, partGap) {
		last := len(lines) - 1
		if wide := lipgloss.Width(part); last >= 0 && (wide > width || lipgloss.Width(lines[last])+len(partGap)+wide <= width) {
			lines[last] += partGap + part
		} else {
			lines = append(lines, part)
		}
	}
	return lines
}

// leading leaves out the facts at the end of each line that do not fit, and the last words of the first one.
func (f Form) leading(text string) string {
	if f.width <= 0 {
		return text
	}
	var kept strings.Builder
	for line := range strings.Lines(text) {
		kept.WriteString(abridged(facts(strings.TrimSuffix(line, "\n"), f.width)[0], f.width, 1)[0] + "\n")
	}
	return kept.String()
}

// servicerBlocks is a table of servicers: the names of its columns, and the lines of each servicer, of which the first is
// its row.
type servicerBlocks struct {
	head   string
	blocks [][]string
}

// blocks lays out servicers. Their reasons have a column where all fit into one line, and otherwise lines below their rows
// if below admits them. Columns that can be done without are left out where lines are short.
func (f Form) blocks(servicers []api.ServicerReport, below func(Form, api.ServicerReport) bool) servicerBlocks {
	columns := f.columns()
	if whole := f; f.session != nil && f.width >= wholeWidth {
		whole.whole = true
		if tableWidth(whole.reportRows(withoutWhy(columns), servicers)) <= f.width {
			f = whole
		}
	}
	table := f.reportRows(columns, servicers)
	beside := f.roomy() && (f.unbounded() || tableWidth(table) <= f.width)
	if !beside {
		columns = withoutWhy(columns)
		table = f.reportRows(columns, servicers)
	}
	for !f.unbounded() && tableWidth(table) > f.width {
		sparest := slices.MaxFunc(columns, func(a, b reportColumn) int { return a.spare - b.spare })
		if sparest.spare == 0 {
			break
		}
		columns = slices.DeleteFunc(columns, func(column reportColumn) bool { return column.spare == sparest.spare })
		table = f.reportRows(columns, servicers)
	}
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	laid := servicerBlocks{head: lines[0]}
	for i, servicer := range servicers {
		block := []string{lines[1+i]}
		if !beside && below(f, servicer) {
			for _, line := range abridged(Clean(servicer.Reason), f.width-len(reasonIndent), reasonLines) {
				block = append(block, reasonIndent+line)
			}
		}
		laid.blocks = append(laid.blocks, block)
	}
	return laid
}

func withoutWhy(columns []reportColumn) []reportColumn {
	return slices.DeleteFunc(slices.Clone(columns), func(column reportColumn) bool { return column.header == whyHeader })
}

// reportRows is the plain table of servicers, with the row of the picked one and the verdicts painted.
func (f Form) reportRows(columns []reportColumn, servicers []api.ServicerReport) string {
	headers := make([]string, 0, len(columns))
	for _, column := range columns {
		headers = append(headers, f.heading(column))
	}
	rows := make([][]string, 0, len(servicers))
	for _, servicer := range servicers {
		row := make([]string, 0, len(columns))
		for _, column := range columns {
			row = append(row, column.cell(servicer, f))
		}
		rows = append(rows, row)
	}
	return paintedTable(headers, rows, func(row, column int) lipgloss.Style {
		style := lipgloss.NewStyle()
		if row < 0 || row >= len(servicers) {
			return style
		}
		if f.colour && headers[column] == verdictHeader {
			style = verdictStyle(servicers[row].Verdict)
		}
		return style.Bold(style.GetBold() || f.colour && f.picked(servicers[row]))
	})
}

// tableWidth is the width of the longest line.
func tableWidth(table string) (widest int) {
	for line := range strings.Lines(table) {
		widest = max(widest, lipgloss.Width(strings.TrimSuffix(line, "\n")))
	}
	return widest
}

// around returns the blocks around the picked one that a number of lines has room for, and the index of the first.
func (b servicerBlocks) around(picked, room int) (shown [][]string, first int) {
	first, last := picked, picked
	left := room - len(b.blocks[picked])
	for grown := true; grown; {
		grown = false
		if last+1 < len(b.blocks) && len(b.blocks[last+1]) <= left {
			last, grown = last+1, true
			left -= len(b.blocks[last])
		}
		if first > 0 && len(b.blocks[first-1]) <= left {
			first, grown = first-1, true
			left -= len(b.blocks[first])
		}
	}
	return b.blocks[first : last+1], first
}
