package compare

import (
	"io"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
)

// outputMarkdown is the word of --output for a table that can be pasted.
const outputMarkdown = "markdown"

// write writes what was measured in the form that --output names. JSON and CSV have the form of 'pocket fisherman qos'.
func write(out io.Writer, output string, m measurement) error {
	if output == outputMarkdown {
		return command.WriteText(out, terminal.ComparisonMarkdown(m.Comparison))
	}
	return command.WriteResult(out, output, m.report, func() string { return terminal.ComparisonText(m.Comparison, terminal.FormFor(out)) },
		func() [][]string { return command.ReportRows(m.report) })
}
