package consensus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	cmtlog "github.com/cometbft/cometbft/libs/log"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// madeAt is when the block of a height was made.
func madeAt(height int64) time.Time { return time.Unix(1_000_000+height, 0) }

// newTwin returns a watch over a chain of which the test says who signed which block, and what the log said.
func newTwin(before int64) (*twin, map[int64][]byte, *strings.Builder) {
	chain, said := make(map[int64][]byte), new(strings.Builder)
	address := cmttypes.Address("validator-----------")
	commit := func(height int64) *cmttypes.Commit {
		if chain[height] == nil {
			return nil
		}
		return &cmttypes.Commit{Height: height, Signatures: []cmttypes.CommitSig{
			{BlockIDFlag: cmttypes.BlockIDFlagCommit, ValidatorAddress: cmttypes.Address("another-------------"), Signature: []byte("x")},
			{BlockIDFlag: cmttypes.BlockIDFlagCommit, ValidatorAddress: address, Timestamp: madeAt(height), Signature: chain[height]}}}
	}
	signer := newRecorder(signs{signature: "ours"}, before)
	return &twin{signer: signer, address: address, commit: commit, logger: cmtlog.NewTMLogger(cmtlog.NewSyncWriter(said)), now: time.Now, conflicting: func() bool { return false }}, chain, said
}

// signs is a signer with always the same signature.
type signs struct {
	cmttypes.PrivValidator
	signature string
}

func (s signs) SignVote(_ string, vote *cmtproto.Vote) error {
	vote.Signature = []byte(s.signature)
	return nil
}

// vote signs a height with the recorder, when a later block was made already.
func vote(t *testing.T, r *recorder, height, lag int64) {
	t.Helper()
	if err := r.SignVote("chain", &cmtproto.Vote{Height: height, Timestamp: madeAt(height + lag)}); err != nil {
		t.Fatal(err)
	}
}

func TestTwin(t *testing.T) {
	for name, test := range map[string]struct {
		// before is the height signed last before the start.
		before int64
		// others and ours are the heights with a signature of another node, and of this one.
		others, ours []int64
		// lag is how many blocks were made between one and this node's vote on it.
		lag         int64
		stops, says bool
	}{
		"alone":                                {10, nil, []int64{11, 12, 13}, 0, false, false},
		"alone, and lags":                      {10, nil, []int64{11, 12, 13}, 3, false, false},
		"restarted":                            {10, []int64{8, 9, 10}, []int64{11, 12, 13}, 0, false, false},
		"restarted, and lags":                  {10, []int64{8, 9, 10}, []int64{11, 12, 13}, 3, false, false},
		"a home was lost, and none runs now":   {0, []int64{8, 9, 10}, []int64{11, 12, 13}, 0, false, false},
		"a home was copied, and both run":      {8, []int64{9, 10, 12}, []int64{11, 13}, 0, true, false},
		"a copy lags behind the first's start": {0, []int64{13, 14}, []int64{11, 12}, 3, true, false},
		"another one was started later":        {10, []int64{12}, []int64{11, 13}, 0, false, true},
		"the other one signs all that is kept": {10, []int64{13}, []int64{11, 12}, 0, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			looking, chain, said := newTwin(test.before)
			for _, height := range test.others {
				chain[height] = []byte("theirs")
			}
			for _, height := range test.ours {
				chain[height] = []byte("ours")
			}
			var err error
			for height := int64(1); height <= 15 && err == nil; height++ {
				if height > 10 && height < 15 {
					vote(t, looking.signer, height, test.lag) // prevotes and precommits that the chain need not have
				}
				err = looking.look(height)
			}
			if errors.Is(err, ErrKeyInUse) != test.stops || (said.Len() > 0) != test.says {
				t.Errorf("error %v, said %q", err, said)
			}
			if test.says && strings.Count(said.String(), "another node signs") != 1 {
				t.Errorf("said %q", said)
			}
		})
	}
}

// A node that has to fear another one with its key signs precommits of its first heights after a pause, and no others.
func TestTheSecondNodeHesitates(t *testing.T) {
	for name, test := range map[string]struct {
		before int64
		others []int64
		pauses int
	}{
		"alone":                 {10, nil, 0},
		"restarted":             {10, []int64{8, 9, 10}, 0},
		"a home was lost":       {0, []int64{8, 9, 10}, hesitantHeights},
		"a home was copied":     {8, []int64{9, 10}, hesitantHeights},
		"another starts later":  {10, []int64{12, 13}, 0},
		"long ago, and no more": {0, []int64{11 - keptHeights - 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			looking, chain, _ := newTwin(test.before)
			for _, height := range test.others {
				chain[height] = []byte("theirs")
			}
			pauses := 0
			looking.signer.hesitates = looking.hesitates
			looking.signer.pause = func(time.Duration) { pauses++ }
			for height := int64(11); height < 11+2*hesitantHeights; height++ {
				for _, kind := range []cmtproto.SignedMsgType{cmtproto.PrevoteType, cmtproto.PrecommitType} {
					if err := looking.signer.SignVote("chain", &cmtproto.Vote{Type: kind, Height: height}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if pauses != test.pauses {
				t.Errorf("%d pauses, want %d", pauses, test.pauses)
			}
		})
	}
}

func TestRecorderIsBounded(t *testing.T) {
	looking, _, _ := newTwin(0)
	for height := range int64(10 * keptHeights) {
		vote(t, looking.signer, height+1, 0)
	}
	if n := len(looking.signer.signatures); n > keptHeights {
		t.Errorf("%d heights are kept", n)
	}
}

// A node that is started with the key of a validator that runs stops; the validator goes on.
func TestEngineStopsWithAKeyInUse(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	config := testConfig(t, t.TempDir())
	config.Genesis = testGenesis(t, "chain", 3*stake, stake)
	config.NodeKey, config.Listen = key(9), fmt.Sprintf("127.0.0.1:%d", port)
	first := start(t, config, newMemoryState())
	second := config
	second.ValidatorKey, second.Listen = key(2), ""
	second.Home, second.NodeKey = t.TempDir(), key(8)
	second.Peers = []string{fmt.Sprintf("%s@127.0.0.1:%d", NodeID(key(9)), port)}
	validator := start(t, second, newMemoryState())
	validator.await("a vote of it", func(types.Head) bool { return validator.signer.firstHeight() > 0 })
	begun, _ := validator.Heads().Latest()
	validator.awaitHeight(begun.Height + 5)

	second.Home, second.NodeKey = t.TempDir(), key(7)
	engine, err := New(second, newMemoryState())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := engine.Run(ctx); !errors.Is(err, ErrKeyInUse) {
		t.Errorf("the copy ended with %v", err)
	}
	head, _ := validator.Heads().Latest()
	validator.awaitHeight(head.Height + 3)
	validator.stop()
	first.stop()
}
