package round_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// dense makes three sessions of 15 checks at a distance, and returns what became of one servicer in each check.
func dense(t *testing.T, spacing time.Duration, fault fakes.Fault) []*types.QoSSample {
	t.Helper()
	servicers := piped(t, fault, fakes.Honest())
	r := overPipes(t, servicers...)
	r.spec.Timeout = 2 * time.Second
	urls := slices.Values([]string{servicers[0].URL(), servicers[1].URL()})
	samples := make([]*types.QoSSample, 45)
	var checks sync.WaitGroup
	start := time.Now().Add(time.Second)
	for i := range samples {
		due := start.Add(time.Duration(i) * spacing)
		// As a session's leads are (fisherman/followed.go).
		lead := func() time.Duration {
			return min(max(spacing, round.ShortestLead), max(round.LongestLead, min(2*r.Pool.Slowest(urls), r.spec.Timeout)))
		}
		time.Sleep(time.Until(due.Add(-lead())))
		one := *r
		one.spec.Lead = lead()
		checks.Go(func() {
			record := one.judge(one.observe(t.Context(), due))
			isOK(t, sampleOf(t, record, servicers[1]))
			samples[i] = sampleOf(t, record, servicers[0])
		})
	}
	checks.Wait()
	r.Pool.Close()
	return samples
}

// count returns how many samples are answers, nulls, doubtful, and void through our own fault.
func count(samples []*types.QoSSample) (ok, null, doubtful, own int) {
	for _, sample := range samples {
		switch {
		case sample.GetOutcome() == outcomeOK:
			ok++
		case sample.GetOutcome() != outcomeVoid:
			null++
		case sample.GetBlame() == types.Blame_BLAME_UNKNOWN:
			doubtful++
		default:
			own++
		}
	}
	return ok, null, doubtful, own
}

// A servicer that needs 1.5 s for each new connection, and closes each after one answer, is not measured by halves and called
// healthy for the rest: its lateness is doubtful, then a null, however close together the checks lie.
func TestLateAgainAndAgain(t *testing.T) {
	const handshake = 1500 * time.Millisecond
	for _, spacing := range []time.Duration{200 * time.Millisecond, 333 * time.Millisecond, time.Second, 1400 * time.Millisecond} {
		virtually(t, spacing.String(), func(t *testing.T) {
			samples := dense(t, spacing, fakes.Curt(handshake))
			ok, null, doubtful, own := count(samples)
			t.Logf("%d answers, %d nulls, %d doubtful, %d void", ok, null, doubtful, own)
			if _, lastNull, _, lastOwn := count(samples[30:]); lastNull < 5 || lastOwn > 0 {
				t.Errorf("the last session has %d nulls and %d voids", lastNull, lastOwn)
			}
			// What began before the first connection was late is once.
			if most := int(handshake/spacing) + 3; own > most {
				t.Errorf("%d void, more than %d", own, most)
			}
		})
	}
}

// One that is given the time for a connection, or keeps what was made, has a null for nothing.
func TestLateOnce(t *testing.T) {
	for name, test := range map[string]struct {
		spacing time.Duration
		fault   fakes.Fault
	}{
		"enough time":      {4 * time.Second, fakes.Curt(1500 * time.Millisecond)},
		"keeps":            {time.Second, fakes.Dawdling(1500 * time.Millisecond)},
		"keeps, dense":     {200 * time.Millisecond, fakes.Dawdling(1500 * time.Millisecond)},
		"far away":         {200 * time.Millisecond, fakes.Dawdling(300 * time.Millisecond)},
		"far away, closes": {200 * time.Millisecond, fakes.Curt(300 * time.Millisecond)},
	} {
		virtually(t, name, func(t *testing.T) {
			ok, null, doubtful, own := count(dense(t, test.spacing, test.fault))
			t.Logf("%d answers, %d nulls, %d doubtful, %d void", ok, null, doubtful, own)
			if null > 0 || own > 10 || doubtful > 0 && name != "far away, closes" {
				t.Errorf("%d nulls, %d doubtful, %d void", null, doubtful, own)
			}
		})
	}
}
