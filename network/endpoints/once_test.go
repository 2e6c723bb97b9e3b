package endpoints

import (
	"sync"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// A session whose end is not published is never closed: whoever waits for it would wait for ever. The clock and the end of
// Run wait for one moment, and either may come first, so many networks try it at once.
func TestOnceEndsWithTheHeadAfterItsSession(t *testing.T) {
	group := groups.DefaultGroup()
	group.Name, group.Session, group.Interval = "compare", time.Second, time.Second
	var running sync.WaitGroup
	for range 200 {
		running.Go(func() {
			n := New(Config{Groups: []groups.Group{group}, Once: true, Catalogue: func(configs.RelayChain) (question.Catalogue, error) {
				return question.EVMValues(question.EVMFinality), nil
			}})
			if err := n.Run(t.Context()); err != nil {
				t.Error(err)
			}
			newest, _ := n.Latest()
			for _, s := range n.sessions {
				if newest.Height < s.end() {
					t.Errorf("the newest height is %d, the session ends at %d", newest.Height, s.end())
				}
			}
			if len(n.sessions) != 1 {
				t.Errorf("%d sessions", len(n.sessions))
			}
		})
	}
	running.Wait()
}
