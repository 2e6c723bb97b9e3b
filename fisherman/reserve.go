package fisherman

import (
	"fmt"
	"sync"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// within tells whose fault it is that a servicer refused a relay for being over the allowance. A servicer keeps a
// reserve of relays for each fisherman of a session (Policy.Reserve): a fisherman that cannot have asked for more has
// used up nothing, and the refusal is the servicer's. Without this rule a servicer could make voids of its nulls.
func (o *order) within(failure *relay.Failure) *relay.Failure {
	over := failure != nil && failure.Code == types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE
	if !over || o.asked == 0 || o.asked > o.policy.Reserve {
		return failure
	}
	return &relay.Failure{
		Outcome: types.Outcome_OUTCOME_RELAY_ERROR,
		Blame:   types.Blame_BLAME_SERVICER,
		Attempt: failure.Attempt,
		Code:    failure.Code,
		Err:     fmt.Errorf("this was relay %d at most of a reserve of %d: %w", o.asked, o.policy.Reserve, failure.Err),
	}
}

// mostAsked is how many relays the schedule can have sent to one servicer by the time that it sends a check's: one for
// each check up to it. A run that was killed may have asked each of them already without having stored it.
func (w *watch) mostAsked(index uint32) uint64 {
	asked := uint64(index) + 1
	if w.resumed {
		asked *= 2
	}
	return asked
}

// mostExtras bounds the sessions that extras are counted of; only sessions that are current can be asked.
const mostExtras = 1024

// extras counts the checks outside of any schedule: they take of the same reserve.
type extras struct {
	mu     sync.Mutex
	counts map[string]uint64
}

func (e *extras) add(session string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.counts == nil || len(e.counts) >= mostExtras {
		e.counts = make(map[string]uint64)
	}
	e.counts[session]++
}

func (e *extras) of(session string) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.counts[session]
}

func (e *extras) forget(session string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.counts, session)
}
