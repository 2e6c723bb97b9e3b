package fisherman

import "github.com/pocket-fisherman/fisherman/shared/core/types"

// Hooks tell an observer what the fisherman does; a nil function is not called. They are called when a round is over and
// was handed to the store, by the goroutine that carried it out: one that takes its time holds up neither its own round nor
// another. They should return soon all the same, since a session is not closed before its rounds have returned, and they
// change nothing that they are given.
type Hooks struct {
	// Round is told of each check of a session's plan: done, void or dropped.
	Round func(Observed)
}

// Observed is a check that is over.
type Observed struct {
	Session *types.SessionHeader
	Round   *types.QoSRound
	// Cause of a void or dropped round.
	Cause Cause
	// Stored: the store acknowledged the round.
	Stored bool
}

func (h Hooks) round(observed Observed) {
	if h.Round != nil {
		h.Round(observed)
	}
}
