package chain

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// jury is a belief at a time that the test moves.
type jury struct {
	*belief
	t         testing.TB
	now       time.Time
	published []int64
}

func newJury(t testing.TB, endpoints int, chain string) *jury {
	j := &jury{t: t, now: time.Unix(1_790_000_000, 0)}
	j.belief = newBelief(endpoints, chain, func(head types.Head) { j.published = append(j.published, head.Height) })
	return j
}

func (j *jury) says(from int, height int64) (doubtful bool) {
	j.t.Helper()
	doubtful, err := j.take(from, "pocket", claim{height: height}, j.now)
	if err != nil {
		j.t.Fatal(err)
	}
	return doubtful
}

func (j *jury) wait(d time.Duration) { j.now = j.now.Add(d) }

func (j *jury) want(heights ...int64) {
	j.t.Helper()
	if !slices.Equal(j.published, heights) {
		j.t.Errorf("published %v, want %v", j.published, heights)
	}
}

func TestOneEndpointIsBelievedWhileItRises(t *testing.T) {
	j := newJury(t, 1, "")
	for _, height := range []int64{100, 101, 101, 99, 0, 103, 102} {
		j.says(0, height)
	}
	j.want(100, 101, 103)
}

func TestALeapOfALoneEndpointIsHeldBack(t *testing.T) {
	j := newJury(t, 1, "")
	for _, height := range []int64{100, 1 << 62, 101, 1000, 102} {
		j.wait(time.Second)
		j.says(0, height)
	}
	j.want(100, 101, 102)
	j.wait(10 * time.Minute) // this machine slept
	j.says(0, 112)
	j.want(100, 101, 102, 112)
}

func TestALoneEndpointThatKeepsToALeapIsBelieved(t *testing.T) {
	j := newJury(t, 1, "")
	j.says(0, 5) // the lie
	for i := range int64(4) {
		j.says(0, 700_000+i)
		j.wait(leapPatience / 3)
	}
	j.want(5, 700_003)
}

func TestNoEndpointOfSeveralMovesTheHeadAlone(t *testing.T) {
	j := newJury(t, 3, "")
	for i := range 3 {
		j.says(i, 100)
	}
	for i := range int64(1000) {
		j.wait(time.Second)
		if !j.says(0, 100+slack+1+i) {
			t.Fatal("nobody else is asked")
		}
	}
	j.want(100)
	j.says(1, 101)
	j.says(2, 103)
	j.want(100, 101, 103)
}

func TestAnEndpointThatStandsStillHoldsNobodyUpForLong(t *testing.T) {
	j := newJury(t, 2, "")
	j.says(0, 100)
	j.says(1, 100)
	for i := range int64(6) {
		j.wait(time.Minute)
		j.says(0, 100) // it still answers
		j.says(1, 101+i)
	}
	j.want(100, 101, 102, 103, 104, 105, 106)
	j.says(0, 1<<40)
	if last := j.published[len(j.published)-1]; last != 106 {
		t.Errorf("then it leapt to %d", last)
	}
}

func TestTheFirstHeadWaitsForAWitness(t *testing.T) {
	j := newJury(t, 2, "")
	j.says(0, 1<<40)
	j.want()
	j.wait(time.Second)
	j.says(1, 100)
	j.want(100)

	j = newJury(t, 2, "")
	j.says(0, 100)
	j.wait(startPatience)
	j.says(0, 101)
	j.want(101)
}

func TestEndpointsThatCatchUpAreNotHeard(t *testing.T) {
	j := newJury(t, 2, "")
	j.says(0, 100)
	if _, err := j.take(1, "pocket", claim{height: 90, catchingUp: true}, j.now); err != nil {
		t.Fatal(err)
	}
	j.wait(startPatience)
	j.says(0, 105)
	j.want(100, 105)
}

func TestTheChainIsThatOfMost(t *testing.T) {
	j := newJury(t, 3, "")
	for i, chain := range []string{"other", "pocket", "pocket"} {
		j.take(i, chain, claim{height: 10}, j.now)
	}
	if _, err := j.take(0, "other", claim{height: 11}, j.now); !errors.Is(err, ErrOtherChain) {
		t.Errorf("an endpoint of another chain: %v", err)
	}
	if _, err := j.take(2, "other", claim{height: 12}, j.now); !errors.Is(err, ErrOtherChain) {
		t.Errorf("an endpoint that changed its chain: %v", err)
	}
	j.says(1, 12)
	j.want(10, 12)

	j = newJury(t, 1, "pocket")
	if _, err := j.take(0, "other", claim{height: 11}, j.now); !errors.Is(err, ErrOtherChain) {
		t.Errorf("an endpoint of another chain than configured: %v", err)
	}
	j.want()
}

// Whatever endpoints claim, heads rise; and with a majority of honest ones none is above what an honest one has reached by
// more than the slack.
func TestHeadsRiseAndAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		honest := rapid.IntRange(2, 4).Draw(t, "honest")
		j := &jury{now: time.Unix(1_790_000_000, 0)}
		var reached int64 = 100
		j.belief = newBelief(honest+1, "pocket", func(head types.Head) {
			if len(j.published) > 0 && head.Height <= j.published[len(j.published)-1] {
				t.Fatalf("published %d after %d", head.Height, j.published[len(j.published)-1])
			}
			if head.Height > reached+slack {
				t.Fatalf("published %d while honest endpoints are at %d", head.Height, reached)
			}
			j.published = append(j.published, head.Height)
		})
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			j.now = j.now.Add(time.Duration(rapid.IntRange(0, 10_000).Draw(t, "ms")) * time.Millisecond)
			if rapid.Bool().Draw(t, "block") {
				reached++
			}
			from := rapid.IntRange(0, honest).Draw(t, "from")
			height := reached
			if from == honest {
				height = rapid.Int64Range(0, 1<<62).Draw(t, "lie")
			}
			j.take(from, "pocket", claim{height: height}, j.now)
			for i := range honest { // the honest are asked when there is a doubt, and now and then
				j.take(i, "pocket", claim{height: reached}, j.now)
			}
		}
		if j.published[len(j.published)-1] < reached {
			t.Fatalf("at %d while honest endpoints are at %d", j.published[len(j.published)-1], reached)
		}
	})
}
