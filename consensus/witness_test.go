package consensus

import (
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// TestOldBlocksAreNotWitnessed: a block that arrives like a live one is marked if its votes are old.
func TestOldBlocksAreNotWitnessed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ago    time.Duration
		marked bool
	}{
		"just now":          {0, false},
		"still fresh":       {freshness - time.Second, false},
		"long ago":          {freshness + time.Second, true},
		"by a fast clock":   {time.Hour, true},
		"by a behind clock": {-time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine, err := New(testConfig(t, t.TempDir()), newMemoryState())
			if err != nil {
				t.Fatal(err)
			}
			engine.now = func() time.Time { return time.Now().Add(test.ago) }
			r := run(t, engine)
			for range 3 {
				if head := r.await("a head", func(types.Head) bool { return true }); head.CatchingUp != test.marked {
					t.Errorf("agreed on %s ago: %+v", test.ago, head)
				}
			}
			r.stop()
		})
	}
}

// TestAgreedAtIsTheNextBlocksTime: the votes on a block determine the next block's time.
func TestAgreedAtIsTheNextBlocksTime(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig(t, t.TempDir()), newMemoryState())
	r.awaitHeight(5)
	agreed, err := r.agreedAt(2)
	next := r.node.BlockStore().LoadBlockMeta(3).Header.Time
	if err != nil || !agreed.Equal(next) {
		t.Errorf("block 2 was agreed on at %v, %v; block 3 says %v", agreed, err, next)
	}
	if _, err := r.agreedAt(1_000_000); err == nil {
		t.Error("a block that is not there was agreed on")
	}
	r.stop()
}
