package qos

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bounds of a Span.
const (
	// MaximumStarts is the most sessions that a network retains.
	MaximumStarts = 10_000
	minimumAge    = time.Second
	maximumAge    = 10_000 * time.Hour
)

// Span says how far a window reaches back. Exactly one field is set.
type Span struct {
	// Starts admits the sessions of the newest starts, this many of them: 1 to MaximumStarts. Sessions of several applications that
	// start at one height are one start.
	Starts int
	// Age admits sessions that the fisherman took up no longer ago: one second to 10 000 hours.
	Age time.Duration
}

// ParseSpan reads a number of sessions ("10") or a duration in Go's form ("24h", "90m").
func ParseSpan(text string) (Span, error) {
	if starts, err := strconv.Atoi(text); err == nil && starts >= 1 && starts <= MaximumStarts {
		return Span{Starts: starts}, nil
	}
	if age, err := time.ParseDuration(text); err == nil && age >= minimumAge && age <= maximumAge {
		return Span{Age: age}, nil
	}
	return Span{}, fmt.Errorf("want a number of sessions from 1 to %d, or a duration from %s to %s, as in 10 or 24h",
		MaximumStarts, spanText(minimumAge), spanText(maximumAge))
}

// String is the shortest text that ParseSpan reads as the span.
func (s Span) String() string {
	if s.Starts > 0 {
		return strconv.Itoa(s.Starts)
	}
	return spanText(s.Age)
}

// spanText leaves the zeros at the end of a duration away: "24h" for "24h0m0s".
func spanText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
