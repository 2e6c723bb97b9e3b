package fisherman

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

func TestRoom(t *testing.T) {
	for name, test := range map[string]struct {
		budget int
		sizes  []int
		own    int
		want   int
		common bool
	}{
		"alone":                    {100, []int{24}, 24, 100, false},
		"two alike":                {100, []int{24, 24}, 24, 50, false},
		"small beside large":       {100, []int{10, 50}, 10, 30, false},
		"large beside small":       {100, []int{10, 50}, 50, 70, false},
		"just enough":              {60, []int{10, 50}, 10, 10, false},
		"too large alone":          {100, []int{101}, 101, 100, true},
		"small, large has no room": {59, []int{10, 50}, 10, 10, false},
		"large, has no room":       {59, []int{10, 50}, 50, 49, true},
		"alike, not all fit":       {59, []int{10, 20, 20, 20}, 20, 49, true},
		"below those alike":        {59, []int{10, 20, 20, 20}, 10, 10, false},
		"no servicers":             {10, []int{0, 24}, 0, 0, false},
	} {
		if got, common := room(test.budget, test.sizes, test.own); got != test.want || common != test.common {
			t.Errorf("%s: %d, in common %t", name, got, common)
		}
	}
}

// Sessions that use all their rooms at once stay within the budget; whoever has a room of its own has it for one round
// at least; the smaller never have less security than the larger.
func TestRoomsFitTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		budget := rapid.IntRange(1, 3000).Draw(t, "budget")
		sizes := rapid.SliceOfN(rapid.IntRange(1, 1024), 1, 40).Draw(t, "sizes")
		sum, shared := 0, 0
		largestOwn, smallestCommon := 0, 1<<30
		for _, own := range sizes {
			requests, common := room(budget, sizes, own)
			if common {
				shared, smallestCommon = requests, min(smallestCommon, own)
				continue
			}
			sum, largestOwn = sum+requests, max(largestOwn, own)
			if requests < own {
				t.Fatalf("%d requests for %d servicers", requests, own)
			}
		}
		if sum+shared > budget || shared < 0 || largestOwn >= smallestCommon && shared > 0 {
			t.Fatalf("%d and %d in common of %d", sum, shared, budget)
		}
	})
}

// crowd is a network of several sessions at once; what is under way is counted where it is dialled.
type crowd struct {
	*network
	counting     sync.Mutex
	active, most int
	hang         func(serviceURL string) time.Duration
	sizes        map[string]int
	chains       []string
}

func newCrowd(sizes map[string]int) *crowd {
	c := &crowd{network: newNetwork(), sizes: sizes, chains: []string{chain, "0002", "0003"}}
	for _, chain := range c.chains {
		c.catalogues[chain] = own(question.CometBFT())
	}
	c.dial = func(ctx context.Context, serviceURL string) (*wire.Conn, error) {
		c.count(1)
		defer c.count(-1)
		timer := time.NewTimer(c.hang(serviceURL))
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil, refused()
		case <-ctx.Done():
			if ctx.Err() == context.Canceled {
				return nil, ctx.Err() // carries no failure, so it is ours
			}
			return nil, refused()
		}
	}
	c.sessions = func(height int64) []*types.Session {
		var sessions []*types.Session
		for name, size := range c.sizes {
			sessions = append(sessions, c.session(name, size, height))
		}
		return sessions
	}
	return c
}

// session of an application's name, with so many servicers.
func (c *crowd) session(name string, size int, height int64) *types.Session {
	session := sessionOf(height-height%sessionBlocks, sessionBlocks, height)
	session.Header.Id = c.id(name, session.Header.StartHeight)
	session.Header.Application, session.Header.RelayChain = "application "+name, c.chains[len(name)%len(c.chains)]
	for i := range size {
		session.Servicers = append(session.Servicers, &types.Actor{
			Address: fmt.Sprintf("%s-%d", name, i), ServiceUrl: fmt.Sprintf("http://%s-%d.example", name, i),
		})
	}
	return session
}

