package fisherman

import (
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
)

// Policy is how a session is sampled and judged: the network's QoS parameters as of the session's start.
type Policy struct {
	// Checks in the session.
	Checks int
	// Distribution of the checks over the session.
	Distribution schedule.Distribution
	// Timeout from request written to last byte, and for connecting.
	Timeout time.Duration
	// LatencySLA above which an answer is slow.
	LatencySLA time.Duration
	// ServicerOffset bounds the private delay before each servicer's request; 0 asks all at once.
	ServicerOffset time.Duration
	// MaxSkew between first and last write, above which a round is void.
	MaxSkew time.Duration
	// NullSamplesAllowed in the session before a servicer is unavailable.
	NullSamplesAllowed uint32
	// Quorum is the fewest votes that a majority is taken from.
	Quorum int
	// Reserve is how many relays a servicer keeps for each fisherman in the session. 0 when that is not known.
	Reserve uint64
	// SessionsRetained in the store.
	SessionsRetained int
	// SamplesRequired for a verdict.
	SamplesRequired uint32
	// ChecksOnDemand in the session, at most. Servicers admit so many relays of a fisherman beside its planned checks; who
	// used them up would be refused in those.
	ChecksOnDemand int
}
