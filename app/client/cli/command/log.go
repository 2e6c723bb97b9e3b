package command

import (
	"io"
	"log/slog"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/logs"
)

// warnEvery is how often a warning or an error of one kind is written at most.
const warnEvery = time.Minute

// NewLogger makes a log of a format and a least level, by their names. It repeats no warning within a minute.
func NewLogger(out io.Writer, format, level string) *slog.Logger {
	options := &slog.HandlerOptions{Level: logLevel(level), ReplaceAttr: inOneLine}
	var to slog.Handler = slog.NewTextHandler(out, options)
	if format == "json" {
		to = slog.NewJSONHandler(out, options)
	}
	return slog.New(logs.Limit(to, warnEvery))
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
