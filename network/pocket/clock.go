package pocket

import (
	"fmt"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// clockTolerance is how far a servicer's clock may be off before it is remarked upon.
const clockTolerance = time.Minute

// clockRemark returns what is wrong with the times that a servicer signed, or "". It is a remark, not a failure: the answer
// is bound to the request by the hash of a fresh nonce, so it cannot be an old one, whatever its times say; an
// application gets the same answer; and the clock that is wrong may be ours.
func clockRemark(response *types.RelayResponse, sent time.Time, roundTrip time.Duration) string {
	received, answered := time.Unix(0, response.GetReceivedUnixNano()), time.Unix(0, response.GetAnsweredUnixNano())
	sent = sent.Round(0) // clocks of two machines are compared by their wall time
	switch {
	case received.Sub(answered) > clockTolerance:
		return fmt.Sprintf("its times contradict each other: answered %v before received", received.Sub(answered))
	case sent.Sub(received) > clockTolerance:
		return fmt.Sprintf("its clock is %v behind ours", sent.Sub(received).Round(time.Second))
	case answered.Sub(sent.Add(roundTrip)) > clockTolerance:
		return fmt.Sprintf("its clock is %v ahead of ours", answered.Sub(sent.Add(roundTrip)).Round(time.Second))
	}
	return ""
}
