package command

import (
	"io"
	"log/slog"
)

// NewLogger makes a log of a format and a least level, by their names.
func NewLogger(out io.Writer, format, level string) *slog.Logger {
	options := &slog.HandlerOptions{Level: logLevel(level), ReplaceAttr: inOneLine}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

func logLevel(name string) slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(name)) // the flag takes names of levels only
	return level
}

// inOneLine writes an error as its message: those of some libraries would write stack traces in a log of text.
func inOneLine(_ []string, attribute slog.Attr) slog.Attr {
	if err, is := attribute.Value.Any().(error); is {
		attribute.Value = slog.StringValue(err.Error())
	}
	return attribute
}
