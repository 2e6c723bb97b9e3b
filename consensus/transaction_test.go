package consensus_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/consensus"
	"github.com/pocket-fisherman/fisherman/persistence"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
	"github.com/pocket-fisherman/fisherman/utility"
)

func key(number byte) crypto.PrivateKey { return crypto.KeyFromSeed([32]byte{number}) }

type versions struct{ *persistence.StateStore }

func (v versions) At(height int64) (utility.Reader, error) { return v.StateStore.At(height) }

// live is an engine that runs on disk, with what a client of its JSON-RPC sees.
type live struct {
	t      *testing.T
	engine *consensus.Engine
	heads  <-chan types.Head
	ended  chan error
	url    string
	module *utility.Module
}

// liveGenesis has one big validator, key 1, and an application, key 2. Sessions last two blocks.
func liveGenesis() *genesis.Genesis {
	params := genesis.DefaultParams()
	params.Session.BlocksPerSession = 2
	params.Governance.QosOwner = key(2).Address()
	staked := func(role types.ActorType, number byte, stake uint64) *types.Actor {
		return &types.Actor{Type: role, Address: key(number).Address(), PublicKey: key(number).PublicKeyHex(), StakeUpokt: stake}
	}
	application := staked(types.ActorType_ACTOR_TYPE_APPLICATION, 2, 15_000_000_000)
	application.Chains, application.GeoZone = []string{"0001"}, "eu"
	g := &genesis.Genesis{ChainId: "chain", GenesisTime: timestamppb.New(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)),
		Params: params, Actors: []*types.Actor{staked(types.ActorType_ACTOR_TYPE_VALIDATOR, 1, 1_000_000_000_000), application}}
	for number := byte(1); number <= 4; number++ {
		g.Accounts = append(g.Accounts, &types.Account{Address: key(number).Address(), BalanceUpokt: 50_000_000_000})
	}
	return g
}

// startLive runs the chain of liveGenesis.
func startLive(t *testing.T) *live {
	t.Helper()
	state, err := persistence.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close() })
	engine, err := consensus.New(consensus.Config{Home: t.TempDir(), Genesis: liveGenesis(), ValidatorKey: key(1), BlockTime: 50 * time.Millisecond}, state)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := engine.RPC()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	heads, unsubscribe := engine.Heads().Subscribe()
	l := &live{t: t, engine: engine, heads: heads, ended: make(chan error, 1), url: server.URL, module: utility.NewModule(versions{state})}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	go func() { l.ended <- engine.Run(ctx) }()
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
		unsubscribe()
		cancel()
		if err := <-l.ended; err != nil {
			t.Error(err)
		}
	})
	return l
}

// await receives heads until one satisfies the condition, and returns its height.
func (l *live) await(what string, wish func(height int64) bool) int64 {
	l.t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case head := <-l.heads:
			if wish(head.Height) {
				return head.Height
			}
		case <-timeout:
			l.t.Fatalf("waited too long for %s", what)
		}
	}
}

