package fisherman

import (
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
)

// Lead and tolerance follow the distance between checks, within their bounds.
func TestLeadAndToleranceFollowTheSpacing(t *testing.T) {
	for _, test := range []struct {
		name            string
		checks          int
		interval        time.Duration
		lead, tolerance time.Duration
	}{
		{"a check a second", 10, time.Second, 500 * time.Millisecond, 500 * time.Millisecond},
		{"a check in ten seconds", 10, 10 * time.Second, 500 * time.Millisecond, time.Second},
		{"five checks a second", 50, time.Second, 200 * time.Millisecond, 100 * time.Millisecond},
		{"a thousand checks a second", 10_000, time.Second, 50 * time.Millisecond, 50 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &watch{span: schedule.NewSpan(10, 10), plan: make(schedule.Plan, test.checks)}
			if got := w.lead(test.interval); got != test.lead {
				t.Errorf("lead %v, want %v", got, test.lead)
			}
			if got := w.tolerance(test.interval); got != test.tolerance {
				t.Errorf("tolerance %v, want %v", got, test.tolerance)
			}
		})
	}
}
