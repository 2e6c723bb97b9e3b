package command

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
)

// CSVText makes a text fit for a spreadsheet: one line, and never a formula.
func CSVText(text string) string {
	text = terminal.Clean(text)
	if trimmed := strings.TrimLeft(text, " "); trimmed != "" && strings.ContainsRune("=+-@", rune(trimmed[0])) {
		return "'" + text
	}
	return text
}

// WriteCSV writes rows as RFC 4180 has them.
func WriteCSV(out io.Writer, rows [][]string) error {
	writer := csv.NewWriter(out)
	writer.UseCRLF = true
	if err := writer.WriteAll(rows); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
