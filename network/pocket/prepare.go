package pocket

import (
	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Prepare implements round.Preparer: the signatures of answers are verified together.
func (r *request) Prepare(requests []fisherman.Request, answers []*wire.Answer) {
	var batch crypto.Batch
	proven := make([]bool, len(requests))
	for i, each := range requests {
		if own, is := each.(*request); is && answers[i] != nil {
			relay.Prove(&batch, answers[i].Body, own.binding, &proven[i])
		}
	}
	batch.Verify()
	for i, valid := range proven {
		if valid {
			requests[i].(*request).proven = answers[i]
		}
	}
}
