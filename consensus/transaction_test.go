package consensus_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
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
	heads  <-chan types.Head
	ended  chan error
	url    string
	module *utility.Module
}

// startLive runs a chain of one big validator, key 1, and an application, key 2. Sessions last two blocks.
func startLive(t *testing.T) *live {
	t.Helper()
	state, err := persistence.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close() })
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
	engine, err := consensus.New(consensus.Config{Home: t.TempDir(), Genesis: g, ValidatorKey: key(1), BlockTime: 50 * time.Millisecond}, state)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := engine.RPC()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	heads, unsubscribe := engine.Heads().Subscribe()
	l := &live{t: t, heads: heads, ended: make(chan error, 1), url: server.URL, module: utility.NewModule(versions{state})}
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

// await receives heads until one satisfies the wish, and gives its height.
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

// broadcast signs a transaction and hands it in; it is accepted.
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
