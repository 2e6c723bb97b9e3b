package pocket_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/network/pocket"
	"github.com/pocket-fisherman/fisherman/persistence"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
	"github.com/pocket-fisherman/fisherman/utility"
)

// versions are the committed versions of a state, as the node hands them to the utility module.
type versions struct{ *persistence.StateStore }

func (v versions) At(height int64) (utility.Reader, error) {
	snapshot, err := v.StateStore.At(height)
	if err != nil {
		return nil, err // not a nil *Snapshot in a non-nil interface
	}
	return snapshot, nil
}

func actor(actorType types.ActorType, name string, chains ...string) *types.Actor {
	made := &types.Actor{
		Type: actorType, Address: keyOf(name).Address(), PublicKey: keyOf(name).PublicKeyHex(),
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

// chain is a committed chain with two applications (one on two relay chains), two servicers and two fishermen, of which a
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
			actor(types.ActorType_ACTOR_TYPE_SERVICER, "servicer", "0001", "0002"),
			actor(types.ActorType_ACTOR_TYPE_SERVICER, "second servicer", "0001", "0002"),
			actor(types.ActorType_ACTOR_TYPE_FISHERMAN, "fisherman", "0001", "0002"),
			actor(types.ActorType_ACTOR_TYPE_FISHERMAN, "other fisherman", "0001"),
		},
		Accounts: []*types.Account{{Address: keyOf("validator").Address(), BalanceUpokt: 1_000_000}},
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
		own := pocket.New(nil, module, keyOf(name))
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
			if got := session.GetFishermen()[0].GetAddress(); got != keyOf(name).Address() {
				t.Errorf("%s is in a session of %s", name, got)
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d sessions have a fisherman, want 3: %v", len(seen), seen)
	}
	if got := seen[keyOf("other application").Address()+"/0002"]; got != "fisherman" {
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
		params.Qos.DisagreementsAllowed = 2
		params.Qos.MaxLag = 8
		params.Qos.LaggingAllowed = 1
		params.Qos.ChecksPerColdCheck = new(uint32)
		params.Relay.ReservePerCheck = 3 // 7 planned, 14 beside them
	})
	own := pocket.New(nil, module, keyOf("fisherman"))
	for _, start := range []int64{0, 10} {
		policy, err := own.Policy(t.Context(), &types.Session{Header: &types.SessionHeader{StartHeight: start}})
		if err != nil {
			t.Fatal(err)
		}
		if policy.Checks != 7 || policy.Distribution != schedule.Even || policy.Timeout != 4*time.Second ||
			policy.LatencySLA != 90*time.Millisecond || policy.MaxSkew != 9*time.Millisecond ||
			policy.ServicerOffset != 3*time.Millisecond || policy.NullSamplesAllowed != 5 || policy.Quorum != 6 ||
			policy.SessionsRetained != 11 || policy.ChecksOnDemand != 7 || policy.SamplesRequired != 4 || policy.Reserve != 21 ||
			policy.DisagreementsAllowed != 2 || policy.MaxLag != 8 || policy.LaggingAllowed != 1 || policy.ColdShare != 0 {
			t.Errorf("session from %d has the policy %+v", start, policy)
		}
	}
}

