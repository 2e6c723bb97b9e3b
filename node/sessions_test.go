package node

import (
	"crypto/sha256"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/persistence"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
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
	return chainWith(t, blocks, change, nil)
}

// chainWith is a chain with a transaction in each of the given blocks. The validator pays and has every sequence.
func chainWith(t *testing.T, blocks int64, change func(*genesis.Params), txs map[int64][]byte) *utility.Module {
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
		if tx, ok := txs[height]; ok {
			if result, err := utility.Deliver(state, height, tx); err != nil || result.Code != 0 {
				t.Fatal(result, err)
			}
		}
		hash := sha256.Sum256([]byte{byte(height)})
		if err := utility.EndBlock(state, height, hash[:]); err != nil {
			t.Fatal(err)
		}
		if _, _, err := state.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	return utility.NewModule(versions{state})
}

func TestOwnSessionsAreThoseWithTheFishermanInThem(t *testing.T) {
	module := chain(t, 12, func(*genesis.Params) {})
	seen := make(map[string]string) // application and chain → fisherman
	for _, name := range []string{"fisherman", "other fisherman"} {
		own := ownSessions{utility: module, address: key(name).Address()}
		sessions, err := own.Sessions(t.Context(), 12)
		if err != nil {
			t.Fatal(err)
		}
		for _, session := range sessions {
			header := session.GetHeader()
			place := header.GetApplication() + "/" + header.GetRelayChain()
			if seen[place] != "" {
				t.Errorf("%s has two fishermen", place)
			}
			seen[place] = name
			if got := session.GetFishermen()[0].GetAddress(); got != key(name).Address() {
				t.Errorf("%s is in a session of %s", name, got)
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d sessions have a fisherman, want 3: %v", len(seen), seen)
	}
	if got := seen[key("other application").Address()+"/0002"]; got != "fisherman" {
		t.Errorf("the session on 0002 has the fisherman %q", got)
	}
}

func TestPolicyIsTheParametersOfTheSession(t *testing.T) {
	module := chain(t, 12, func(params *genesis.Params) {
		params.Qos.ChecksPerSession = 7
		params.Qos.Distribution = genesis.CheckDistribution_CHECK_DISTRIBUTION_EVEN
		params.Qos.Timeout = durationpb.New(4 * time.Second)
		params.Qos.LatencySla = durationpb.New(90 * time.Millisecond)
		params.Qos.MaxSkew = durationpb.New(9 * time.Millisecond)
		params.Qos.ServicerOffset = durationpb.New(3 * time.Millisecond)
		params.Qos.NullSamplesAllowed = 5
		params.Qos.ConsistencyQuorum = 6
		params.Qos.SessionsRetained = 11
		params.Qos.SamplesRequired = 4
		params.Relay.ReservePerCheck = 3 // 7 planned, 14 beside them
	})
	own := ownSessions{utility: module, address: key("fisherman").Address()}
	for _, start := range []int64{0, 10} {
		policy, err := own.Policy(t.Context(), &types.Session{Header: &types.SessionHeader{StartHeight: start}})
		if err != nil {
			t.Fatal(err)
		}
		if policy.Checks != 7 || policy.Distribution != schedule.Even || policy.Timeout != 4*time.Second ||
			policy.LatencySLA != 90*time.Millisecond || policy.MaxSkew != 9*time.Millisecond ||
			policy.ServicerOffset != 3*time.Millisecond || policy.NullSamplesAllowed != 5 || policy.Quorum != 6 ||
			policy.SessionsRetained != 11 || policy.ChecksOnDemand != 7 || policy.SamplesRequired != 4 || policy.Reserve != 21 {
			t.Errorf("session from %d has the policy %+v", start, policy)
		}
	}
}

// A change of the sampling frequency leaves the running session as it is, also for a fisherman that takes it up late.
func TestPolicyChangesWithTheNextSession(t *testing.T) {
	raw, err := transaction.Seal(key("validator"), &types.Transaction{ChainId: "test", FeeUpokt: 10_000,
		Message: &types.Transaction_ChangeParameter{ChangeParameter: &types.ChangeParameter{
			Parameter: "qos.checks_per_session", Value: &types.ChangeParameter_Number{Number: 33}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []int64{1, 9, 10, 11, 19, 20} {
		module := chainWith(t, 31, func(params *genesis.Params) {
			params.Governance.QosOwner = key("validator").Address()
		}, map[int64][]byte{block: raw})
		own := ownSessions{utility: module, address: key("fisherman").Address()}
		for _, start := range []int64{0, 10, 20, 30} {
			policy, err := own.Policy(t.Context(), &types.Session{Header: &types.SessionHeader{StartHeight: start}})
			if err != nil {
				t.Fatal(err)
			}
			want := 10
			if block < start {
				want = 33
			}
			if policy.Checks != want {
				t.Errorf("changed in block %d: the session from %d has %d checks, want %d", block, start, policy.Checks, want)
			}
		}
	}
}

func TestEveryDistributionOfAGenesisIsKnown(t *testing.T) {
	for number, name := range genesis.CheckDistribution_name {
		if _, known := distributions[genesis.CheckDistribution(number)]; known != (number != 0) {
			t.Errorf("%s: known %v", name, known)
		}
	}
}

func TestSecretsOfFishermenDiffer(t *testing.T) {
	one, other := secretOf(&FishermanRole{Key: key("one")}), secretOf(&FishermanRole{Key: key("other")})
	if one == other || one != secretOf(&FishermanRole{Key: key("one")}) {
		t.Error("a secret is not its key's alone")
	}
}
