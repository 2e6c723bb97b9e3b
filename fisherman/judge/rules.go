package judge

import (
	"cmp"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Rules by which the checks of a session are judged.
type Rules struct {
	// Timeout from request sent to last byte, and for connecting.
	Timeout time.Duration
	// LatencySLA above which an answer is slow.
	LatencySLA time.Duration
	// MaxSkew between the first and the last request sent, above which a check is void.
	MaxSkew time.Duration
	// MaxStall is the longest stall of this process that a check survives; 0 means StallLimit.
	MaxStall time.Duration
	// Quorum is the fewest votes that a majority is taken from.
	Quorum int
	// Reserve is how many requests a servicer keeps for each fisherman in the session; 0 when that is not known.
	Reserve uint64
	// Direct says that nodes are asked without a relay protocol between. What comes back of one then shows that this machine's
	// network is sound, where no control probe can.
	Direct bool
	// IgnoredFields are JSON pointers to what is not compared in the answers; Ignored are the same, parsed.
	IgnoredFields []string
	Ignored       []types.Pointer
}

// maxStall returns MaxStall, or its default.
func (r *Rules) maxStall() time.Duration { return cmp.Or(r.MaxStall, StallLimit) }

const (
	// LongestLead is the longest that a check may take to connect before its release.
	LongestLead = 500 * time.Millisecond
	// StallLimit is the usual Rules.MaxStall. A longer stall could turn answers that had
	// arrived in time into time-outs, or add that much to their round-trip times.
	StallLimit = 100 * time.Millisecond
	// lateDoubtful and lateNull are how often a servicer has to have been late before for lateness to be doubtful, or to
	// be its own.
	lateDoubtful = 2
	lateNull     = 4
	// latestRelease is how much later than planned a check may be released: the time to connect and to redial. A later
	// one was held up by this machine and is void, since it is unknown what else was.
	latestRelease = 2*LongestLead + StallLimit
	// writeLimit is the longest that writing a request may take before its sample is void: the moment of sending would be
	// known no better than that.
	writeLimit = 5 * time.Millisecond
	// largeAnswer is from how many bytes on an answer makes it plausible that another node's spelling of the same does
	// not fit the protocol.
	largeAnswer = 128 << 10
	// largestTimed is the largest answer whose round-trip time counts, in bytes. That of a larger one says more of the
	// bandwidth on the way than of the servicer.
	largestTimed = 64 << 10
	// respelled is how much larger one node may spell an answer than another one, with spaces and line breaks.
	respelled = 2
	// saturating is how many bytes of answers may keep our own link busy, so that they take longer than their servicers do:
	// 20 ms at 100 Mbit/s, 0.2 s at 10 Mbit/s.
	saturating = 256 << 10
	// mostDetail bounds the text kept with a sample or a round, in bytes.
	mostDetail = 256
	// mostEvidence bounds each envelope kept with a sample, in bytes.
	mostEvidence = 64 << 10
)
