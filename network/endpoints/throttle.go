package endpoints

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
)

const (
	// leastPause and mostPause bound how long a target is left alone that says that it is asked too often. It doubles each
	// time that it says so again without saying for how long.
	leastPause = time.Second
	mostPause  = time.Hour
	// mostGuessed bounds the pause of a target that does not say for how long.
	mostGuessed = time.Minute
	// rateSlack lets a schedule that is exactly at the limit have its way, also where the timers of a busy machine are late: a
	// check that is 80 ms late at two a second must not cost the next but one.
	rateSlack = 1.2
)

// throttle keeps a target from being asked too often: by its own word, and by the user's limit. All that asks the target
// shares it.
type throttle struct {
	mu sync.Mutex
	// most requests are made in any window.
	most   int
	window time.Duration
	// asked is when the last ones were or will be sent, in order. A check is drawn up before it is released.
	asked []time.Time
	// until is when the target may be asked again by its own word.
	until time.Time
	// times it has said so in a row.
	times int
}

// newThrottle returns a throttle of a number of requests a second.
func newThrottle(perSecond float64) *throttle {
	t := &throttle{}
	t.setRate(perSecond)
	return t
}

// setRate bounds the requests to so many a second. What was asked before counts.
func (t *throttle) setRate(perSecond float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.most = max(1, int(math.Ceil(perSecond)))
	t.window = time.Duration(float64(t.most) / perSecond * float64(time.Second))
}

// bunched reports whether a rate allows for two requests close to one another, as schedules with jitter have them, at a
// mean interval.
func bunched(perSecond float64, interval time.Duration) bool {
	return perSecond > 1 && interval.Seconds() >= 2/perSecond
}

// take notes that the target is asked in a check that is about to be released, unless it is to be left alone, or would be
// asked more often than it may be.
func (t *throttle) take(now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.until) {
		return leftAlone(t.until.Sub(now))
	}
	sent := now.Add(round.LongestLead)
	if !t.fits(now, sent, time.Duration(float64(t.window)/rateSlack)) {
		return errOverRate
	}
	t.note(sent)
	return nil
}

func leftAlone(left time.Duration) error {
	return fmt.Errorf("left alone for %v more: %w", left.Round(time.Second), question.ErrThrottled)
}

var errOverRate = errors.New("not asked: it would be above the configured rate")

// wait waits until the target may be asked, and notes that it is. It returns why not: the target is to be left alone, or it
// would take longer than the context lasts.
func (t *throttle) wait(ctx context.Context) error {
	for {
		now := time.Now()
		free, err := t.tryNow(now)
		deadline, limited := ctx.Deadline()
		switch {
		case err != nil:
			return err
		case !free.After(now):
			return nil
		case limited && deadline.Before(free):
			return errOverRate
		}
		if !sleepUntil(ctx, free) {
			return ctx.Err()
		}
	}
}

// tryNow notes that the target is asked now if it may be. Otherwise it returns a later moment, from which on it may be if
// nothing else asks.
func (t *throttle) tryNow(now time.Time) (free time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.until) {
		return now, leftAlone(t.until.Sub(now))
	}
	if t.fits(now, now, t.window) {
		t.note(now)
		return now, nil
	}
	for _, asked := range t.asked {
		if free = asked.Add(t.window); free.After(now) && t.fits(now, free, t.window) {
			break
		}
	}
	return free, nil
}

// fits reports whether no window has too many requests with one more at a moment, and forgets those that are too old to
// count. It requires mu.
func (t *throttle) fits(now, moment time.Time, window time.Duration) bool {
	t.asked = slices.DeleteFunc(t.asked, func(asked time.Time) bool { return now.Sub(asked) >= t.window })
	at, _ := slices.BinarySearchFunc(t.asked, moment, time.Time.Compare)
	// With the new one in its place, each window is from one request to the one that is so many after it.
	for first := max(0, at-t.most); first <= at && first+t.most <= len(t.asked); first++ {
		from, to := moment, moment
		if first < at {
			from = t.asked[first]
		}
		if last := first + t.most; last > at {
			to = t.asked[last-1]
		}
		if to.Sub(from) < window {
			return false
		}
	}
	return true
}

// note keeps the moment of a request. It requires mu.
func (t *throttle) note(moment time.Time) {
	at, _ := slices.BinarySearchFunc(t.asked, moment, time.Time.Compare)
	t.asked = slices.Insert(t.asked, at, moment)
}

// pausedUntil returns until when the target is left alone; false when it may be asked.
func (t *throttle) pausedUntil(now time.Time) (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.until, now.Before(t.until)
}

// pause notes that the target has said that it is asked too often, by a header Retry-After or without one.
func (t *throttle) pause(header http.Header, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times++
	wait, said := retryAfter(header, now)
	if !said {
		wait = min(leastPause<<min(t.times-1, 10), mostGuessed)
	}
	if until := now.Add(min(max(wait, leastPause), mostPause)); until.After(t.until) {
		t.until = until
	}
}

// answered notes that the target has answered.
func (t *throttle) answered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times = 0
}

// retryAfter reads a Retry-After: seconds, or a date (RFC 9110 §10.2.3). What is longer than the longest pause is that.
func retryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if text != "" && strings.Trim(text, "0123456789") == "" {
		seconds := time.Duration(0)
		for _, digit := range text {
			seconds = min(10*seconds+time.Duration(digit-'0'), mostPause/time.Second)
		}
		return seconds * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}
