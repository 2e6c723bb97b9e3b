package utility_test

import (
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
	"github.com/pocket-fisherman/fisherman/utility"
)

// drawMessage draws any message, mostly ones that may succeed.
func drawMessage(rt *rapid.T) proto.Message {
	role := types.ActorType(rapid.IntRange(1, 4).Draw(rt, "role"))
	amount := rapid.OneOf(rapid.Uint64Range(minimum-1, 3*minimum), rapid.Uint64()).Draw(rt, "amount")
	placed := stake(role)
	placed.StakeUpokt = amount
	placed.Chains = rapid.SampledFrom([][]string{placed.Chains, {"0001", "0002"}, {"x"}}).Draw(rt, "chains")
	switch rapid.IntRange(0, 8).Draw(rt, "kind") {
	case 0:
		return &types.Send{Recipient: key(rapid.ByteRange(0, 12).Draw(rt, "recipient")).Address(), AmountUpokt: amount}
	case 1, 2:
		return placed
	case 3:
		return &types.EditStake{Type: role, Chains: placed.Chains, GeoZone: placed.GeoZone, ServiceUrl: placed.ServiceUrl, StakeUpokt: amount}
	case 4:
		return &types.Unstake{Type: role}
	case 5:
		return &types.Pause{Type: role}
	case 6:
		return &types.Unpause{Type: role}
	case 7:
		return number(rapid.SampledFrom([]string{"stake.application_minimum_upokt", "stake.servicer_minimum_upokt",
			"stake.fisherman_minimum_upokt", "stake.validator_minimum_upokt"}).Draw(rt, "minimum"),
			rapid.Uint64Range(1, 2*minimum).Draw(rt, "value"))
	default:
		return number(rapid.SampledFrom([]string{"fee.minimum_upokt", "stake.servicer_unbonding_blocks",
			"stake.minimum_pause_blocks", "session.servicers_per_session"}).Draw(rt, "parameter"),
			rapid.Uint64Range(0, 5).Draw(rt, "value"))
	}
}

// busy returns a chain of short sessions and short unbonding with two validators.
func busy(t testing.TB) *chain {
	g := network()
	g.Params.Session.BlocksPerSession = 3
	limits := g.Params.Stake
	limits.ApplicationUnbondingBlocks, limits.ServicerUnbondingBlocks = 1, 2
	limits.FishermanUnbondingBlocks, limits.ValidatorUnbondingBlocks = 3, 4
	limits.MinimumPauseBlocks = 1
	second := proto.Clone(g.Actors[7]).(*types.Actor)
	second.Address, second.PublicKey = key(6).Address(), key(6).PublicKeyHex()
	g.Actors = append(g.Actors, second)
	c := &chain{working: newMemory()}
	if err := utility.InitGenesis(c.working, g); err != nil {
		t.Fatal(err)
	}
	return c
}

// end ends a block.
func (c *chain) end(rt *rapid.T) {
	height := c.Latest() + 1
	if err := utility.EndBlock(c.working, height, blockHash(height)); err != nil {
		rt.Fatal(err)
	}
	c.versions = append(c.versions, nil)
}

// checkInvariants checks the invariants after every transaction and block: the supply, the minimum of every stake, an
// active validator, parameters in range.
func checkInvariants(rt *rapid.T, r utility.Reader, want uint64) *genesis.Params {
	supply, err := utility.ReadSupply(r)
	if err != nil || supply.Total() != want {
		rt.Fatalf("supply %+v, %v, want %d", supply, err, want)
	}
	params, err := utility.Params(r)
	if err != nil || params.Validate() != nil {
		rt.Fatalf("parameters %v, %v", params, err)
	}
	for _, role := range []types.ActorType{application, servicer, fisherman, validator} {
		actors, err := utility.Actors(r, role)
		if err != nil {
			rt.Fatal(err)
		}
		least, _ := params.Stake.MinimumFor(role)
		for _, actor := range actors {
			if actor.StakeUpokt < least || genesis.ValidateService(actor, params.Stake.MaximumChains) != nil {
				rt.Fatalf("staked with a minimum of %d: %v", least, actor)
			}
		}
	}
	if active, err := utility.ActiveValidators(r); err != nil || len(active) == 0 {
		rt.Fatalf("active validators: %v, %v", active, err)
	}
	return params
}

