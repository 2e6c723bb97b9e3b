package rpc

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/inbound"
)

// No more reads of a store run at once than there are places; the others wait, and give up with their context.
func TestReadsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{reading: make(chan struct{}, mostReads)}
		var now, most, answered, late atomic.Int32
		endpoint := s.inTurn(func(context.Context, query) (any, error) {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return nil, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second+time.Millisecond)
		defer cancel()
		const requests = 100
		for range requests {
			go func() {
				switch _, err := endpoint(ctx, query{}); {
				case err == nil:
					answered.Add(1)
				case errors.Is(err, context.DeadlineExceeded):
					late.Add(1)
				}
			}()
		}
		time.Sleep(time.Minute)
		if most.Load() != mostReads || answered.Load() < 5*mostReads || answered.Load()+late.Load() != requests {
			t.Errorf("%d at once, %d answered, %d too late", most.Load(), answered.Load(), late.Load())
		}
	})
}

// Of those that wait for a turn no more than a bound do: others are refused at once, and leave their places.
func TestAFewWaitForTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const requests, connections = 100, 34
		s := New(Config{Connections: inbound.Bounds{Most: connections}}, Readers{})
		end := make(chan struct{})
		var answered, refused atomic.Int32
		endpoint := s.inTurn(func(context.Context, query) (any, error) { <-end; return nil, nil })
		for range requests {
			go func() {
				switch _, err := endpoint(t.Context(), query{}); {
				case err == nil:
					answered.Add(1)
				case errors.Is(err, errCrowded):
					refused.Add(1)
				}
			}()
		}
		synctest.Wait()
		if got := refused.Load(); got != requests-29 {
			t.Errorf("%d are refused", got)
		}
		close(end)
		synctest.Wait()
		if got := answered.Load(); got != 29 {
			t.Errorf("%d are answered", got)
		}
	})
}