func (c *crowd) id(name string, start int64) string { return fmt.Sprintf("%s from %d", name, start) }

func (c *crowd) count(by int) {
	c.counting.Lock()
	defer c.counting.Unlock()
	c.active += by
	c.most = max(c.most, c.active)
}

// stored is what became of a session's checks: each once, and in order.
func (c *crowd) stored(t *testing.T, name string, start int64) []*types.QoSRound {
	t.Helper()
	rounds, err := c.store.Rounds(t.Context(), c.id(name, start))
	if err != nil || len(rounds) != c.policy.Checks || c.store.repeated > 0 {
		t.Fatalf("%s: %d rounds, %v", name, len(rounds), err)
	}
	for i, round := range rounds {
		if int(round.GetIndex()) != i {
			t.Fatalf("%s: round %d has index %d", name, i, round.GetIndex())
		}
		checkRound(t, round)
	}
	return rounds
}

// A huge session whose servicers all hang, and one with very dense checks, take nothing from the others: all of theirs
// are asked, in time. What the large ones have no room for is dropped and counted, never delayed.
func TestNobodyStarves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(map[string]int{"huge": 1000, "hanging": 24, "a": 24, "b": 24, "c": 1})
		c.policy.Timeout = 20 * time.Second
		c.hang = func(serviceURL string) time.Duration {
			if strings.Contains(serviceURL, "huge") || strings.Contains(serviceURL, "hanging") {
				return time.Hour
			}
			return time.Millisecond
		}
		c.mostRequests = 1150
		c.while(t, func() { c.blocks(10, 20, 3*time.Second); time.Sleep(time.Minute) })
		for _, name := range []string{"a", "b", "c"} {
			if got := statuses(c.stored(t, name, 10)); got != "dddddddddd" {
				t.Errorf("%s: %s", name, got)
			}
		}
		for _, name := range []string{"huge", "hanging"} {
			rounds := c.stored(t, name, 10)
			if done := strings.Count(statuses(rounds), "d"); done < 2 || done == 10 || !strings.HasPrefix(statuses(rounds), "d") {
				t.Fatalf("%s: %s", name, statuses(rounds))
			}
			dropped := slices.IndexFunc(rounds, func(r *types.QoSRound) bool { return r.GetStatus() == types.RoundStatus_ROUND_STATUS_DROPPED })
			if reason := rounds[dropped].GetReason(); !strings.Contains(reason, "too many requests of the session") {
				t.Errorf("%s: %s", name, reason)
			}
		}
		if c.most > c.mostRequests {
			t.Errorf("%d requests under way", c.most)
		}
	})
}

// A budget that is too small for a round of each: the small sessions have theirs, the large ones what is left.
func TestBudgetIsTooSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(map[string]int{"larger": 300, "large": 290, "largest": 301, "a": 24, "b": 3})
		c.hang = func(string) time.Duration { return 2500 * time.Millisecond }
		c.interval, c.policy.Timeout = 3*time.Second, 10*time.Second
		c.mostRequests = 327 + 290
		c.while(t, func() { c.blocks(10, 20, 3*time.Second); time.Sleep(time.Minute) })
		for _, name := range []string{"a", "b", "large"} {
			if got := statuses(c.stored(t, name, 10)); got != "dddddddddd" {
				t.Errorf("%s: %s", name, got)
			}
		}
		if got := statuses(c.stored(t, "larger", 10)); !strings.Contains(got, "d") {
			t.Errorf("larger: %s", got)
		}
		largest := c.stored(t, "largest", 10)
		if got := statuses(largest); got != "xxxxxxxxxx" || !strings.Contains(largest[0].GetReason(), "session of this size") {
			t.Errorf("largest: %s: %s", got, largest[0].GetReason())
		}
		if c.most > c.mostRequests {
			t.Errorf("%d requests under way", c.most)
		}
	})
}
