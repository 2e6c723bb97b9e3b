package utility_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/utility"
	"github.com/pocket-fisherman/fisherman/utility/session"
)

// wantID returns the id of the application's session that starts at start.
func wantID(start int64) string {
	var previous []byte
	if start > 1 {
		previous = blockHash(start - 1)
	}
	return session.ID("test-1", start, previous, "0001", "eu", key(0).PublicKey())
}

func TestSessions(t *testing.T) {
	tests := map[string]struct {
		blocksPerSession, height, wantStart int64
	}{
		"first block":              {10, 1, 0},
		"last of the first":        {10, 9, 0},
		"first of the second":      {10, 10, 10},
		"past":                     {10, 17, 10},
		"last block":               {10, 25, 20},
		"one ahead":                {10, 26, 20},
		"one-block session 1":      {1, 1, 1},
		"one-block session 2":      {1, 2, 2},
		"one-block session ahead":  {1, 26, 26},
		"session starts one ahead": {13, 26, 26},
		"two blocks":               {2, 1, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := network()
			g.Params.Session.BlocksPerSession = test.blocksPerSession
			module := utility.NewModule(newChain(t, g, 25))
			got, err := module.Session(t.Context(), test.height, key(0).Address(), "0001")
			if err != nil {
				t.Fatal(err)
			}
			header := got.GetHeader()
			if header.GetStartHeight() != test.wantStart || header.GetId() != wantID(test.wantStart) {
				t.Errorf("session %s from %d, want %s from %d", header.GetId(), header.GetStartHeight(),
					wantID(test.wantStart), test.wantStart)
			}
			if got.GetHeight() != test.height || got.GetBlocks() != test.blocksPerSession ||
				!proto.Equal(got.GetApplication(), g.Actors[0]) || len(got.Servicers) != 4 || len(got.Fishermen) != 1 {
				t.Errorf("session %v", got)
			}
		})
	}
}

// The members of block H follow from the state after block H-1, and those of block 1 from the state after block 1.
func TestMembersFollowFromTheBlockBefore(t *testing.T) {
	c := newChain(t, network(), 3)
	leaving := key(2).Address()
	raw, err := hex.DecodeString(leaving)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.working.Delete(append([]byte("actor/\x02"), raw...)); err != nil {
		t.Fatal(err)
	}
	c.commit(t) // Block 4: the servicer is gone from its state.
	c.commit(t)
	module := utility.NewModule(c)
	for height, want := range map[int64]bool{1: true, 3: true, 4: true, 5: false, 6: false} {
		got, err := module.Session(t.Context(), height, key(0).Address(), "0001")
		if err != nil {
			t.Fatal(err)
		}
		in := slices.ContainsFunc(got.Servicers, func(a *types.Actor) bool { return a.Address == leaving })
		if in != want {
			t.Errorf("member at height %d: %t, want %t", height, in, want)
		}
	}
	for height, want := range map[int64]int{3: 4, 4: 3} {
		got, err := module.Actors(t.Context(), height, types.ActorType_ACTOR_TYPE_SERVICER)
		if err != nil || len(got) != want {
			t.Errorf("servicers at height %d: %d, %v, want %d", height, len(got), err, want)
		}
	}
}

// A height below those that are kept is named with the range, as it was asked for; the sessions of the oldest kept height
// would follow from the state before it.
func TestPrunedHeightsNameTheRange(t *testing.T) {
	pruned := newChain(t, network(), 20)
	pruned.oldest = 8
	module := utility.NewModule(pruned)
	ask := map[string]func(height int64) error{
		"state": func(height int64) error { _, err := module.Params(t.Context(), height); return err },
		"actors": func(height int64) error {
			_, err := module.Actors(t.Context(), height, types.ActorType_ACTOR_TYPE_SERVICER)
			return err
		},
		"account": func(height int64) error { _, err := module.Account(t.Context(), height, key(0).Address()); return err },
		"session": func(height int64) error {
			_, err := module.Session(t.Context(), height, key(0).Address(), "0001")
			return err
		},
		"fisherman's sessions": func(height int64) error {
			_, err := module.FishermanSessions(t.Context(), height, key(5).Address())
			return err
		},
	}
	for name, ask := range ask {
		oldest, newest := int64(8), int64(20)
		if strings.Contains(name, "session") {
			oldest, newest = 9, 21
		}
		err := ask(oldest - 1)
		want := fmt.Sprintf("height %d is not kept; this node has %d to %d", oldest-1, oldest, newest)
		if !errors.Is(err, modules.ErrHeightUnavailable) || err.Error() != want {
			t.Errorf("%s of height %d: %v; want %s", name, oldest-1, err, want)
		}
		if err := ask(oldest); err != nil {
			t.Errorf("%s of height %d: %v", name, oldest, err)
		}
		if err := ask(99); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("heights %d to %d", oldest, newest)) {
			t.Errorf("%s of height 99: %v", name, err)
		}
	}
}