// Whatever is signed, no uPOKT are created or lost, sequences count charged transactions, a replay changes nothing, and
// another store reaches the same state.
func TestTransactionsKeepTheInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, other := busy(t), busy(t)
		want := c.supply(t).Total()
		rt.Repeat(map[string]func(*rapid.T){
			"block": func(rt *rapid.T) {
				c.end(rt)
				other.end(rt)
			},
			"transaction": func(rt *rapid.T) {
				signer := rapid.ByteRange(0, 12).Draw(rt, "signer")
				before := account(t, c.working, key(signer).Address())
				tx := body(drawMessage(rt))
				tx.Sequence = before.Sequence
				tx.FeeUpokt = rapid.SampledFrom([]uint64{fee, fee, fee, 0, 3}).Draw(rt, "fee")
				raw, err := transaction.Seal(key(signer), tx)
				if err != nil {
					rt.Fatal(err)
				}
				checked, err := new(utility.Pool).Check(c.working, c.Latest()+1, raw, false)
				if err != nil {
					rt.Fatal(err)
				}
				got := c.deliver(t, raw)
				if got != checked || got != other.deliver(t, raw) {
					rt.Fatalf("%v: checked %v, delivered %v", tx, checked, got)
				}
				counted := before.Sequence
				if got.Code == 0 || got.Code >= 100 {
					counted++
				}
				if after := account(t, c.working, key(signer).Address()); after.Sequence != counted {
					rt.Fatalf("%v: sequence %d, want %d", got, after.Sequence, counted)
				}
				if counted > before.Sequence {
					state := c.working.snapshot()
					if replay := c.deliver(t, raw); replay.Code != types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE ||
						!maps.EqualFunc(state.entries, c.working.entries, slices.Equal) {
						rt.Fatalf("a replay gives %v", replay)
					}
				}
			},
			"": func(rt *rapid.T) {
				checkInvariants(rt, c.working, want)
				if !maps.EqualFunc(c.working.entries, other.working.entries, slices.Equal) {
					rt.Fatal("two stores differ")
				}
			},
		})
		if !slices.Equal(c.working.sets, other.working.sets) {
			rt.Fatal("two stores were written in different orders")
		}
	})
}

// Raw bytes never end the block, and transactions that are not charged change nothing. The fuzzer also writes bodies,
// so that it gets past the signature.
func FuzzDeliver(f *testing.F) {
	c := busy(f)
	want := c.supply(f).Total()
	for i, message := range []proto.Message{&types.Send{Recipient: key(1).Address(), AmountUpokt: 1}, stake(servicer),
		&types.EditStake{Type: servicer, StakeUpokt: balance}, &types.Unstake{Type: validator}, &types.Pause{Type: servicer},
		&types.Unpause{Type: servicer}, number("fee.minimum_upokt", 1)} {
		raw, err := proto.Marshal(body(message))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), raw, true)
		f.Add(byte(i), c.sign(f, byte(i), message), false)
	}
	f.Fuzz(func(t *testing.T, signer byte, raw []byte, isBody bool) {
		if isBody {
			tx := new(types.Transaction)
			if proto.Unmarshal(raw, tx) != nil {
				return
			}
			var err error
			if raw, err = transaction.Seal(key(signer%12), tx); err != nil {
				return
			}
		}
		store := &chain{working: c.working.snapshot()}
		checked, err := new(utility.Pool).Check(store.working, 2, raw, false)
		if err != nil {
			t.Fatal(err)
		}
		got := store.deliver(t, raw)
		// A pool also refuses what is padded.
		signed, err := transaction.Open(raw)
		padded := err == nil && len(raw) > proto.Size(signed.Transaction)+160
		if len(got.Reason) > 2048 || checked != got && checked.Code != 0 && !padded {
			t.Errorf("checked %v, delivered %v", checked, got)
		}
		if changed := !maps.EqualFunc(store.working.entries, c.working.entries, slices.Equal); changed != (got.Code == 0 || got.Code >= 100) {
			t.Errorf("%v changes the state: %v", got, changed)
		}
		if after := store.supply(t); after.Total() != want {
			t.Errorf("%v makes the supply %+v", got, after)
		}
	})
}