// ask calls a method of the JSON-RPC.
func (l *live) ask(method, params string, result any) {
	l.t.Helper()
	response, err := http.Post(l.url, "application/json",
		strings.NewReader(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s}}`, method, params)))
	if err != nil {
		l.t.Fatal(err)
	}
	defer response.Body.Close()
	answer := struct {
		Result any
		Error  json.RawMessage
	}{Result: result}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Error != nil {
		l.t.Fatalf("%s: %v, %s", method, err, answer.Error)
	}
}

// broadcast signs and submits a transaction, which has to be accepted.
func (l *live) broadcast(signer byte, tx *types.Transaction) {
	l.t.Helper()
	tx.ChainId, tx.FeeUpokt = "chain", 10_000
	raw, err := transaction.Seal(key(signer), tx)
	if err != nil {
		l.t.Fatal(err)
	}
	var result struct {
		Code uint32
		Log  string
	}
	l.ask("broadcast_tx_sync", fmt.Sprintf(`"tx":%q`, base64.StdEncoding.EncodeToString(raw)), &result)
	if result.Code != 0 {
		l.t.Fatalf("refused with %+v", result)
	}
}

// A servicer that stakes through CometBFT's own JSON-RPC is in the next sessions, and out of them when it pauses.
func TestStakedServicerAppearsInSessions(t *testing.T) {
	t.Parallel()
	l := startLive(t)
	serves := func(height int64) bool {
		session, err := l.module.Session(t.Context(), height+1, key(2).Address(), "0001")
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(session.Servicers, func(a *types.Actor) bool { return a.Address == key(3).Address() })
	}
	if start := l.await("the first block", func(int64) bool { return true }); serves(start) {
		t.Fatal("serves before it has staked")
	}
	l.broadcast(3, &types.Transaction{Message: &types.Transaction_Stake{Stake: &types.Stake{
		Type: types.ActorType_ACTOR_TYPE_SERVICER, Chains: []string{"0001"}, GeoZone: "eu",
		ServiceUrl: "http://servicer.example", StakeUpokt: 15_000_000_000}}})
	l.await("the servicer to be in a session", serves)
	// Both wait for one block; the second is not refused for its sequence.
	l.broadcast(3, &types.Transaction{Sequence: 1, Message: &types.Transaction_Send{
		Send: &types.Send{Recipient: key(4).Address(), AmountUpokt: 1}}})
	l.broadcast(3, &types.Transaction{Sequence: 2, Message: &types.Transaction_Pause{
		Pause: &types.Pause{Type: types.ActorType_ACTOR_TYPE_SERVICER}}})
	height := l.await("the servicer to be out of the session", func(height int64) bool { return !serves(height) })
	account, err := l.module.Account(t.Context(), height, key(3).Address())
	if err != nil || account.BalanceUpokt != 35_000_000_000-3*10_000-1 || account.Sequence != 3 {
		t.Errorf("account %v, %v", account, err)
	}
}

// A validator that stakes is in CometBFT's validator set two blocks later, and gone after it has unstaked.
func TestStakedValidatorVotes(t *testing.T) {
	t.Parallel()
	l := startLive(t)
	count := func(height int64) int {
		var set struct {
			Validators []struct {
				Power int64 `json:"voting_power,string"`
			}
		}
		l.ask("validators", fmt.Sprintf(`"height":"%d"`, height), &set)
		return len(set.Validators)
	}
	l.await("the first block", func(height int64) bool { return count(height) == 1 })
	l.broadcast(4, &types.Transaction{Message: &types.Transaction_Stake{Stake: &types.Stake{
		Type: types.ActorType_ACTOR_TYPE_VALIDATOR, StakeUpokt: 15_000_000_000}}})
	l.await("a second validator", func(height int64) bool { return count(height) == 2 })
	l.broadcast(4, &types.Transaction{Sequence: 1, Message: &types.Transaction_Unstake{
		Unstake: &types.Unstake{Type: types.ActorType_ACTOR_TYPE_VALIDATOR}}})
	l.await("one validator again", func(height int64) bool { return count(height) == 1 })
}

// The engine submits transactions itself, and waits for their block.
func TestBroadcast(t *testing.T) {
	t.Parallel()
	l := startLive(t)
	height := l.await("the first block", func(int64) bool { return true })
	seal := func(sequence uint64, parameter string, value uint64) []byte {
		raw, err := transaction.Seal(key(2), &types.Transaction{ChainId: "chain", Sequence: sequence, FeeUpokt: 10_000,
			Message: &types.Transaction_ChangeParameter{ChangeParameter: &types.ChangeParameter{
				Parameter: parameter, Value: &types.ChangeParameter_Number{Number: value}}}})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	first := seal(0, "qos.checks_per_session", 33)
	receipt, err := l.engine.Broadcast(t.Context(), first, true)
	if err != nil || receipt.Height <= height || receipt.Code != 0 || len(receipt.Hash) != 32 {
		t.Errorf("%+v, %v", receipt, err)
	}
	changed := l.await("the parameter to change", func(height int64) bool {
		params, err := l.module.Params(t.Context(), height)
		return err == nil && params.Qos.ChecksPerSession == 33
	})
	if changed > receipt.Height+2 {
		t.Errorf("changed at height %d by a transaction of height %d", changed, receipt.Height)
	}
	if _, err := l.engine.Broadcast(t.Context(), first, false); !errors.Is(err, consensus.ErrKnownTransaction) {
		t.Errorf("handed in again: %v", err)
	}
	for name, test := range map[string]struct {
		raw  []byte
		want types.TransactionCode
	}{
		"garbage":   {[]byte("x"), types.TransactionCode_TRANSACTION_CODE_MALFORMED},
		"large":     {make([]byte, 1<<20), types.TransactionCode_TRANSACTION_CODE_TOO_LARGE},
		"sequence":  {seal(0, "qos.samples_required", 1), types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE},
		"not owner": {seal(1, "fee.minimum_upokt", 1), types.TransactionCode_TRANSACTION_CODE_NOT_OWNER},
	} {
		for _, wait := range []bool{false, true} {
			_, err := l.engine.Broadcast(t.Context(), test.raw, wait)
			if refusal, ok := errors.AsType[*transaction.Refusal](err); !ok || refusal.Code != test.want || strings.HasPrefix(refusal.Reason, test.want.Label()) {
				t.Errorf("%s: %v, want %s", name, err, test.want.Label())
			}
		}
	}
	// One that waits for another does not get into a block in time.
	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if receipt, err := l.engine.Broadcast(soon, seal(2, "qos.samples_required", 1), true); err != nil || receipt.Height != 0 {
		t.Errorf("ahead of its sequence: %+v, %v", receipt, err)
	}
}

func TestBroadcastNeedsARunningChain(t *testing.T) {
	t.Parallel()
	state, err := persistence.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = state.Close() }()
	engine, err := consensus.New(consensus.Config{Home: t.TempDir(), Genesis: liveGenesis(), ValidatorKey: key(1), BlockTime: time.Second}, state)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	if _, err := engine.Broadcast(t.Context(), []byte("x"), true); !errors.Is(err, consensus.ErrNotReady) {
		t.Errorf("not running: %v", err)
	}
}
