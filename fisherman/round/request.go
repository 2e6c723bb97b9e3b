package round

import (
	"context"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Request is one question, addressed to one servicer and ready to be written.
type Request interface {
	// Wire returns the whole request as it is written to the servicer's connection.
	Wire() []byte
	// Open verifies that an answer is the servicer's, to this very request, and returns what it says. A failure says how
	// it ended, whom that speaks against, and carries a Refusal if the servicer signed one.
	Open(answer *wire.Answer) (Reply, *wire.Failure)
	// Evidence returns what has to be kept of the request so that others can check the answer.
	Evidence() []byte
}

// Preparer is a Request that opens many answers in less time when they are prepared together.
type Preparer interface {
	Request
	// Prepare does some of the work of Open for answers to requests of the same network, itself among them. Open does what is
	// left, or all of it. A request without an answer has nil.
	Prepare(requests []Request, answers []*wire.Answer)
}

// Reply is what the node behind a servicer answered.
type Reply struct {
	// Status is the node's HTTP status; 0 when it is not known.
	Status  uint32
	Payload []byte
	// Remark is what is odd about the answer although it counts, in one line.
	Remark string
	// Kept is what others need of the answer to check it; nil for its body as it came.
	Kept []byte
}

// Ask addresses a question to one servicer of a session. It is called by several goroutines at once. Like Request.Open, it waits for
// nothing: rounds take turns at both. An error that is a *wire.Failure says whose fault it is; any other is ours.
type Ask func(session *types.Session, servicer *types.Actor, payload types.Payload) (Request, error)

// Dial connects to a service URL. Errors are *wire.Failure.
type Dial func(ctx context.Context, serviceURL string) (*wire.Conn, error)
