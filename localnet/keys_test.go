package localnet

import (
	"math"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// roles are the roles of a LocalNet.
var roles = []types.ActorType{
	types.ActorType_ACTOR_TYPE_APPLICATION,
	types.ActorType_ACTOR_TYPE_SERVICER,
	types.ActorType_ACTOR_TYPE_FISHERMAN,
	types.ActorType_ACTOR_TYPE_VALIDATOR,
}

// The keys of a home must be those in its genesis, also in every later version.
func TestKeyIsStable(t *testing.T) {
	for _, c := range []struct {
		seed  uint64
		role  types.ActorType
		index int
		want  string
	}{
		{1, types.ActorType_ACTOR_TYPE_APPLICATION, 0, "0119eb938d70ba4daaca76a2e7d5cfe03355d60b"},
		{1, types.ActorType_ACTOR_TYPE_SERVICER, 0, "3b63d524e04d8769013010b13388725223f30f6c"},
		{1, types.ActorType_ACTOR_TYPE_SERVICER, 255, "cceaf14be04477826a046c2c4e3f966fce41ce5a"},
		{math.MaxUint64, types.ActorType_ACTOR_TYPE_FISHERMAN, 0, "5f9fa95fecb95caa0bda857923cf6733cb913e54"},
	} {
		if got := Key(c.seed, c.role, c.index).Address(); got != c.want {
			t.Errorf("Key(%d, %s, %d) has address %s, want %s", c.seed, c.role.Label(), c.index, got, c.want)
		}
	}
}

func TestKeysDiffer(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(2) {
		for _, role := range roles {
			for index := range 3 {
				seen[Key(seed, role, index).Address()] = true
			}
		}
	}
	if want := 2 * len(roles) * 3; len(seen) != want {
		t.Errorf("%d keys, want %d", len(seen), want)
	}
}

func TestSeedOf(t *testing.T) {
	for _, c := range []struct {
		chainID string
		seed    uint64
		ok      bool
	}{
		{"pocket-localnet-1", 1, true},
		{"pocket-localnet-0", 0, true},
		{"pocket-localnet-18446744073709551615", math.MaxUint64, true},
		{"pocket-localnet-18446744073709551616", 0, false},
		{"pocket-localnet-01", 0, false},
		{"pocket-localnet-+1", 0, false},
		{"pocket-localnet--1", 0, false},
		{"pocket-localnet-", 0, false},
		{"pocket-localnet-1 ", 0, false},
		{"pocket-1", 0, false},
		{"", 0, false},
	} {
		if seed, ok := SeedOf(c.chainID); seed != c.seed || ok != c.ok {
			t.Errorf("SeedOf(%q) = %d, %v; want %d, %v", c.chainID, seed, ok, c.seed, c.ok)
		}
	}
	if got := ChainID(7); got != "pocket-localnet-7" {
		t.Errorf("ChainID(7) = %q", got)
	}
}

func TestFindKey(t *testing.T) {
	for _, want := range []crypto.PrivateKey{
		Key(7, types.ActorType_ACTOR_TYPE_APPLICATION, 0),
		Key(7, types.ActorType_ACTOR_TYPE_FISHERMAN, 0),
		Key(7, types.ActorType_ACTOR_TYPE_VALIDATOR, 0),
		Key(7, types.ActorType_ACTOR_TYPE_SERVICER, 0),
		Key(7, types.ActorType_ACTOR_TYPE_SERVICER, MaxServicers-1),
	} {
		got, ok := FindKey(ChainID(7), want.Address())
		if !ok || string(got.Bytes()) != string(want.Bytes()) {
			t.Errorf("FindKey(%s) = %v, %v", want.Address(), got, ok)
		}
	}
	for _, c := range []struct{ chainID, address string }{
		{ChainID(8), Key(7, types.ActorType_ACTOR_TYPE_APPLICATION, 0).Address()},
		{ChainID(7), Key(7, types.ActorType_ACTOR_TYPE_APPLICATION, 1).Address()},
		{ChainID(7), Key(7, types.ActorType_ACTOR_TYPE_SERVICER, MaxServicers).Address()},
		{"pocket-mainnet", Key(7, types.ActorType_ACTOR_TYPE_APPLICATION, 0).Address()},
		{ChainID(7), "not an address"},
	} {
		if key, ok := FindKey(c.chainID, c.address); ok {
			t.Errorf("FindKey(%q, %q) = %v, want none", c.chainID, c.address, key)
		}
	}
}
