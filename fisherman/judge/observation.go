package judge

import (
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Observation is one check as it was carried out: what was sent and received, when, and by which clock.
type Observation struct {
	SessionID string
	// Index of the check in the session's plan.
	Index    uint32
	Question question.Question
	// Asked is the most requests that each servicer can have received from this fisherman in the session, this one
	// included; 0 when that is not known.
	Asked uint64
	// Head is the newest height that was known when the question was drawn; 0 when none was.
	Head int64
	// BlockTime is the observed time between blocks of the relay chain; 0 when it is not known.
	BlockTime time.Duration
	// Due is when the check was to be released, Released when it was; zero when it never was.
	Due, Released time.Time
	// Skew is from the first request sent to the last, intended offsets left out.
	Skew time.Duration
	// Lead is how long before Due the check began to connect.
	Lead time.Duration
	// Stall is how long this process was kept from running while it waited for answers, ConnectStall while it connected
	// to servicers that had been late before.
	Stall, ConnectStall time.Duration
	// StallBegan is when Stall began. Judging: other checks were being judged during it.
	StallBegan time.Time
	Judging    bool
	// Stopped: the fisherman was stopped during the check.
	Stopped bool
	// Exchanges with the servicers of the session, one each.
	Exchanges []Exchange
	// Control is what the control probe said; nil when it was not asked.
	Control *Control
}

// Discard lets go of the answers.
func (o *Observation) Discard() {
	for i := range o.Exchanges {
		o.Exchanges[i].Payload, o.Exchanges[i].Response = nil, nil
	}
}

// Exchange is what passed between the fisherman and one servicer.
type Exchange struct {
	Servicer, ServiceURL string
	// Place is where the connection led to, whatever the URL is. All that answers from one place has one vote; what a place
	// is, the maker of the connection knows. Empty when no connection was made, or when it is not known.
	Place string
	// Operator is who runs the servicer by its own declaration, or by what the network knows; empty for nobody. Origins of
	// one operator have one vote, as verify.Poll counts.
	Operator string
	// Reused: the connection was kept from an earlier check. Otherwise DNS, Connect and TLS are the phases of making it;
	// all 0 when none was made.
	Reused            bool
	DNS, Connect, TLS time.Duration
	// Late is set when the connection was made only after the release, so that nothing was sent.
	Late *LateConnection
	// Responded: something came back from the far side, if only the refusal of a connection.
	Responded bool
	// Failure is why no answer came; nil when one did.
	Failure *types.Failure
	// Times of the exchange.
	Times Times
	// Arrived is what came of an answer, complete or not.
	Arrived Arrival
	// Rejected is why what came is not an answer to this request; nil when it is.
	Rejected *types.Failure
	// Status and Payload are what the node behind the servicer answered.
	Status  uint32
	Payload []byte
	// Remark is what is odd about an answer that counts, in one line.
	Remark string
	// Request and Response are what others need to check the answer.
	Request, Response []byte
}

// LateConnection is a connection that was made too late for its check.
type LateConnection struct {
	// Redialed: another connection had died right before the release.
	Redialed bool
	// Evades: the servicer had been as late before, and has since closed the connection that was kept for it.
	Evades bool
	// Before is how many connections to the servicer had been late when this one began to be made.
	Before int
}

// Times of one exchange; zero where there is none.
type Times struct {
	// Sent is the wall clock when the request left, by the kernel where it told.
	Sent time.Time
	// Writing is how long the write took. SentStamped: the kernel stamped the moment of sending.
	Writing     time.Duration
	SentStamped bool
	// Source is the clock of RoundTrip and FirstByte, which are from request sent to last and first byte of the answer.
	// UserRoundTrip is the same as this program saw it.
	Source                              types.TimingSource
	RoundTrip, FirstByte, UserRoundTrip time.Duration
}

// Arrival is what came of an answer, and when; zero when nothing did.
type Arrival struct {
	// Bytes of header and body, at least.
	Bytes int
	// First and Last byte came so long after the release of the check. What came at once has one moment.
	First, Last time.Duration
}

// Control is the control probe's answer to the question of the check, or the error of asking it.
type Control struct {
	Status  uint32
	Payload []byte
	Err     error
	// TooLarge: the answer is larger than the probe reads.
	TooLarge bool
	// Fitness says whether what the probe says of the chain is heard; Why says it for a person.
	Fitness types.ControlFitness
	Why     string
}
