package consensus_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/consensus"
	"github.com/pocket-fisherman/fisherman/persistence"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

var _ consensus.State = (*persistence.StateStore)(nil)

// runUntil runs the chain in home on the state in its directory until a witnessed head satisfies the condition, and
// returns that head and the height of the state.
func runUntil(t *testing.T, home, stateDir string, wish func(types.Head) bool) (head types.Head, version int64) {
	t.Helper()
	state, err := persistence.Open(stateDir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := state.Close(); err != nil {
			t.Error(err)
		}
	}()
	validator := crypto.KeyFromSeed([32]byte{1})
	params := genesis.DefaultParams()
	params.Session.BlocksPerSession = 2
	engine, err := consensus.New(consensus.Config{
		Home: home,
		Genesis: &genesis.Genesis{
			ChainId:     "chain",
			GenesisTime: timestamppb.New(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)),
			Params:      params,
			Actors: []*types.Actor{{
				Type:       types.ActorType_ACTOR_TYPE_VALIDATOR,
				Address:    validator.Address(),
				PublicKey:  validator.PublicKeyHex(),
				StakeUpokt: params.Stake.ValidatorMinimumUpokt,
			}},
		},
		ValidatorKey: validator,
		BlockTime:    50 * time.Millisecond,
	}, state)
	if err != nil {
		t.Fatal(err)
	}
	heads, cancel := engine.Heads().Subscribe()
	defer cancel()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	for head.CatchingUp || !wish(head) {
		select {
		case head = <-heads:
		case err := <-ended:
			t.Fatalf("the engine ended: %v", err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return head, state.Version()
}

// TestEngineOnDisk: on the state store of a node, a restart continues from the last height, and a lost state is built
// again from the blocks (CometBFT refuses it unless it comes to the hash that was agreed on).
func TestEngineOnDisk(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	stateDir := filepath.Join(home, "state")
	anyHead := func(head types.Head) bool { return head.Height > 0 }
	first, reached := runUntil(t, home, stateDir, func(head types.Head) bool { return head.Height >= 5 })
	next, later := runUntil(t, home, stateDir, anyHead)
	if reached < 5 || next.Height != reached+1 || !next.Time.After(first.Time) {
		t.Errorf("stopped at height %d; the first head after the restart is %+v", reached, next)
	}
	again, _ := runUntil(t, home, t.TempDir(), anyHead)
	if again.Height != later+1 {
		t.Errorf("on an empty state the chain went on with height %d, want %d", again.Height, later+1)
	}
}
