package heads

import (
	"sync"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// waiting returns the height that waits in a subscriber's slot; 0 for none.
func waiting(heads <-chan types.Head) int64 {
	select {
	case head := <-heads:
		return head.Height
	default:
		return 0
	}
}

func TestHeadsLatestWins(t *testing.T) {
	var heads Publisher
	busy, cancelBusy := heads.Subscribe()
	defer cancelBusy()
	eager, cancelEager := heads.Subscribe()
	defer cancelEager()
	for height := int64(1); height <= 3; height++ {
		heads.Publish(types.Head{Height: height})
		if got := waiting(eager); got != height {
			t.Errorf("eager subscriber received height %d, want %d", got, height)
		}
	}
	if got := waiting(busy); got != 3 {
		t.Errorf("busy subscriber received height %d, want the latest, 3", got)
	}
	if got := waiting(busy); got != 0 {
		t.Errorf("busy subscriber received height %d after the latest", got)
	}
}

func TestHeadsSubscribeReceivesLatestWitnessed(t *testing.T) {
	tests := map[string]struct {
		published []types.Head
		want      int64
	}{
		"nothing published": {nil, 0},
		"witnessed":         {[]types.Head{{Height: 1}, {Height: 2}}, 2},
		"replayed":          {[]types.Head{{Height: 1, CatchingUp: true}}, 0},
		"witnessed after replay": {[]types.Head{
			{Height: 1, CatchingUp: true}, {Height: 2}}, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var heads Publisher
			for _, head := range test.published {
				heads.Publish(head)
			}
			subscription, cancel := heads.Subscribe()
			defer cancel()
			if got := waiting(subscription); got != test.want {
				t.Errorf("received height %d at once, want %d", got, test.want)
			}
			latest, ok := heads.Latest()
			if ok != (len(test.published) > 0) {
				t.Errorf("Latest says %v after %d heads", ok, len(test.published))
			}
			if ok && latest.Height != test.published[len(test.published)-1].Height {
				t.Errorf("Latest is height %d", latest.Height)
			}
		})
	}
}

func TestHeadsCancel(t *testing.T) {
	var heads Publisher
	gone, cancel := heads.Subscribe()
	stays, cancelStays := heads.Subscribe()
	defer cancelStays()
	cancel()
	cancel()
	heads.Publish(types.Head{Height: 1})
	if got := waiting(gone); got != 0 {
		t.Errorf("received height %d after cancel", got)
	}
	if got := waiting(stays); got != 1 {
		t.Errorf("the other subscriber received height %d, want 1", got)
	}
	if n := len(heads.subscribers); n != 1 {
		t.Errorf("%d subscribers are kept, want 1", n)
	}
}

func TestHeadsKeepTheirHash(t *testing.T) {
	var heads Publisher
	hash := []byte{1}
	heads.Publish(types.Head{Height: 1, BlockHash: hash})
	hash[0] = 2
	if latest, _ := heads.Latest(); latest.BlockHash[0] != 1 {
		t.Error("the published hash changed with the publisher's slice")
	}
}

// TestHeadsConcurrently has subscribers come, read and go while heads are published; each sees heights ascend, and one
// that stays to the end sees the last.
func TestHeadsConcurrently(t *testing.T) {
	const last = 2000
	var heads Publisher
	var group sync.WaitGroup
	for reader := range 8 {
		subscription, cancel := heads.Subscribe()
		group.Go(func() {
			defer func() { cancel() }()
			for previous := int64(0); previous < last; {
				height := (<-subscription).Height
				if height <= previous {
					t.Errorf("height %d after %d", height, previous)
					return
				}
				previous = height
				if reader%2 == 0 && height < last {
					cancel()
					subscription, cancel = heads.Subscribe()
					// The head that the new subscription starts with may be the one just seen.
					previous--
				}
			}
		})
	}
	for height := int64(1); height <= last; height++ {
		heads.Publish(types.Head{Height: height})
	}
	group.Wait()
}
