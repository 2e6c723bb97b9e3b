package cli

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/pocket-fisherman/fisherman/qos"
)

// writeReport writes a report in the form that --output names.
func writeReport(out io.Writer, report qos.Report, output string) error {
	switch output {
	case outputJSON:
		return writeJSON(out, report)
	case outputCSV:
		return writeReportCSV(out, report)
	default:
		return writeText(out, reportText(report, formFor(out)))
	}
}

// formFor lays out for what the output is: a terminal gets colours and lines that fit, anything else gets everything.
func formFor(out io.Writer) tableForm {
	file, is := terminal(out)
	if !is {
		return tableForm{whole: true}
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		width = 0
	}
	return tableForm{width: width, colour: os.Getenv("NO_COLOR") == ""}
}

// terminal tells whether the output is a terminal that understands more than plain lines.
func terminal(out io.Writer) (*os.File, bool) {
	file, is := out.(*os.File)
	if !is || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil, false
	}
	return file, true
}
