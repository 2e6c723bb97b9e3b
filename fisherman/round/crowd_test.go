package round_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Rounds that begin at once, in any order, are released on time as long as the processors can make the requests of each before
// its moment if they make them in the order of the moments.
func TestRoundsThatBeginAtOnceAreReleasedInTime(t *testing.T) {
	const rounds, servicers = 100, 24
	synctest.Test(t, func(t *testing.T) {
		session := unreachable(servicers)
		processors := runtime.GOMAXPROCS(0)
		free := make(chan struct{}, processors)
		runner := round.Runner{Pool: &wire.Pool{}, Turns: round.NewTurns(),
			Ask: func(*types.Session, *types.Actor, types.Payload) (round.Request, error) {
				free <- struct{}{}
				time.Sleep(time.Millisecond) // of a processor
				<-free
				return unsent{}, nil
			},
			Dial: noDial,
		}
		defer runner.Pool.Close()
		// Beside the requests of those before it, a round waits for those of which the turn has come at the same time.
		begun, one := time.Now(), servicers*time.Millisecond/time.Duration(processors)
		var all sync.WaitGroup
		for _, i := range rand.Perm(rounds) {
			due := begun.Add(time.Duration(i+1+processors) * one * 5 / 4)
			all.Go(func() {
				observed := runner.Run(t.Context(), round.Spec{Session: session, Due: due, Timeout: time.Second})
				if late := observed.Released.Sub(due); late > 0 {
					t.Errorf("round %d was released %v late", i, late)
				}
			})
		}
		all.Wait()
	})
}
