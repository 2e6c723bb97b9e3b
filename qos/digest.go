package qos

import (
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// SessionDigest is a session summed up: its report, and what a window takes of it. Nobody changes it once it is made.
type SessionDigest struct {
	Report api.SessionReport
	Part   *WindowPart
}

// Digest sums up a session as Summarize does, for a window.
func Digest(session *types.QoSSession, rounds []*types.QoSRound) SessionDigest {
	return runningOf(session, rounds).Digest(session)
}
