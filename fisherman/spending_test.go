package fisherman

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// purse is a Budget of a number of requests.
type purse struct {
	mu          sync.Mutex
	left, taken int
	// returned is not spent again.
	returned int
}

func (p *purse) Take(requests int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if requests > p.left {
		return errors.New("nothing left to spend")
	}
	p.left, p.taken = p.left-requests, p.taken+requests
	return nil
}

func (p *purse) Return(requests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.returned += requests
}

// Checks are paid for before they ask, as long as there is money; the others are dropped and counted.
func TestChecksThatAreNotPaidForAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork() // ten checks of two servicers
		money := &purse{left: 7}
		n.policy.Budget = money
		n.while(t, func() { n.blocks(10, 20, time.Second) })
		_, rounds := n.record(t, 10)
		counted := make(map[types.Cause]int)
		for _, round := range rounds {
			counted[round.GetCause()]++
			if dropped := round.GetStatus() == types.RoundStatus_ROUND_STATUS_DROPPED; dropped != (round.GetCause() == types.Cause_CAUSE_BUDGET) ||
				dropped != strings.Contains(round.GetReason(), "nothing left to spend") {
				t.Errorf("%v", round)
			}
		}
		if counted[types.Cause_CAUSE_BUDGET] != 7 || counted[types.Cause_CAUSE_UNSPECIFIED] != 3 || money.taken != 6 {
			t.Errorf("causes %v, paid %d, back %d", counted, money.taken, money.returned)
		}
	})
}

// What was never sent is not paid for: here all connections are refused.
func TestRequestsThatAreNotSentAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		money := &purse{left: 100}
		n.policy.Budget = money
		n.while(t, func() { n.blocks(10, 15, time.Second) })
		if money.taken == 0 || money.returned != money.taken {
			t.Errorf("paid %d, back %d", money.taken, money.returned)
		}
	})
}

func TestChecksOnDemandArePaidFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.policy.Budget, n.policy.ChecksOnDemand = &purse{left: 1}, 5
		n.while(t, func() {
			n.head(10)
			time.Sleep(time.Second)
			for range 2 {
				_, err := n.running.CheckNow(t.Context(), Demand{Servicer: actor("a").GetAddress()})
				if !errors.Is(err, ErrTooManyChecks) || !strings.Contains(err.Error(), "nothing left to spend") {
					t.Errorf("%v", err)
				}
				time.Sleep(2 * demandEvery)
			}
		})
	})
}
