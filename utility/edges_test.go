package utility_test

import (
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/utility"
)

// governed returns a chain of short sessions all of whose parameters are key 8's.
func governed(t testing.TB) *chain {
	g := network()
	g.Params.Session.BlocksPerSession = 3
	g.Params.Governance.RelayOwner = key(8).Address()
	return newChain(t, g, 1)
}

// edges returns changes of a parameter to every value at which its range might end.
func edges(field protoreflect.FieldDescriptor, name string) (changes []*types.ChangeParameter) {
	if field.Kind() == protoreflect.MessageKind {
		for _, value := range []time.Duration{0, 1, time.Microsecond, 100 * time.Microsecond, time.Millisecond,
			10 * time.Millisecond, 3 * time.Second, 10 * time.Second, time.Minute, math.MaxInt64} {
			changes = append(changes, &types.ChangeParameter{Parameter: name,
				Value: &types.ChangeParameter_Duration{Duration: durationpb.New(value)}})
		}
		return changes
	}
	if field.Kind() == protoreflect.StringKind || field.Kind() == protoreflect.EnumKind {
		return nil
	}
	values := []uint64{0, 1, 2, 24, 64, 100, 255, 256, 1024, math.MaxInt32, math.MaxUint32, math.MaxInt64, math.MaxUint64}
	for power := uint64(10); power <= 1e19/10; power *= 10 {
		values = append(values, power)
	}
	for _, value := range values {
		changes = append(changes, number(name, value))
	}
	return changes
}

// parameters calls visit with every parameter.
func parameters(visit func(name string, field protoreflect.FieldDescriptor)) {
	groups := new(genesis.Params).ProtoReflect().Descriptor().Fields()
	for i := range groups.Len() {
		fields := groups.Get(i).Message().Fields()
		for j := range fields.Len() {
			visit(string(groups.Get(i).Name())+"."+string(fields.Get(j).Name()), fields.Get(j))
		}
	}
}

// change changes a parameter at the fee of the moment, and reports whether that was admitted.
func (c *chain) change(t testing.TB, change *types.ChangeParameter) bool {
	t.Helper()
	params, err := utility.Params(c.working)
	if err != nil {
		t.Fatal(err)
	}
	tx := body(change)
	tx.FeeUpokt, tx.Sequence = params.Fee.MinimumUpokt, account(t, c.working, key(8).Address()).Sequence
	result := c.deliver(t, sealed(t, key(8), tx))
	if result.Code != 0 && result.Code != types.TransactionCode_TRANSACTION_CODE_INVALID_PARAMETER {
		t.Fatalf("%v: %v", change, result)
	}
	return result.Code == 0
}

// goesOn checks that after the parameters have changed blocks are made, sessions are formed, and accounts can act.
func (c *chain) goesOn(t testing.TB) {
	t.Helper()
	for range 7 {
		c.commit(t)
	}
	params, err := utility.Params(c.working)
	if err != nil || params.Validate() != nil {
		t.Fatal(params, err)
	}
	if active, err := utility.ActiveValidators(c.working); err != nil || len(active) == 0 {
		t.Fatalf("validators: %v, %v", active, err)
	}
	sender := account(t, c.working, key(2).Address())
	raw := seal(t, key(2), sender.Sequence, params.Fee.MinimumUpokt, key(3).Address(), 1)
	if result := c.deliver(t, raw); result.Code != 0 {
		t.Fatalf("an account with %d uPOKT cannot act: %v", sender.BalanceUpokt, result)
	}
}

// No parameter at any edge of its range ends the chain: it goes on, accounts can act, and the owner can undo the change.
func TestParametersAtTheirEdges(t *testing.T) {
	parameters(func(name string, field protoreflect.FieldDescriptor) {
		for _, change := range edges(field, name) {
			c := governed(t)
			if !c.change(t, change) {
				continue
			}
			c.goesOn(t)
			if !c.change(t, change) {
				t.Errorf("%v cannot be changed again", change)
			}
		}
	})
}

// The same for all parameters at their lowest and at their highest.
func TestAllParametersAtTheirEdges(t *testing.T) {
	for _, highest := range []bool{false, true} {
		c := governed(t)
		parameters(func(name string, field protoreflect.FieldDescriptor) {
			changes := edges(field, name)
			if highest {
				// The last one that is admitted stays.
				for _, change := range changes {
					c.change(t, change)
				}
				return
			}
			for _, change := range changes {
				if c.change(t, change) {
					return
				}
			}
		})
		c.goesOn(t)
		if !c.change(t, number("fee.minimum_upokt", fee)) {
			t.Error("the fee cannot be changed back")
		}
		c.goesOn(t)
	}
}

// Thousands of small validators do not become part of every block.
func TestOnlyTheHighestStakesValidate(t *testing.T) {
	g := network()
	for i := range 300 {
		validator := crypto.KeyFromSeed([32]byte{0xfe, byte(i), byte(i >> 8)})
		g.Actors = append(g.Actors, &types.Actor{Type: types.ActorType_ACTOR_TYPE_VALIDATOR, Address: validator.Address(),
			PublicKey: validator.PublicKeyHex(), StakeUpokt: minimum + uint64(i)})
	}
	active, err := utility.ActiveValidators(newChain(t, g, 1).working)
	if err != nil || len(active) != utility.MostValidators {
		t.Fatalf("%d, %v", len(active), err)
	}
	for i, validator := range active {
		if i > 0 && validator.Address <= active[i-1].Address {
			t.Fatal("not ordered by address")
		}
		// The one of the genesis has more than all of these.
		if validator.StakeUpokt < minimum+300-utility.MostValidators+1 {
			t.Errorf("a stake of %d is among the highest", validator.StakeUpokt)
		}
	}
}
