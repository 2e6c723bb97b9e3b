package command

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
)

// Words of --output.
const (
	OutputTable = "table"
	OutputJSON  = "json"
	OutputCSV   = "csv"
)

// AddOutput adds the flag --output, whose value is one of words; without words it is table or json. The first is the
// default.
func AddOutput(flags *pflag.FlagSet, target *string, words ...string) {
	if len(words) == 0 {
		words = []string{OutputTable, OutputJSON}
	}
	AddChoice(flags, target, "output", words[0], "form of the result", words...)
}

// AddTable adds the flag --output of a command that shows a table, which has a CSV form too.
func AddTable(flags *pflag.FlagSet, target *string) {
	AddOutput(flags, target, OutputTable, OutputJSON, OutputCSV)
}

// CSVList joins items of a list with semicolons, so that none looks like a number with separators.
func CSVList(items []string) string { return CSVText(strings.Join(items, ";")) }

// WriteResult writes a result in the form that --output names: as JSON, as rows of CSV for commands that have those, or
// else as text.
func WriteResult(out io.Writer, output string, result any, text func() string, rows ...func() [][]string) error {
	switch output {
	case OutputJSON:
		return WriteJSON(out, result)
	case OutputCSV:
		return writeCSV(out, rows[0]())
	}
	return WriteText(out, text())
}

// WriteJSON writes one indented JSON value. What a terminal might act on is escaped, which changes no value.
func WriteJSON(out io.Writer, value any) error {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	return WriteText(out, EscapeJSON(encoded.String()))
}

// EscapeJSON writes every character of a JSON text that does not print as \u escapes. Outside of strings JSON has none
// but white space.
func EscapeJSON(text string) string {
	var escaped strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			escaped.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&escaped, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&escaped, `\u%04x`, r)
		}
	}
	return escaped.String()
}

// WriteText writes a text to an output.
func WriteText(out io.Writer, text string) error {
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// CSVText makes a text fit for a spreadsheet: one line, and never a formula.
func CSVText(text string) string {
	text = terminal.Clean(text)
	if trimmed := strings.TrimLeft(text, " "); trimmed != "" && strings.ContainsRune("=+-@", rune(trimmed[0])) {
		return "'" + text
	}
	return text
}

// writeCSV writes rows as RFC 4180 has them.
func writeCSV(out io.Writer, rows [][]string) error {
	writer := csv.NewWriter(out)
	writer.UseCRLF = true
	if err := writer.WriteAll(rows); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
