package fisherman

import (
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Cause is why a round is void or was dropped, in one of the words below: what a reason says to a person, for counting.
type Cause string

// Causes of void rounds.
const (
	// CauseStopped: the fisherman was stopped during the check.
	CauseStopped Cause = "stopped"
	// CauseStall: this machine stood still during the check.
	CauseStall Cause = "stall"
	// CauseSkew: the requests were sent too far apart.
	CauseSkew Cause = "skew"
	// CauseNoSample: none of the samples counts.
	CauseNoSample Cause = "no_sample"
	// CauseNoProbe: nobody answered, and there is no control probe.
	CauseNoProbe Cause = "no_control_probe"
	// CauseOffline: nobody answered, the control probe neither.
	CauseOffline Cause = "offline"
	// CauseRefused: nobody answered, and several servicers refused the request as wrong.
	CauseRefused Cause = "refused"
)

// Causes of dropped rounds.
const (
	// CauseLeft: the fisherman is not in the session any more.
	CauseLeft Cause = "left"
	// CauseJoinedLate: it was due before the fisherman took the session up.
	CauseJoinedLate Cause = "joined_late"
	// CauseSessionOver: it was noticed after the session's end.
	CauseSessionOver Cause = "session_over"
	// CauseOvertaken: the next check was due as well.
	CauseOvertaken Cause = "overtaken"
	// CauseOverload: too many checks were under way.
	CauseOverload Cause = "overload"
	// CauseNoServicers: there was nobody to ask.
	CauseNoServicers Cause = "no_servicers"
	// CauseNoQuestion: there was nothing to ask, as when the relay chain's head is not known.
	CauseNoQuestion Cause = "no_question"
)

// Causes of both.
const (
	// CauseNone: the round is done.
	CauseNone Cause = ""
	// CauseLate: it was noticed or released too late.
	CauseLate Cause = "late"
	// CauseOther: the reason is none of those that are counted apart.
	CauseOther Cause = "other"
)

// reasons are what the reasons of void and dropped rounds begin with. No reason begins with what a stranger says.
var reasons = []struct {
	status types.RoundStatus
	begin  string
	cause  Cause
}{
	{types.RoundStatus_ROUND_STATUS_VOID, "the fisherman was stopped", CauseStopped},
	{types.RoundStatus_ROUND_STATUS_VOID, "released ", CauseLate},
	{types.RoundStatus_ROUND_STATUS_VOID, "this machine stalled", CauseStall},
	{types.RoundStatus_ROUND_STATUS_VOID, "skew of ", CauseSkew},
	{types.RoundStatus_ROUND_STATUS_VOID, "none of its samples counts", CauseNoSample},
	{types.RoundStatus_ROUND_STATUS_VOID, "no servicer answered and there is no control probe", CauseNoProbe},
	{types.RoundStatus_ROUND_STATUS_VOID, "no servicer answered and neither did the control probe", CauseOffline},
	{types.RoundStatus_ROUND_STATUS_VOID, "no servicer answered, and those that could be reached refused", CauseRefused},
	{types.RoundStatus_ROUND_STATUS_DROPPED, "the fisherman does not belong", CauseLeft},
	{types.RoundStatus_ROUND_STATUS_DROPPED, "fell due before the fisherman took the session up", CauseJoinedLate},
	{types.RoundStatus_ROUND_STATUS_DROPPED, "the session was over", CauseSessionOver},
	{types.RoundStatus_ROUND_STATUS_DROPPED, "the next check was due as well", CauseOvertaken},
	{types.RoundStatus_ROUND_STATUS_DROPPED, "noticed ", CauseLate},
	{types.RoundStatus_ROUND_STATUS_DROPPED, "too many ", CauseOverload},
	{types.RoundStatus_ROUND_STATUS_DROPPED, "the session has no servicers", CauseNoServicers},
	{types.RoundStatus_ROUND_STATUS_DROPPED, "the head of relay chain ", CauseNoQuestion},
	{types.RoundStatus_ROUND_STATUS_DROPPED, "draw a question ", CauseNoQuestion},
}

// CauseOf is why a round is not done.
func CauseOf(round *types.QoSRound) Cause {
	if round.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE {
		return CauseNone
	}
	for _, known := range reasons {
		if known.status == round.GetStatus() && strings.HasPrefix(round.GetReason(), known.begin) {
			return known.cause
		}
	}
	return CauseOther
}