// A change of the sampling frequency leaves the running session as it is, also for a fisherman that takes it up late.
func TestPolicyChangesWithTheNextSession(t *testing.T) {
	raw, err := transaction.Seal(keyOf("validator"), &types.Transaction{ChainId: "test", FeeUpokt: 10_000,
		Message: &types.Transaction_ChangeParameter{ChangeParameter: &types.ChangeParameter{
			Parameter: "qos.checks_per_session", Value: &types.ChangeParameter_Number{Number: 33}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []int64{1, 9, 10, 11, 19, 20} {
		module := chainWith(t, 31, func(params *genesis.Params) {
			params.Governance.QosOwner = keyOf("validator").Address()
		}, map[int64][]byte{block: raw})
		own := pocket.New(nil, module, keyOf("fisherman"))
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

// stubState is a state of one session and one set of parameters.
type stubState struct {
	own    *types.Session
	params *genesis.Params
	err    error
}

func (s stubState) FishermanSessions(_ context.Context, _ int64, fisherman string) ([]*types.Session, error) {
	if s.err != nil || fisherman != keyOf("fisherman").Address() {
		return nil, s.err
	}
	return []*types.Session{s.own}, nil
}

func (s stubState) Params(context.Context, int64) (*genesis.Params, error) {
	return s.params, s.err
}

// A state that cannot be read is an error: a fisherman must not take that for "has no sessions".
func TestSessionsThatCannotBeRead(t *testing.T) {
	mine := &types.Session{Fishermen: []*types.Actor{{Address: keyOf("fisherman").Address()}}}
	for _, cause := range []error{modules.ErrHeightUnavailable, errors.New("the disk is gone")} {
		broken := pocket.New(nil, stubState{err: cause}, keyOf("fisherman"))
		if sessions, err := broken.Sessions(t.Context(), 7); !errors.Is(err, cause) || sessions != nil {
			t.Errorf("%v, %v", sessions, err)
		}
		if _, err := broken.Policy(t.Context(), mine); !errors.Is(err, cause) {
			t.Errorf("policy: %v", err)
		}
	}
	state := stubState{own: mine}
	if sessions, err := pocket.New(nil, state, keyOf("fisherman")).Sessions(t.Context(), 7); err != nil || len(sessions) != 1 || sessions[0] != mine {
		t.Errorf("the fisherman has %v, %v", sessions, err)
	}
	if sessions, err := pocket.New(nil, state, keyOf("a stranger")).Sessions(t.Context(), 7); err != nil || len(sessions) != 0 {
		t.Errorf("a stranger has %d sessions, %v", len(sessions), err)
	}
}

// countedState counts how often the parameters are read.
type countedState struct {
	stubState
	reads int
}

func (s *countedState) Params(ctx context.Context, height int64) (*genesis.Params, error) {
	s.reads++
	return s.stubState.Params(ctx, height)
}

// However many sessions begin with a block, the parameters are read once for them.
func TestParametersAreReadOnceForAStart(t *testing.T) {
	state := &countedState{stubState: stubState{params: genesis.DefaultParams()}}
	own := pocket.New(nil, state, keyOf("fisherman"))
	for _, test := range []struct {
		start int64
		reads int
	}{{10, 1}, {10, 1}, {20, 2}, {20, 2}, {10, 3}} {
		if _, err := own.Policy(t.Context(), &types.Session{Header: &types.SessionHeader{StartHeight: test.start}}); err != nil || state.reads != test.reads {
			t.Errorf("start %d: %d reads, want %d (%v)", test.start, state.reads, test.reads, err)
		}
	}
}

// Both sides of a relay reckon with the same reserve, and what is asked on demand stays within it.
func TestReserve(t *testing.T) {
	for _, test := range []struct {
		checks, perCheck uint32
		reserve          uint64
		onDemand         int
	}{{10, 1, 10, 0}, {10, 2, 20, 5}, {7, 3, 21, 7}, {10_000, 100, 1_000_000, 495_000}} {
		params := genesis.DefaultParams()
		params.Qos.ChecksPerSession, params.Relay.ReservePerCheck = test.checks, test.perCheck
		policy, err := pocket.New(nil, stubState{params: params}, keyOf("fisherman")).Policy(t.Context(), &types.Session{Header: &types.SessionHeader{StartHeight: 10}})
		if err != nil {
			t.Fatal(err)
		}
		if pocket.Reserve(params) != test.reserve || policy.Reserve != test.reserve || policy.ChecksOnDemand != test.onDemand ||
			uint64(policy.Checks+policy.ChecksOnDemand) > policy.Reserve {
			t.Errorf("%+v: reserve %d, policy %+v", test, pocket.Reserve(params), policy)
		}
	}
	if _, err := pocket.New(nil, stubState{params: &genesis.Params{Qos: &genesis.QoSParams{Distribution: 77}}}, keyOf("fisherman")).Policy(t.Context(), nil); err == nil {
		t.Error("an unknown distribution has a policy")
	}
}
