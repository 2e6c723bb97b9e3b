package utility_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/utility"
)

var update = flag.Bool("update", false, "write the golden files")

// The golden file pins every byte of the state: changing it changes the chain.
func TestStateBytes(t *testing.T) {
	const golden = "testdata/state.golden"
	c := newChain(t, network(), 14)
	c.do(t, 9, stakeOfBoth(servicer)) // block 15
	c.reach(t, 17)
	c.do(t, 9, &types.EditStake{Type: servicer, Chains: []string{"0001", "0003"}, GeoZone: "eu", ServiceUrl: "http://new.example",
		StakeUpokt: minimum + 1})
	c.reach(t, 20)
	state := c.working.entries
	var dump strings.Builder
	for _, key := range slices.Sorted(maps.Keys(state)) {
		fmt.Fprintf(&dump, "%+q\n\t%x\n", key, state[key])
	}
	if *update {
		if err := os.WriteFile(golden, []byte(dump.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if dump.String() != string(want) {
		t.Errorf("the state's bytes changed:\n%s", &dump)
	}
}

func TestGenesisIsReadBack(t *testing.T) {
	g, store := network(), newMemory()
	if err := utility.InitGenesis(store, g); err != nil {
		t.Fatal(err)
	}
	if params, err := utility.Params(store); err != nil || !proto.Equal(params, g.Params) {
		t.Errorf("parameters %v, %v", params, err)
	}
	if id, err := utility.ChainID(store); err != nil || id != "test-1" {
		t.Errorf("chain id %q, %v", id, err)
	}
	for _, want := range g.Actors {
		if got, err := utility.Actor(store, want.Type, want.Address); err != nil || !proto.Equal(got, want) {
			t.Errorf("actor %v, %v, want %v", got, err, want)
		}
	}
	got, err := utility.Actors(store, types.ActorType_ACTOR_TYPE_SERVICER)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.SortedFunc(slices.Values(g.Actors[1:5]), func(a, b *types.Actor) int {
		return strings.Compare(a.Address, b.Address)
	})
	if !slices.EqualFunc(got, want, func(a, b *types.Actor) bool { return proto.Equal(a, b) }) {
		t.Errorf("servicers %v, want %v", got, want)
	}
}

func TestOrderOfActorsMakesNoDifference(t *testing.T) {
	sets := func(g *genesis.Genesis) []string {
		store := newMemory()
		if err := utility.InitGenesis(store, g); err != nil {
			t.Fatal(err)
		}
		return store.sets
	}
	reversed := network()
	slices.Reverse(reversed.Actors)
	if a, b := sets(network()), sets(reversed); !slices.Equal(a, b) {
		t.Errorf("keys are set in another order: %q, %q", a, b)
	}
}

func TestInitGenesisRefuses(t *testing.T) {
	store, bad := newMemory(), network()
	bad.Params.Qos.ChecksPerSession = 0
	var field *genesis.FieldError
	if err := utility.InitGenesis(store, bad); !errors.As(err, &field) || len(store.sets) > 0 {
		t.Errorf("invalid genesis: %v, %d keys set", err, len(store.sets))
	}
	if err := utility.InitGenesis(store, network()); err != nil {
		t.Fatal(err)
	}
	before := len(store.sets)
	err := utility.InitGenesis(store, network())
	if err == nil || !strings.Contains(err.Error(), `already belongs to chain "test-1"`) || len(store.sets) != before {
		t.Errorf("second genesis: %v", err)
	}
	if err := utility.InitGenesis(broken{}, network()); !errors.Is(err, errDisk) {
		t.Errorf("broken store: %v", err)
	}
}

func TestEndBlockRecordsTheHashBeforeASession(t *testing.T) {
	c := newChain(t, network(), 0)
	for height := int64(1); height <= 30; height++ {
		before := len(c.working.entries)
		c.commit(t)
		recorded := len(c.working.entries) - before
		if want := height%10 == 9; (recorded == 1) != want {
			t.Errorf("block %d recorded %d keys", height, recorded)
		}
	}
}

func TestEndBlockRefuses(t *testing.T) {
	c := newChain(t, network(), 0)
	tests := map[string]struct {
		store  utility.Store
		height int64
		hash   []byte
		want   string
	}{
		"height":       {c.working, 0, blockHash(0), "end block 0: heights start at 1"},
		"no hash":      {c.working, 9, nil, "end block 9: the block has no hash"},
		"no genesis":   {newMemory(), 9, blockHash(9), "end block 9: read parameters: the state is empty"},
		"broken store": {broken{}, 9, blockHash(9), errDisk.Error()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := utility.EndBlock(test.store, test.height, test.hash)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestUnknownActors(t *testing.T) {
	store := newChain(t, network(), 0).working
	address := key(1).Address()
	_, err := utility.Actor(store, types.ActorType_ACTOR_TYPE_APPLICATION, address)
	if !errors.Is(err, modules.ErrUnknownActor) ||
		!strings.Contains(err.Error(), "no application "+address+" (the address is staked as servicer)") {
		t.Errorf("a servicer's address: %v", err)
	}
	stranger := key(99).Address()
	_, err = utility.Actor(store, types.ActorType_ACTOR_TYPE_SERVICER, stranger)
	if !errors.Is(err, modules.ErrUnknownActor) || !strings.HasSuffix(err.Error(), "no servicer "+stranger) {
		t.Errorf("a stranger's address: %v", err)
	}
	_, err = utility.Actor(store, types.ActorType_ACTOR_TYPE_SERVICER, "0x12")
	if err == nil || !strings.Contains(err.Error(), `address of servicer: "0x12" is not 40 lower-case hex digits`) {
		t.Errorf("no address: %v", err)
	}
	for _, role := range []types.ActorType{0, 5, 257} {
		if _, err := utility.Actor(store, role, address); err == nil {
			t.Errorf("actor of type %d: no error", role)
		}
		if _, err := utility.Actors(store, role); err == nil {
			t.Errorf("actors of type %d: no error", role)
		}
	}
	if got, err := utility.Actors(newMemory(), types.ActorType_ACTOR_TYPE_SERVICER); len(got) > 0 || err != nil {
		t.Errorf("empty state: %v, %v", got, err)
	}
}

// No reader may mistake a broken or corrupt state for an empty one.
func TestReadersReportABrokenState(t *testing.T) {
	const servicer = types.ActorType_ACTOR_TYPE_SERVICER
	reads := map[string]func(r utility.Reader) error{
		"parameters": func(r utility.Reader) error { _, err := utility.Params(r); return err },
		"actor":      func(r utility.Reader) error { _, err := utility.Actor(r, servicer, key(1).Address()); return err },
		"actors":     func(r utility.Reader) error { _, err := utility.Actors(r, servicer); return err },
		"session": func(r utility.Reader) error {
			_, err := utility.Session(r, 1, key(0).Address(), "0001")
			return err
		},
	}
	for name, read := range reads {
		if err := read(broken{}); !errors.Is(err, errDisk) {
			t.Errorf("%s of a broken state: %v", name, err)
		}
		if err := read(corrupt{}); err == nil || !strings.Contains(err.Error(), "decode") {
			t.Errorf("%s of a corrupt state: %v", name, err)
		}
	}
	if _, err := utility.ChainID(broken{}); !errors.Is(err, errDisk) {
		t.Errorf("chain id of a broken state: %v", err)
	}
	if _, err := utility.ChainID(newMemory()); err == nil {
		t.Error("chain id of an empty state: no error")
	}
}

func TestHoldersBeginWithAPrefix(t *testing.T) {
	g, store := network(), newMemory()
	if err := utility.InitGenesis(store, g); err != nil {
		t.Fatal(err)
	}
	const servicer = types.ActorType_ACTOR_TYPE_SERVICER
	all, err := utility.Holders(store, servicer, "", 100)
	if err != nil || len(all) != 4 || !slices.IsSorted(all) {
		t.Fatalf("%v, %v", all, err)
	}
	for _, digits := range []int{1, 8, 9, 39, 40} {
		found, err := utility.Holders(store, servicer, all[2][:digits], 100)
		if err != nil || !slices.Contains(found, all[2]) || digits >= 8 && len(found) != 1 {
			t.Errorf("%d digits: %v, %v", digits, found, err)
		}
	}
	if two, err := utility.Holders(store, servicer, "", 2); err != nil || !slices.Equal(two, all[:2]) {
		t.Errorf("%v, %v", two, err)
	}
	for _, prefix := range []string{"xy", "F", all[0] + "0", all[0] + "00", strings.Repeat("0", 127)} {
		if none, err := utility.Holders(store, servicer, prefix, 100); err != nil || len(none) > 0 {
			t.Errorf("%q: %v, %v", prefix, none, err)
		}
	}
	accounts, err := utility.Holders(store, types.ActorType_ACTOR_TYPE_UNSPECIFIED, "", 1000)
	if err != nil || len(accounts) != len(g.GetAccounts()) {
		t.Errorf("%v, want those of %v, %v", accounts, g.GetAccounts(), err)
	}
	if _, err := utility.Holders(store, 99, "", 1); err == nil {
		t.Error("there is no such role")
	}
}
