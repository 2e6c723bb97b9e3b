package consensus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cometbft/cometbft/libs/log"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ErrKeyInUse is returned by Run when another node signs blocks with this node's validator key, and did so before this one
// began to.
var ErrKeyInUse = errors.New("another node signs blocks with this validator's key")

const (
	// keptHeights bounds the heights whose signatures are remembered and looked at.
	keptHeights = 128
	// twinEvery is how often a node that goes on says that another one uses its key.
	twinEvery = time.Minute
	// A node whose key has signed blocks that it has not seen itself sign lets the other node, if there is one, be first: at its
	// first hesitantHeights, for so long. Of two votes with one key a block has the one that came first, and only the other's shows
	// that there is another node.
	hesitantHeights = 5
	hesitation      = 500 * time.Millisecond
)

// recorder is a signer that remembers what it signed of late.
type recorder struct {
	cmttypes.PrivValidator
	// before is the height that was signed last before this node was started.
	before int64
	// hesitates reports whether a height is signed only after a pause; nil for never. Set before anything is signed.
	hesitates func(height int64) bool
	pause     func(time.Duration)

	mu sync.Mutex
	// first is the first height that was signed since the start, firstAt when; 0 for none.
	first   int64
	firstAt time.Time
	// signatures of votes, by height.
	signatures map[int64][][]byte
}

func newRecorder(signer cmttypes.PrivValidator, before int64) *recorder {
	return &recorder{PrivValidator: signer, before: before, signatures: make(map[int64][][]byte), pause: time.Sleep}
}

// SignVote implements cmttypes.PrivValidator.
func (r *recorder) SignVote(chainID string, vote *cmtproto.Vote) error {
	if vote.Type == cmtproto.PrecommitType && r.hesitates != nil && r.hesitates(vote.Height) {
		r.pause(hesitation)
	}
	if err := r.PrivValidator.SignVote(chainID, vote); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == 0 {
		r.first, r.firstAt = vote.Height, vote.Timestamp
	}
	r.signatures[vote.Height] = append(r.signatures[vote.Height], bytes.Clone(vote.Signature))
	delete(r.signatures, vote.Height-keptHeights)
	return nil
}

// signed reports whether a signature of a height is one of ours. judged is false for a height of which that is not known:
// one from before this node was started, or before it signed anything.
func (r *recorder) signed(height int64, signature []byte) (ours, judged bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == 0 || height < r.first || height <= r.before {
		return false, false
	}
	for _, each := range r.signatures[height] {
		if bytes.Equal(each, signature) {
			return true, true
		}
	}
	return false, true
}

// firstVote returns the first height that was signed since the start, and when; 0 for none.
func (r *recorder) firstVote() (int64, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first, r.firstAt
}

// firstHeight returns the first height that was signed since the start; 0 for none.
func (r *recorder) firstHeight() int64 {
	first, _ := r.firstVote()
	return first
}

// twin looks for signatures of our validator key that are not ours. Only who has the key can make them, so no stranger can
// make it stop a node.
type twin struct {
	signer *recorder
	// address of the validator.
	address cmttypes.Address
	// commit returns the votes on a block that the next block has; nil if there is none.
	commit func(height int64) *cmttypes.Commit
	// conflicting reports whether the key has voted on another block than ours since the last call.
	conflicting func() bool
	logger      log.Logger
	now         func() time.Time
	// next is the next height to look at.
	next int64
	said time.Time
}

// watch looks at each block until the context ends, and returns ErrKeyInUse if the other node was there first.
func (t *twin) watch(ctx context.Context, heads <-chan types.Head) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case head := <-heads:
			if err := t.look(head.Height); err != nil {
				return err
			}
		}
	}
}

// look looks at the votes on the blocks below a height, which its block and those before it have.
func (t *twin) look(height int64) error {
	if t.conflicting() {
		if err := t.found(height); err != nil {
			return err
		}
	}
	for t.next = max(t.next, height-keptHeights+1, 1); t.next < height; t.next++ {
		vote := t.vote(t.next)
		if vote == nil {
			continue
		}
		if ours, judged := t.signer.signed(t.next, vote.Signature); ours || !judged {
			continue
		}
		if err := t.found(t.next); err != nil {
			return err
		}
	}
	return nil
}

// found judges a vote of a height that is not ours: the node that was there first goes on, and says so.
func (t *twin) found(height int64) error {
	if first, at := t.signer.firstVote(); t.wasThere(first) || t.wasEarlier(height, at) {
		return fmt.Errorf("%w: it voted at height %d, and on blocks before this node's first vote, at height %d; stop one of the two, and give each validator a key of its own",
			ErrKeyInUse, height, first)
	}
	if now := t.now(); t.said.IsZero() || now.Sub(t.said) >= twinEvery {
		t.said = now
		t.logger.Error("another node signs blocks with this validator's key: stop it, and give each validator a key of its own", "height", height)
	}
	return nil
}

// wasThere reports whether the key signed blocks between the last one that this node signed before it was started and its
// first one since.
func (t *twin) wasThere(first int64) bool {
	for height := max(t.signer.before+1, first-keptHeights, 1); height < first; height++ {
		if t.vote(height) != nil {
			return true
		}
	}
	return false
}

// wasEarlier reports whether the other node voted at a height before our first vote was made. A node that lags votes on blocks
// that were made long ago, so that its first vote may be below the other's.
func (t *twin) wasEarlier(height int64, first time.Time) bool {
	vote := t.vote(height)
	return vote != nil && vote.Timestamp.Before(first)
}

// hesitates reports whether another node may be about to sign a height with our key.
func (t *twin) hesitates(height int64) bool {
	first := t.signer.firstHeight()
	if first == 0 {
		first = height
	}
	return height < first+hesitantHeights && t.wasThere(first)
}

// vote returns the vote of our key on a block, or on no block, of a height; nil if there is none.
func (t *twin) vote(height int64) *cmttypes.CommitSig {
	commit := t.commit(height)
	if commit == nil {
		return nil
	}
	for i := range commit.Signatures {
		if vote := &commit.Signatures[i]; bytes.Equal(vote.ValidatorAddress, t.address) {
			return vote
		}
	}
	return nil
}

// newTwin returns a twin's watch of the engine.
func (e *Engine) newTwin() (*twin, error) {
	key, err := e.signer.GetPubKey()
	if err != nil {
		return nil, fmt.Errorf("read the validator's public key: %w", err)
	}
	return &twin{signer: e.signer, address: key.Address(), commit: e.node.BlockStore().LoadBlockCommit,
		conflicting: func() bool { return e.signs.conflicting.Swap(false) }, logger: e.logger, now: e.now}, nil
}

// watchKey ends the chain if another node was there first with our key.
func (e *Engine) watchKey(ctx context.Context, looking *twin) {
	heads, unsubscribe := e.heads.Subscribe()
	defer unsubscribe()
	if err := looking.watch(ctx, heads); err != nil {
		e.fail(err)
	}
}

// because returns why consensus failed. Two nodes with one key that has most of the voting power part ways before either sees
// a signature of the other; then the reason is a guess, and says so.
func (t *twin) because(failed error, height int64) error {
	if errors.Is(failed, ErrKeyInUse) {
		return failed
	}
	if err := t.look(height + 1); err != nil {
		return fmt.Errorf("%w (%w)", err, failed)
	}
	if first := t.signer.firstHeight(); first > 0 && t.wasThere(first) {
		return fmt.Errorf("%w; the validator's key signed blocks before this node's first vote, at height %d: if another node runs with it, stop one of the two", failed, first)
	}
	return failed
}
