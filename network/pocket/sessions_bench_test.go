package pocket_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/persistence"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
	"github.com/pocket-fisherman/fisherman/utility"
)

// BenchmarkSessions is a block's own sessions of a fisherman among 1 500 applications and 500 servicers, all of one relay
// chain and zone: in a block that changed no actor, in one that changed a servicer's stake, in one in which ten servicers left, and
// in the first of a session, whose members were found in the block before, or were not.
func BenchmarkSessions(b *testing.B) {
	for _, fishermen := range []int{50, 10, 1} {
		for _, kind := range []struct {
			name   string
			blocks int64
			change bool
			leave  int
			ahead  bool
		}{{"block", 1000, false, 0, false}, {"change", 1000, true, 0, false}, {"leave", 1000, false, 10, false}, {"session", 1, false, 0, true},
			{"session-unprepared", 1, false, 0, false}} {
			b.Run(fmt.Sprintf("fishermen=%d/%s", fishermen, kind.name), func(b *testing.B) {
				const last = 40
				state := crowd(b, 1500, 500, fishermen, kind.blocks, last, kind.change, kind.leave)
				var own *utility.Fishing
				height, found := int64(last), 0
				for b.Loop() {
					if height == last {
						b.StopTimer()
						own, height = utility.NewFishing(utility.NewModule(state), keyOf("fisherman 0").Address()), 2
						if _, err := own.Sessions(b.Context(), height); err != nil {
							b.Fatal(err)
						}
						b.StartTimer()
					}
					height++
					if kind.ahead {
						b.StopTimer()
						if err := own.Prepare(b.Context(), height-1); err != nil {
							b.Fatal(err)
						}
						b.StartTimer()
					}
					sessions, err := own.Sessions(b.Context(), height)
					if err != nil {
						b.Fatal(err)
					}
					found += len(sessions)
				}
				b.ReportMetric(float64(found)/float64(b.N), "sessions")
			})
		}
	}
}

// crowd returns the state of a chain with many actors, after some blocks. With change every block raises a servicer's stake, and
// as many servicers leave with each as leave says.
func crowd(b *testing.B, applications, servicers, fishermen int, blocksPerSession, blocks int64, change bool, leave int) versions {
	b.Helper()
	g := &genesis.Genesis{ChainId: "test", GenesisTime: timestamppb.New(time.Unix(1_700_000_000, 0)), Params: genesis.DefaultParams(),
		Actors: []*types.Actor{actor(types.ActorType_ACTOR_TYPE_VALIDATOR, "validator")}}
	g.Params.Session.BlocksPerSession = blocksPerSession
	for role, n := range []int{1: applications, 2: servicers, 3: fishermen} {
		for i := range n {
			role := types.ActorType(role)
			g.Actors = append(g.Actors, actor(role, fmt.Sprintf("%s %d", role.Label(), i), "0001"))
		}
	}
	raised := keyOf("servicer 0")
	g.Accounts = []*types.Account{{Address: raised.Address(), BalanceUpokt: 1_000_000_000}}
	for i := range leave * int(blocks) {
		g.Accounts = append(g.Accounts, &types.Account{Address: keyOf(fmt.Sprintf("servicer %d", i+1)).Address(), BalanceUpokt: 1_000_000})
	}
	state, err := persistence.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = state.Close() })
	if err := utility.InitGenesis(state, g); err != nil {
		b.Fatal(err)
	}
	edit := &types.EditStake{Type: types.ActorType_ACTOR_TYPE_SERVICER}
	for _, a := range g.Actors {
		if a.Address == raised.Address() {
			edit.Chains, edit.GeoZone, edit.ServiceUrl, edit.StakeUpokt = a.Chains, a.GeoZone, a.ServiceUrl, a.StakeUpokt
		}
	}
	for height := int64(1); height <= blocks; height++ {
		deliver := func(signer crypto.PrivateKey, message *types.Transaction) {
			message.ChainId, message.FeeUpokt = "test", 10_000
			raw, err := transaction.Seal(signer, message)
			if err != nil {
				b.Fatal(err)
			}
			if result, err := utility.Deliver(state, height, raw); err != nil || result.Code != 0 {
				b.Fatal(result, err)
			}
		}
		if change {
			edit.StakeUpokt++
			deliver(raised, &types.Transaction{Sequence: uint64(height - 1), Message: &types.Transaction_EditStake{EditStake: edit}})
		}
		for i := range leave {
			deliver(keyOf(fmt.Sprintf("servicer %d", int(height-1)*leave+i+1)), &types.Transaction{Message: &types.Transaction_Pause{
				Pause: &types.Pause{Type: types.ActorType_ACTOR_TYPE_SERVICER}}})
		}
		hash := sha256.Sum256(fmt.Append(nil, height))
		if err := utility.EndBlock(state, height, hash[:]); err != nil {
			b.Fatal(err)
		}
		if _, _, err := state.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	return versions{state}
}
