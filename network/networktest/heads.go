package networktest

import (
	"slices"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// RunHeads carries out the part of the contract that is about heads alone, each clause on heads of its own.
func RunHeads(t *testing.T, heads func(*testing.T) (heads fisherman.Heads, publish func(types.Head))) {
	for name, clause := range map[string]func(testing.TB, fisherman.Heads, func(types.Head)){
		"latest wins": latestWins, "rise": rise, "subscribers are apart": subscribersAreApart, "late subscriber": lateSubscriber,
	} {
		t.Run(name, func(t *testing.T) {
			subscribed, publish := heads(t)
			clause(t, subscribed, publish)
		})
	}
}

// headAt is a head that was witnessed; heights are above all that a subject has published before.
func headAt(n int64) types.Head {
	return types.Head{Height: 1_000_000 + n, BlockHash: []byte{byte(n)}, Time: time.Unix(1_700_000_000+n, 0)}
}

// waiting returns the head that waits for a subscriber; false for none.
func waiting(t testing.TB, heads <-chan types.Head) (types.Head, bool) {
	t.Helper()
	select {
	case head, open := <-heads:
		if !open {
			t.Fatal("the channel was closed")
		}
		return head, true
	default:
		return types.Head{}, false
	}
}

// receives checks that a head waits for a subscriber, and no other.
func receives(t testing.TB, heads <-chan types.Head, want types.Head) {
	t.Helper()
	got, there := waiting(t, heads)
	if !there || got.Height != want.Height || !slices.Equal(got.BlockHash, want.BlockHash) || !got.Time.Equal(want.Time) || got.CatchingUp != want.CatchingUp {
		t.Errorf("received %+v, %t; want %+v", got, there, want)
	}
	if more, there := waiting(t, heads); there {
		t.Errorf("received %+v after the latest", more)
	}
}

// latestWins: of the heads that a subscriber has not taken the newest waits, and publishing waits for nobody.
func latestWins(t testing.TB, network fisherman.Heads, publish func(types.Head)) {
	busy, cancel := network.Subscribe()
	defer cancel()
	eager, cancelEager := network.Subscribe()
	defer cancelEager()
	waiting(t, eager) // one from before the test
	for n := range int64(3) {
		publish(headAt(n + 1))
		receives(t, eager, headAt(n+1))
	}
	receives(t, busy, headAt(3))
	replayed := headAt(4)
	replayed.CatchingUp = true
	publish(replayed)
	receives(t, busy, replayed)
}

// rise: whatever a subscriber takes is higher than what it took before, and it always ends at the newest.
func rise(t testing.TB, network fisherman.Heads, publish func(types.Head)) {
	const last = 500
	heads, cancel := network.Subscribe()
	defer cancel()
	go func() {
		for n := range int64(last) {
			publish(headAt(n + 1))
		}
	}()
	timeout := time.After(10 * time.Second)
	for height := int64(0); height < headAt(last).Height; {
		select {
		case head := <-heads:
			if head.Height <= height {
				t.Fatalf("head %d after %d", head.Height, height)
			}
			height = head.Height
		case <-timeout:
			t.Fatalf("waited in vain after head %d", height)
		}
	}
}

// subscribersAreApart: each has a subscription of its own, whose end ends no other and leaves its channel open.
func subscribersAreApart(t testing.TB, network fisherman.Heads, publish func(types.Head)) {
	gone, cancelGone := network.Subscribe()
	stays, cancelStays := network.Subscribe()
	defer cancelStays()
	waiting(t, gone)
	cancelGone()
	cancelGone()
	publish(headAt(1))
	if head, there := waiting(t, gone); there {
		t.Errorf("received %+v after the subscription had ended", head)
	}
	receives(t, stays, headAt(1))
}

// lateSubscriber: a fisherman that starts in the middle of a session does not wait for the next head, and takes none that
// was replayed for one that was witnessed.
func lateSubscriber(t testing.TB, network fisherman.Heads, publish func(types.Head)) {
	publish(headAt(1))
	heads, cancel := network.Subscribe()
	receives(t, heads, headAt(1))
	cancel()
	replayed := headAt(2)
	replayed.CatchingUp = true
	publish(replayed)
	heads, cancel = network.Subscribe()
	defer cancel()
	if head, there := waiting(t, heads); there {
		t.Errorf("received %+v at once, which was replayed", head)
	}
}
