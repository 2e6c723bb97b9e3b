package rollup

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// mostDays bounds a step and a span.
const mostDays = 4000

// ParseSpan reads a stretch of time in Go's form, in whole seconds, or in days: "90m", "24h", "30d".
func ParseSpan(written string) (time.Duration, error) {
	span, err := parseSpan(written)
	if err != nil || span < time.Second || span > mostDays*day || span%time.Second != 0 {
		return 0, fmt.Errorf("want a duration from 1s to %dd, as in 90m, 24h or 30d", mostDays)
	}
	return span, nil
}

func parseSpan(written string) (time.Duration, error) {
	digits, days := strings.CutSuffix(written, "d")
	if !days {
		return time.ParseDuration(written)
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	return time.Duration(min(number, mostDays+1)) * day, err
}

// ParseStep reads how long a point is: a part of an hour in steps of 5 minutes, or whole hours or days.
func ParseStep(written string) (time.Duration, error) {
	step, err := ParseSpan(written)
	fine := step%FiveMinutes.Length() == 0 && step > 0 && time.Hour%max(step, 1) == 0
	if err != nil || !fine && step%time.Hour != 0 {
		return 0, fmt.Errorf("want 5m, 10m, 15m, 20m, 30m, or whole hours or days, as in 1h or 1d")
	}
	return step, nil
}

// StepText is the shortest text that ParseStep reads as the step.
func StepText(step time.Duration) string {
	switch {
	case step%day == 0:
		return strconv.FormatInt(int64(step/day), 10) + "d"
	case step%time.Hour == 0:
		return strconv.FormatInt(int64(step/time.Hour), 10) + "h"
	}
	return strconv.FormatInt(int64(step/time.Minute), 10) + "m"
}

// chosenSteps returns the steps that are chosen, below a day.
func chosenSteps() []time.Duration {
	return []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour, 12 * time.Hour}
}

// StepThatFits returns the shortest step by which a stretch of time has at most a number of points, wherever it begins.
func StepThatFits(span time.Duration, points int) time.Duration {
	points = max(points, 2)
	for _, step := range chosenSteps() {
		if int64(span+step-1)/int64(step)+1 <= int64(points) {
			return step
		}
	}
	days := int64(span)/int64(day)/int64(points-1) + 1
	return time.Duration(min(days, mostDays)) * day
}
