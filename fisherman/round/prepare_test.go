package round_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// unsent is a request that nobody is connected to for.
type unsent struct{}

func (unsent) Wire() []byte     { return nil }
func (unsent) Evidence() []byte { return nil }

func (unsent) Open(*wire.Answer) (round.Reply, *wire.Failure) { return round.Reply{}, nil }

// unreachable is a session with servicers that nobody can connect to.
func unreachable(count int) *types.Session {
	session := &types.Session{Header: &types.SessionHeader{Id: "session"}}
	for i := range count {
		session.Servicers = append(session.Servicers, &types.Actor{Address: fmt.Sprintf("%02d", i), ServiceUrl: "http://127.0.0.1:1"})
	}
	return session
}

// noDial connects to nobody.
func noDial(context.Context, string) (*wire.Conn, error) {
	return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_CONNECT, errors.New("nobody is there"))
}

// Requests are made on as many processors as there are and no more, one for each servicer; one that cannot be made is no other's
// matter.
func TestRequestsAreMadeOnAllProcessors(t *testing.T) {
	for _, count := range []int{0, 1, 2, 50} {
		synctest.Test(t, func(t *testing.T) {
			session := unreachable(count)
			var mu sync.Mutex
			asked, busy, most := make(map[string]int), 0, 0
			runner := round.Runner{Pool: &wire.Pool{},
				Ask: func(_ *types.Session, servicer *types.Actor, _ types.Payload) (round.Request, error) {
					mu.Lock()
					asked[servicer.GetAddress()]++
					busy++
					most = max(most, busy)
					mu.Unlock()
					time.Sleep(time.Millisecond) // virtual: all workers are in here together
					mu.Lock()
					busy--
					mu.Unlock()
					if servicer.GetAddress() == "07" {
						return nil, errors.New("no request for this one")
					}
					return unsent{}, nil
				},
				Dial: noDial,
			}
			defer runner.Pool.Close()
			began := time.Now()
			observed := runner.Run(t.Context(), round.Spec{Session: session, Due: time.Now(), Timeout: time.Second})
			workers := min(runtime.GOMAXPROCS(0), count)
			if want := time.Duration((count+workers-1)/max(workers, 1)) * time.Millisecond; time.Since(began) < want || most != workers {
				t.Errorf("%d servicers: %d at once, %d wanted; after %v", count, most, workers, time.Since(began))
			}
			if len(observed.Exchanges) != count || len(asked) != count {
				t.Errorf("%d servicers: %d exchanges, %d asked", count, len(observed.Exchanges), len(asked))
			}
			for _, exchange := range observed.Exchanges {
				attempt := types.Attempt_ATTEMPT_CONNECT
				if exchange.Servicer == "07" {
					attempt = types.Attempt_ATTEMPT_SEAL_REQUEST
				}
				if asked[exchange.Servicer] != 1 || exchange.Failure == nil || exchange.Failure.Attempt != attempt {
					t.Errorf("servicer %s: asked %d times, %v", exchange.Servicer, asked[exchange.Servicer], exchange.Failure)
				}
			}
		})
	}
}
