package qos

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bounds and defaults of a RollingSpan.
const (
	// MostRollingChecks is the most checks of a servicer that a rolling verdict is taken over.
	MostRollingChecks = 100
	// MostRollingAge is the greatest age that a check may have.
	MostRollingAge = 24 * time.Hour

	defaultRollingChecks = 30
	defaultRollingAge    = time.Hour
)

// RollingSpan says how far back a rolling verdict reaches: to the newest Checks of a servicer (1 to MostRollingChecks)
// that are no older than Age (one second to MostRollingAge), whichever are fewer.
type RollingSpan struct {
	Checks int
	Age    time.Duration
}

// DefaultRolling returns the newest 30 checks within one hour.
func DefaultRolling() RollingSpan {
	return RollingSpan{Checks: defaultRollingChecks, Age: defaultRollingAge}
}

// ParseRolling reads a number of checks within one hour ("30"), a duration in Go's form of which the newest
// MostRollingChecks count ("90m"), or both ("50,2h").
func ParseRolling(text string) (RollingSpan, error) {
	checks, age, both := strings.Cut(text, ",")
	span := RollingSpan{Checks: MostRollingChecks, Age: defaultRollingAge}
	number, err := strconv.Atoi(checks)
	if err == nil {
		span.Checks = number
	} else {
		age = checks
	}
	if age != "" && (err == nil) == both {
		if span.Age, err = time.ParseDuration(age); err == nil && span.valid() {
			return span, nil
		}
	} else if err == nil && !both && span.valid() {
		return span, nil
	}
	return RollingSpan{}, fmt.Errorf("want a number of checks from 1 to %d, a duration from %s to %s, or both, as in 30, 1h or 50,2h",
		MostRollingChecks, spanText(minimumAge), spanText(MostRollingAge))
}

func (s RollingSpan) valid() bool {
	return s.Checks >= 1 && s.Checks <= MostRollingChecks && s.Age >= minimumAge && s.Age <= MostRollingAge
}

// String returns a text that ParseRolling reads as the span.
func (s RollingSpan) String() string { return strconv.Itoa(s.Checks) + "," + spanText(s.Age) }
