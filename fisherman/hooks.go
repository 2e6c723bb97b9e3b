package fisherman

import "github.com/pocket-fisherman/fisherman/shared/core/types"

// Hooks tell an observer what the fisherman stores; a nil function is not called. The writer's goroutine calls them, in
// order, once the outcome is known: what they are given is durable unless it says otherwise. A round that found no room
// to wait in is reported at once, by whoever handed it in. Hooks return soon, since what waits to be stored waits for
// them too, and change nothing that they are given.
type Hooks struct {
	// Round is told of each check of a session's plan: done, void or dropped.
	Round func(Observed)
	// Session is told of each session that was stored, again whenever it changed.
	Session func(*types.QoSSession)
}

// Observed is a check that is over.
type Observed struct {
	Session *types.SessionHeader
	Round   *types.QoSRound
	// Stored: the round is durable.
	Stored bool
}

func (h Hooks) round(observed Observed) {
	if h.Round != nil {
		h.Round(observed)
	}
}

func (h Hooks) session(session *types.QoSSession) {
	if h.Session != nil {
		h.Session(session)
	}
}
