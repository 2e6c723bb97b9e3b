package fisherman

import (
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
)

// Policy is how a session is sampled and judged: the network's QoS parameters as of the session's start.
type Policy struct {
	// Rules by which answers are judged. The ignored fields are the fisherman's own.
	judge.Rules
	// Chain is the session's relay chain; nil for the one of that name in the fisherman's configuration.
	Chain *Chain
	// Checks in the session.
	Checks int
	// Distribution of the checks over the session.
	Distribution schedule.Distribution
	// ServicerOffset bounds the private delay before each servicer's request; 0 asks all at once.
	ServicerOffset time.Duration
	// NullSamplesAllowed in the session before a servicer is unavailable.
	NullSamplesAllowed uint32
	// DisagreementsAllowed in the session before a servicer is inconsistent.
	DisagreementsAllowed uint32
	// MaxLag is how many blocks a node may be behind the servicers' majority; 0 means the catalogue's own.
	MaxLag int64
	// LaggingAllowed is how many head claims may be behind by more before a servicer is behind.
	LaggingAllowed uint32
	// ColdShare is how many consecutive checks have one among them that goes over new connections; 0 for none.
	ColdShare uint32
	// SessionsRetained in the store.
	SessionsRetained int
	// SamplesRequired for a verdict.
	SamplesRequired uint32
	// ChecksOnDemand in the session, at most. Servicers admit this many relays of a fisherman beside its planned checks;
	// further ones would be refused.
	ChecksOnDemand int
	// Budget pays for the session's requests; nil where asking costs nothing.
	Budget Budget
}
