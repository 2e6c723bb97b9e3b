package endpoints

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
)

func header(after string) http.Header {
	h := make(http.Header)
	h.Set("Retry-After", after)
	return h
}

// A target is left alone for as long as it says, within bounds; for twice as long each time that it does not say.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for after, want := range map[string]time.Duration{
		"":                               leastPause,
		"0":                              leastPause,
		"1":                              time.Second,
		"30":                             30 * time.Second,
		" 30 ":                           30 * time.Second,
		"007":                            7 * time.Second,
		"3600":                           time.Hour,
		"3601":                           mostPause,
		"4294967296":                     mostPause,
		"99999999999999999999999999999":  mostPause,
		"-5":                             leastPause,
		"1.5":                            leastPause,
		"+5":                             leastPause,
		"1e3":                            leastPause,
		"soon":                           leastPause,
		"\x00":                           leastPause,
		"５":                              leastPause, // digits of other scripts
		"Wed, 01 Jul 2026 12:00:20 GMT":  20 * time.Second,
		"Wed, 01 Jul 2026 11:00:00 GMT":  leastPause,
		"Wed, 01 Jul 2099 11:00:00 GMT":  mostPause,
		"Wednesday, 01-Jul-26 12:00:20 ": leastPause,
		"Thu, 01 Jan 0001 00:00:00 GMT":  leastPause,
	} {
		throttle := newThrottle(2)
		throttle.pause(header(after), now)
		until, paused := throttle.pausedUntil(now)
		if got := until.Sub(now); got != want || !paused {
			t.Errorf("%q: left alone for %v, want %v", after, got, want)
		}
		if _, paused := throttle.pausedUntil(until); paused {
			t.Errorf("%q: left alone for longer", after)
		}
	}
}

func TestPausesDouble(t *testing.T) {
	now := time.Now()
	throttle := newThrottle(2)
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		throttle.pause(nil, now)
		until, _ := throttle.pausedUntil(now)
		if got := until.Sub(now); got != want*time.Second {
			t.Errorf("left alone for %v, want %v", got, want*time.Second)
		}
		now = until
	}
	for range 100 {
		throttle.pause(nil, now)
		if until, _ := throttle.pausedUntil(now); until.Sub(now) > mostGuessed {
			t.Fatalf("left alone for %v", until.Sub(now))
		}
	}
	throttle.answered()
	now = now.Add(time.Hour)
	throttle.pause(nil, now)
	if until, _ := throttle.pausedUntil(now); until.Sub(now) != leastPause {
		t.Errorf("left alone for %v after an answer", until.Sub(now))
	}
	throttle.pause(header("600"), now)
	throttle.pause(header("1"), now)
	if until, _ := throttle.pausedUntil(now); until.Sub(now) != 600*time.Second {
		t.Errorf("a shorter pause takes back a longer one: %v", until.Sub(now))
	}
	if err := throttle.take(now); !errors.Is(err, question.ErrThrottled) {
		t.Errorf("asked all the same: %v", err)
	}
}

// Whatever is asked when, no window has more requests than the rate allows.
func TestRateHolds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		perSecond := rapid.SampledFrom([]float64{0.01, 0.1, 0.5, 1, 1.5, 2, 2.5, 3, 10, 100, 1000}).Draw(r, "rate")
		throttle := newThrottle(perSecond)
		now := time.Now()
		var taken []time.Time
		for range rapid.IntRange(1, 300).Draw(r, "requests") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*float64(time.Second)/perSecond)).Draw(r, "pause")))
			if throttle.take(now) == nil {
				taken = append(taken, now)
			}
		}
		window := time.Duration(float64(throttle.window) / rateSlack)
		for i, first := range taken {
			count := 0
			for _, moment := range taken[i:] {
				if moment.Sub(first) < window {
					count++
				}
			}
			if count > throttle.most {
				r.Fatalf("%d requests in %v at a rate of %g", count, window, perSecond)
			}
		}
		if len(throttle.asked) > 2*throttle.most {
			r.Fatalf("%d requests are remembered at %d in a window", len(throttle.asked), throttle.most)
		}
	})
}

// A schedule that is exactly at the rate has its way, though its timers are late by some milliseconds now and then.
func TestScheduleAtTheRate(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		perSecond := rapid.SampledFrom([]float64{0.1, 0.5, 1, 2, 10}).Draw(r, "rate")
		interval := time.Duration(float64(time.Second) / perSecond)
		throttle := newThrottle(perSecond)
		begun := time.Now()
		for n := range 100 {
			jitter := time.Duration(rapid.Int64Range(0, int64(throttle.window/100)).Draw(r, "jitter"))
			if err := throttle.take(begun.Add(time.Duration(n)*interval + jitter)); err != nil {
				r.Fatalf("request %d: %v", n, err)
			}
		}
	})
}

// Schedules with jitter that are allowed at a rate keep to it.
func TestBunchedSchedules(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		perSecond := rapid.Float64Range(0.01, 20).Draw(r, "rate")
		interval := time.Duration(rapid.Float64Range(1, 5).Draw(r, "times") / perSecond * float64(time.Second))
		if !bunched(perSecond, interval) {
			return
		}
		throttle := newThrottle(perSecond)
		begun := time.Now()
		for n := range 60 {
			place := time.Duration(rapid.Int64Range(0, int64(interval)-1).Draw(r, "place"))
			if err := throttle.take(begun.Add(time.Duration(n)*interval + place)); err != nil {
				r.Fatalf("check %d of one in %v at %g a second: %v", n, interval, perSecond, err)
			}
		}
	})
}

// Who waits is let through one after the other, and not at all when it would take too long.
func TestWaitingForTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := newThrottle(2)
		began := time.Now()
		var waiting sync.WaitGroup
		for range 10 {
			waiting.Go(func() {
				if err := throttle.wait(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		waiting.Wait()
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("10 requests at 2 a second took %v", took)
		}
		began = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if err := throttle.wait(ctx); !errors.Is(err, errOverRate) || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		throttle.pause(header("60"), time.Now())
		if err := throttle.wait(t.Context()); !errors.Is(err, question.ErrThrottled) || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// Another rate takes effect without forgetting what was asked, or that the target is to be left alone.
func TestChangedRate(t *testing.T) {
	now := time.Now()
	throttle := newThrottle(10)
	for range 10 {
		if err := throttle.take(now); err != nil {
			t.Fatal(err)
		}
	}
	throttle.setRate(1)
	if throttle.take(now.Add(500*time.Millisecond)) == nil || throttle.take(now.Add(time.Second)) != nil {
		t.Error("a lower rate is not kept to")
	}
	throttle.pause(header("60"), now)
	throttle.setRate(100)
	if throttle.take(now.Add(59*time.Second)) == nil {
		t.Error("another rate ends a pause")
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "1", "-1", "Wed, 01 Jul 2026 12:00:20 GMT", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, after string) {
		throttle, now := newThrottle(2), time.Now()
		throttle.pause(http.Header{"Retry-After": {after}}, now)
		if until, paused := throttle.pausedUntil(now); !paused || until.Sub(now) < leastPause || until.Sub(now) > mostPause {
			t.Errorf("%q: left alone for %v", after, until.Sub(now))
		}
	})
}