func TestSessionRefuses(t *testing.T) {
	module := utility.NewModule(newChain(t, network(), 12))
	application, stranger := key(0).Address(), key(99).Address()
	tests := map[string]struct {
		height             int64
		application, chain string
		sentinel           error
		want               string
	}{
		"height 0": {0, application, "0001", modules.ErrHeightUnavailable,
			"height is not available: 0, sessions are known for heights 1 to 13"},
		"below 0": {-5, application, "0001", modules.ErrHeightUnavailable, "-5, sessions are known"},
		"too far": {14, application, "0001", modules.ErrHeightUnavailable,
			"height is not available: 14, sessions are known for heights 1 to 13"},
		"stranger": {12, stranger, "0001", modules.ErrUnknownActor,
			"session at height 12: actor is not staked: no application " + stranger},
		"servicer": {12, key(1).Address(), "0001", modules.ErrUnknownActor, "(the address is staked as servicer)"},
		"other chain": {12, application, "0002", modules.ErrChainNotStaked,
			"session at height 12: application is not staked for the relay chain 0002: " + application +
				" is staked for 0001, 00FF"},
		"no chain":   {12, application, "1", nil, `relay chain: "1" is not four upper-case hex digits, as in 0001`},
		"no address": {12, "me", "0001", nil, `address of application: "me" is not 40 lower-case hex digits`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := module.Session(t.Context(), test.height, test.application, test.chain)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if test.sentinel != nil && !errors.Is(err, test.sentinel) {
				t.Errorf("%v is not %v", err, test.sentinel)
			}
		})
	}
}

func TestPausedApplicationHasNoSession(t *testing.T) {
	store := newChain(t, network(), 1).working
	paused := proto.CloneOf(network().Actors[0])
	paused.PausedHeight = 7
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(paused)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(paused.Address)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Set(append([]byte("actor/\x01"), raw...), value); err != nil {
		t.Fatal(err)
	}
	_, err = utility.Session(store, 8, paused.Address, "0001")
	if !errors.Is(err, modules.ErrApplicationPaused) || !strings.Contains(err.Error(), paused.Address+" since height 7") {
		t.Errorf("got %v", err)
	}
}

// A state that is older than the session does not contain its hash.
func TestSessionOfAnOldState(t *testing.T) {
	store := newChain(t, network(), 5).working
	for _, height := range []int64{0, 10} {
		_, err := utility.Session(store, height, key(0).Address(), "0001")
		if !errors.Is(err, modules.ErrHeightUnavailable) {
			t.Errorf("height %d: %v", height, err)
		}
	}
}

func TestCommittedHeights(t *testing.T) {
	module := utility.NewModule(newChain(t, network(), 3))
	if module.Height() != 3 {
		t.Errorf("height %d", module.Height())
	}
	if id, err := module.ChainID(t.Context()); err != nil || id != "test-1" {
		t.Errorf("chain id %q, %v", id, err)
	}
	for height, known := range map[int64]bool{-1: false, 0: false, 1: true, 3: true, 4: false} {
		params, err := module.Params(t.Context(), height)
		if known && (err != nil || !proto.Equal(params, network().Params)) ||
			!known && !errors.Is(err, modules.ErrHeightUnavailable) {
			t.Errorf("parameters at %d: %v, %v", height, params, err)
		}
		account, accountErr := module.Account(t.Context(), height, key(0).Address())
		waiting, waitingErr := module.Unbondings(t.Context(), height, key(0).Address())
		supply, supplyErr := module.Supply(t.Context(), height)
		if known && (account.GetBalanceUpokt() != 100_000_000_000 || len(waiting) > 0 || supply.Liquid != 1_000_000_000_000) {
			t.Errorf("at %d: account %v, unbonding %v, supply %+v", height, account, waiting, supply)
		}
		for _, err := range []error{accountErr, waitingErr, supplyErr} {
			if known && err != nil || !known && !errors.Is(err, modules.ErrHeightUnavailable) {
				t.Errorf("at %d: %v", height, err)
			}
		}
		_, err = module.Actors(t.Context(), height, types.ActorType_ACTOR_TYPE_FISHERMAN)
		if known && err != nil || !known && !errors.Is(err, modules.ErrHeightUnavailable) {
			t.Errorf("actors at %d: %v", height, err)
		}
	}
}

func TestBeforeTheFirstBlock(t *testing.T) {
	module := utility.NewModule(newChain(t, network(), 0))
	_, sessionErr := module.Session(t.Context(), 1, key(0).Address(), "0001")
	_, chainErr := module.ChainID(t.Context())
	for _, err := range []error{sessionErr, chainErr} {
		if !errors.Is(err, modules.ErrHeightUnavailable) || !strings.Contains(err.Error(), "no block is committed yet") {
			t.Errorf("got %v", err)
		}
	}
}

// pruned has committed heights whose state is gone.
type pruned struct{ *chain }

func (pruned) At(int64) (utility.Reader, error) { return nil, modules.ErrHeightUnavailable }

func TestModulePassesOnWhatFails(t *testing.T) {
	c := newChain(t, network(), 3)
	_, err := utility.NewModule(pruned{c}).Session(t.Context(), 3, key(0).Address(), "0001")
	if !errors.Is(err, modules.ErrHeightUnavailable) {
		t.Errorf("pruned state: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := utility.NewModule(c).Session(ctx, 3, key(0).Address(), "0001"); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}
