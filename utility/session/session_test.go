package session_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/utility/session"
)

func TestStartHeight(t *testing.T) {
	for _, test := range []struct{ height, blocks, want int64 }{
		{0, 10, 0}, {1, 10, 0}, {9, 10, 0}, {10, 10, 10}, {19, 10, 10}, {20, 10, 20},
		{1, 1, 1}, {7, 1, 7}, {1<<63 - 1, 10, 1<<63 - 8},
	} {
		if got := session.StartHeight(test.height, test.blocks); got != test.want {
			t.Errorf("StartHeight(%d, %d) = %d, want %d", test.height, test.blocks, got, test.want)
		}
	}
}

func TestFixedAt(t *testing.T) {
	for _, test := range []struct{ start, blocks, want int64 }{
		{0, 10, 0}, {10, 10, 0}, {20, 10, 9}, {30, 10, 19}, {1, 1, 0}, {2, 1, 0}, {3, 1, 1}, {1<<63 - 1, 1, 1<<63 - 3},
	} {
		if got := session.FixedAt(test.start, test.blocks); got != test.want {
			t.Errorf("FixedAt(%d, %d) = %d, want %d", test.start, test.blocks, got, test.want)
		}
	}
}

func TestFirstStart(t *testing.T) {
	for blocks := int64(1); blocks < 6; blocks++ {
		for since := range int64(30) {
			first := session.FirstStart(since, blocks)
			if first != session.StartHeight(first, blocks) || session.FixedAt(first, blocks) < since ||
				first > 0 && session.FixedAt(first-blocks, blocks) >= since {
				t.Errorf("FirstStart(%d, %d) = %d", since, blocks, first)
			}
		}
	}
}

// Fields are length-prefixed: moving a character from one into the next changes the id.
func TestIDSeparatesItsFields(t *testing.T) {
	ids := []string{
		session.ID("ab", 0, []byte("c"), "d", "e", []byte("f")),
		session.ID("a", 0, []byte("bc"), "d", "e", []byte("f")),
		session.ID("ab", 0, nil, "cd", "e", []byte("f")),
		session.ID("ab", 0, []byte("c"), "", "de", []byte("f")),
		session.ID("ab", 0, []byte("c"), "d", "", []byte("ef")),
		session.ID("ab", 0, []byte("c"), "d", "ef", nil),
		session.ID("ab", 1, []byte("c"), "d", "e", []byte("f")),
	}
	slices.Sort(ids)
	if got := len(slices.Compact(ids)); got != 7 {
		t.Errorf("%d ids of 7 are distinct", got)
	}
	for _, id := range ids {
		if err := types.ValidateSessionID(id); err != nil {
			t.Error(err)
		}
	}
}

func TestIDIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		height := rapid.Int64Min(0).Draw(t, "height")
		once := session.ID("chain", height, key, "0001", "eu", key)
		if again := session.ID("chain", height, slices.Clone(key), "0001", "eu", slices.Clone(key)); once != again {
			t.Fatalf("%s, then %s", once, again)
		}
	})
}

// staked returns an unpaused actor of chain 0001 in zone eu.
func staked(seed byte, actorType types.ActorType) *types.Actor {
	key := crypto.KeyFromSeed([32]byte{seed})
	return &types.Actor{Type: actorType, Address: key.Address(), PublicKey: key.PublicKeyHex(),
		Chains: []string{"0001", "0002"}, GeoZone: "eu", StakeUpokt: 1}
}

func TestNewSelectsWhoQualifies(t *testing.T) {
	const servicer, fisherman = types.ActorType_ACTOR_TYPE_SERVICER, types.ActorType_ACTOR_TYPE_FISHERMAN
	application := staked(1, types.ActorType_ACTOR_TYPE_APPLICATION)
	good, other := staked(2, servicer), staked(3, servicer)
	paused, elsewhere := staked(4, servicer), staked(5, servicer)
	otherChain, wrongType := staked(6, servicer), staked(7, fisherman)
	early, late, lateHere := staked(10, servicer), staked(11, servicer), staked(12, servicer)
	early.SinceHeights, late.SinceHeights, lateHere.SinceHeights = []int64{9, 99}, []int64{10, 10}, []int64{10, 0}
	paused.PausedHeight = 3
	elsewhere.GeoZone = "us"
	otherChain.Chains = []string{"0002"}
	watcher, spare := staked(8, fisherman), staked(9, fisherman)

	got, err := session.New(session.Basis{
		ChainID:           "chain",
		Params:            &genesis.SessionParams{BlocksPerSession: 10, ServicersPerSession: 24, FishermenPerSession: 1},
		Height:            27,
		PreviousBlockHash: []byte("hash of block 19"),
		RelayChain:        "0001",
		Application:       application,
		Servicers:         []*types.Actor{paused, good, elsewhere, wrongType, otherChain, other, early, late, lateHere},
		Fishermen:         []*types.Actor{watcher, spare},
	})
	if err != nil {
		t.Fatal(err)
	}
	key := crypto.KeyFromSeed([32]byte{1})
	id := session.ID("chain", 20, []byte("hash of block 19"), "0001", "eu", key.PublicKey())
	header := got.GetHeader()
	if header.GetId() != id || header.GetStartHeight() != 20 || header.GetRelayChain() != "0001" ||
		header.GetGeoZone() != "eu" || header.GetApplication() != application.Address {
		t.Errorf("header %v", header)
	}
	if got.GetBlocks() != 10 || got.GetHeight() != 27 || got.GetApplication() != application {
		t.Errorf("session %v", got)
	}
	if want := session.Select(id, []*types.Actor{good, other, early}, 24); !slices.Equal(got.Servicers, want) {
		t.Errorf("servicers %v, want %v", addresses(got.Servicers), addresses(want))
	}
	if want := session.Select(id, []*types.Actor{watcher, spare}, 1); !slices.Equal(got.Fishermen, want) {
		t.Errorf("fishermen %v, want %v", addresses(got.Fishermen), addresses(want))
	}
}

func TestNewRefusesAKeyThatIsNotHex(t *testing.T) {
	application := staked(1, types.ActorType_ACTOR_TYPE_APPLICATION)
	application.PublicKey = "key"
	params := genesis.DefaultParams().GetSession()
	if got, err := session.New(session.Basis{Params: params, Height: 1, Application: application}); err == nil {
		t.Errorf("accepted: %v", got)
	}
}
