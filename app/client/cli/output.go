package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
)

// writeJSON writes one indented JSON value. What a terminal might act on is escaped, which changes no value.
func writeJSON(out io.Writer, value any) error {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	return writeText(out, escapeJSON(encoded.String()))
}

// escapeJSON writes every character of a JSON text that does not print as \u escapes. Outside of strings JSON has none
// but white space.
func escapeJSON(text string) string {
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

func writeText(out io.Writer, text string) error {
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// plain paints nothing.
func plain(_, _ int) lipgloss.Style { return lipgloss.NewStyle() }

// renderTable aligns rows under headers, two spaces apart, one line each. Cells must be clean.
func renderTable(headers []string, rows [][]string, paint table.StyleFunc) string {
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
