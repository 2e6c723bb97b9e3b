package fisherman

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/relay"
)

func dialled(t *testing.T, servicer *fakes.Servicer) *relay.Conn {
	t.Helper()
	conn, err := (&relay.Dialer{AllowPrivate: true}).Dial(t.Context(), servicer.URL())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestLinks(t *testing.T) {
	one, another := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())
	kept := &links{}
	if kept.take(one.URL()) != nil {
		t.Error("took a connection that nobody gave")
	}
	first := dialled(t, one)
	kept.give(one.URL(), first)
	if kept.take(another.URL()) != nil || kept.take(one.URL()) != first || kept.take(one.URL()) != nil {
		t.Error("took another connection than was given")
	}
	for range mostIdle + 3 {
		kept.give(one.URL(), dialled(t, one))
	}
	kept.give(another.URL(), dialled(t, another))
	one.AwaitOpen(t, mostIdle+1) // the first is still in our hands
	kept.retain(map[string]bool{one.URL(): true})
	another.AwaitOpen(t, 0)
	one.HangUp()
	one.AwaitOpen(t, 0)
	if kept.take(one.URL()) != nil {
		t.Error("took a dead connection")
	}
	if len(kept.idle[one.URL()]) > 0 {
		t.Error("kept dead connections")
	}
	kept.give(one.URL(), dialled(t, one))
	kept.close()
	kept.give(one.URL(), dialled(t, one))
	kept.give(another.URL(), dialled(t, another))
	one.AwaitOpen(t, 0)
	another.AwaitOpen(t, 0)
	first.Close()
}

// However many URLs there are, no more connections are kept than may be.
func TestLinksAreBounded(t *testing.T) {
	one, another := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())
	kept := &links{most: 3}
	for range 2 {
		kept.give(one.URL(), dialled(t, one))
		kept.give(another.URL(), dialled(t, another))
	}
	one.AwaitOpen(t, 2)
	another.AwaitOpen(t, 1)
	kept.retain(map[string]bool{another.URL(): true})
	one.AwaitOpen(t, 0)
	for range 2 {
		kept.give(one.URL(), dialled(t, one))
	}
	one.AwaitOpen(t, 2)
	taken := kept.take(another.URL())
	if taken == nil || kept.count != 2 {
		t.Fatalf("%v, %d are kept", taken, kept.count)
	}
	taken.Close()
	kept.close()
	one.AwaitOpen(t, 0)
	if kept.count != 0 {
		t.Errorf("%d are kept", kept.count)
	}
}

// A connection that was made for rounds that overlapped is closed when none has needed it for a while; one is kept.
func TestLinksCloseTheSurplus(t *testing.T) {
	servicer := fakes.Start(t, fakes.Honest())
	kept := &links{}
	defer kept.close()
	first, second := dialled(t, servicer), dialled(t, servicer)
	kept.give(servicer.URL(), first)
	kept.give(servicer.URL(), second)
	give := func(since time.Duration) {
		kept.idle[servicer.URL()][0].since = time.Now().Add(-since)
		kept.give(servicer.URL(), kept.take(servicer.URL()))
	}
	give(surplusIdle / 2)
	servicer.AwaitOpen(t, 2)
	give(surplusIdle + time.Second)
	servicer.AwaitOpen(t, 1)
	give(time.Hour)
	if kept.take(servicer.URL()) != second {
		t.Error("the last connection was not kept")
	}
	second.Close()
}

func TestStallWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, waited := range []time.Duration{0, time.Millisecond, stallInterval, time.Minute} {
			stalls := newStallWatch()
			time.Sleep(waited)
			if got := stalls.end(); got > 0 {
				t.Errorf("a stall of %v in %v", got, waited)
			}
		}
	})
}

// A stall counts from the moment that the watch was made, also when it kept the watch itself from beginning.
func TestStallBeforeTheWatchRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stalls := &stallWatch{stop: make(chan struct{}), worst: make(chan time.Duration, 1)}
		go stalls.run(time.Now().Add(-time.Second))
		if got := stalls.end(); got != time.Second-stallInterval {
			t.Errorf("a stall of %v", got)
		}
	})
}
