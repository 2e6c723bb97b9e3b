package node

import (
	"crypto/sha256"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/persistence"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/utility"
)

func key(name string) crypto.PrivateKey { return crypto.KeyFromSeed(sha256.Sum256([]byte(name))) }

func actor(actorType types.ActorType, name string, chains ...string) *types.Actor {
	made := &types.Actor{
		Type: actorType, Address: key(name).Address(), PublicKey: key(name).PublicKeyHex(),
		Chains: chains, StakeUpokt: 1_000_000_000_000,
	}
	if len(chains) > 0 {
		made.GeoZone = "local"
	}
	if actorType == types.ActorType_ACTOR_TYPE_SERVICER {
		made.ServiceUrl = "http://127.0.0.1:1"
	}
	return made
}

// chain is a committed chain with two applications (one on two relay chains), a servicer and two fishermen, of which a
// session takes one.
func chain(t *testing.T, blocks int64, change func(*genesis.Params)) *utility.Module {
	t.Helper()
	return utility.NewModule(versionsOf(t, blocks, change))
}

// versionsOf is the states of that chain.
func versionsOf(t *testing.T, blocks int64, change func(*genesis.Params)) versions {
	t.Helper()
	first := &genesis.Genesis{
		ChainId: "test", GenesisTime: timestamppb.New(time.Unix(1_700_000_000, 0)), Params: genesis.DefaultParams(),
		Actors: []*types.Actor{
			actor(types.ActorType_ACTOR_TYPE_VALIDATOR, "validator"),
			actor(types.ActorType_ACTOR_TYPE_APPLICATION, "application", "0001"),
			actor(types.ActorType_ACTOR_TYPE_APPLICATION, "other application", "0001", "0002"),
			actor(types.ActorType_ACTOR_TYPE_SERVICER, "servicer", "0001"),
			actor(types.ActorType_ACTOR_TYPE_FISHERMAN, "fisherman", "0001", "0002"),
			actor(types.ActorType_ACTOR_TYPE_FISHERMAN, "other fisherman", "0001"),
		},
		Accounts: []*types.Account{{Address: key("validator").Address(), BalanceUpokt: 1_000_000}},
	}
	change(first.GetParams())
	if err := first.Validate(); err != nil {
		t.Fatal(err)
	}
	state, err := persistence.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close() })
	if err := utility.InitGenesis(state, first); err != nil {
		t.Fatal(err)
	}
	for height := int64(1); height <= blocks; height++ {
		hash := sha256.Sum256([]byte{byte(height)})
		if err := utility.EndBlock(state, height, hash[:]); err != nil {
			t.Fatal(err)
		}
		if _, _, err := state.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	return versions{state}
}

func TestSecretsOfFishermenDiffer(t *testing.T) {
	one, other := secretOf(&FishermanRole{Key: key("one")}), secretOf(&FishermanRole{Key: key("other")})
	if one == other || one != secretOf(&FishermanRole{Key: key("one")}) {
		t.Error("a secret is not its key's alone")
	}
}
