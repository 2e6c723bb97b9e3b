package compare

import (
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
)

const (
	flagFor      = "for"
	flagChecks   = "checks"
	flagInterval = "interval"

	defaultChecks   = 20
	defaultInterval = 500 * time.Millisecond
	// defaultTimeout is shorter than that of a fisherman that runs on: somebody waits for the end.
	defaultTimeout = 3 * time.Second

	leastInterval = 100 * time.Millisecond
	longest       = 24 * time.Hour
	mostChecks    = 10_000
	leastRate     = 0.01
	mostRate      = 1000
)

// timing is how long targets are compared and how often they are asked.
type timing struct {
	length, interval time.Duration
	checks           int
	rate             float64
	// byLength, byChecks and byInterval say which of them the user has given.
	byLength, byChecks, byInterval bool
}

// given notes which flags the user has given.
func (t *timing) given(changed func(flag string) bool) {
	t.byLength, t.byChecks, t.byInterval = changed(flagFor), changed(flagChecks), changed(flagInterval)
}

// plan returns the length of the session, in whole seconds, and its checks, which are spread evenly over it. What was not
// given follows from what was.
func (t timing) plan() (length time.Duration, checks int, err error) {
	least := time.Duration(float64(time.Second) / t.rate)
	if !t.byInterval {
		t.interval = max(defaultInterval, least)
	}
	switch {
	case t.byLength && t.byChecks:
		if t.byInterval && int(t.length/t.interval) != t.checks {
			return 0, 0, command.Fail(command.ExitUsage, "--for %s, --checks %d and --interval %s do not fit each other: %d checks every %s take %s; leave one of them out",
				short(t.length), t.checks, short(t.interval), t.checks, short(t.interval), short(time.Duration(t.checks)*t.interval))
		}
	case t.byLength:
		if t.checks = int(t.length / t.interval); t.checks == 0 {
			return 0, 0, command.Fail(command.ExitUsage, "--for %s is shorter than the interval of %s between two checks; want --for %s or more",
				short(t.length), short(t.interval), short(t.interval))
		}
	default:
		if !t.byChecks {
			t.checks = defaultChecks
		}
		t.length = time.Duration(t.checks) * t.interval
	}
	length = (t.length + time.Second - 1).Truncate(time.Second)
	switch between := length / time.Duration(t.checks); {
	case length > longest:
		return 0, 0, command.Fail(command.ExitUsage, "%d checks every %s take %s; at most are %s", t.checks, short(t.interval), short(length), short(longest))
	case t.checks > mostChecks:
		return 0, 0, command.Fail(command.ExitUsage, "--for %s has %d checks every %s; at most are %d: give a longer --interval, or --checks",
			short(length), t.checks, short(t.interval), mostChecks)
	case t.byInterval && t.interval < least:
		return 0, 0, command.Fail(command.ExitUsage, "--interval %s is more often than --rate %g requests a second; want --interval %s or more, or --rate %.4g",
			short(t.interval), t.rate, short(least), t.needed(t.interval))
	case between < least:
		return 0, 0, command.Fail(command.ExitUsage, "--checks %d in --for %s is more often than --rate %g requests a second; want --checks %d or fewer, --for %s or more, or --rate %.4g",
			t.checks, short(length), t.rate, max(1, int(length/least)), short((time.Duration(t.checks)*least + time.Second - 1).Truncate(time.Second)), t.needed(between))
	case between < leastInterval:
		return 0, 0, command.Fail(command.ExitUsage, "--checks %d in --for %s is a check every %s; want %s between two or more", t.checks, short(length), between, leastInterval)
	}
	return length, t.checks, nil
}

// needed is the rate of a check in each interval, rounded up to what is shown of it.
func (t timing) needed(interval time.Duration) float64 {
	return float64(time.Second) / float64(interval)
}

// short is a duration without the zeros at its end: "1m", not "1m0s".
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
