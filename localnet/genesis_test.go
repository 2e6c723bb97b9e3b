package localnet

import (
	"fmt"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestGenesisIsValidAndAsTheOptionsSay(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for _, servicers := range []int{1, 6, MaxServicers} {
		o := DefaultOptions()
		o.Servicers, o.Seed, o.BlocksPerSession, o.ChecksPerSession = servicers, 9, 20, 30
		urls := make([]string, servicers)
		for i := range urls {
			urls[i] = fmt.Sprintf("http://127.0.0.1:%d", 1000+i)
		}
		g := newGenesis(o, 1, 1, urls, at)
		if err := g.Validate(); err != nil {
			t.Fatalf("%d servicers: %v", servicers, err)
		}
		checkParams(t, g.Params, servicers)
		if g.ChainId != "pocket-localnet-9" || !g.GenesisTime.AsTime().Equal(at) {
			t.Errorf("chain id, time = %q, %v", g.ChainId, g.GenesisTime.AsTime())
		}
		checkActors(t, g.Actors, urls)
		if len(g.Accounts) != len(g.Actors) || g.Accounts[0].BalanceUpokt < 2*g.Params.Stake.ValidatorMinimumUpokt {
			t.Errorf("%d accounts of %d actors, the first with %v", len(g.Accounts), len(g.Actors), g.Accounts[0])
		}
		if owner := Key(9, types.ActorType_ACTOR_TYPE_VALIDATOR, 0).Address(); g.Params.Governance.QosOwner != owner {
			t.Errorf("parameters are owned by %q", g.Params.Governance.QosOwner)
		}
	}
}

func TestSessionsTakeAsManyServicersAsTheOptionsSay(t *testing.T) {
	for perSession, want := range map[uint32]uint32{0: 24, 2: 2, 3: 3, 5: 5, MaxServicers: MaxServicers} {
		o := DefaultOptions()
		o.Servicers, o.ServicersPerSession = 4, perSession
		urls := []string{"http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "http://127.0.0.1:4"}
		g := newGenesis(o, 1, 1, urls, time.Unix(1_700_000_000, 0))
		if err := g.Validate(); err != nil || g.Params.Session.ServicersPerSession != want {
			t.Errorf("%d servicers per session are %d in the genesis (%v)", perSession, g.Params.Session.ServicersPerSession, err)
		}
	}
}

func TestActorsAreStakedForTheEthereumChainIfThereIsOne(t *testing.T) {
	for ethereum, want := range map[bool]string{false: "[0001]", true: "[0001 0021]"} {
		o := DefaultOptions()
		o.Servicers, o.Ethereum = 1, ethereum
		g := newGenesis(o, 1, 1, []string{"http://127.0.0.1:1000"}, time.Unix(1_700_000_000, 0))
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, actor := range g.Actors {
			if got := fmt.Sprint(actor.Chains); got != want && actor.Type != types.ActorType_ACTOR_TYPE_VALIDATOR {
				t.Errorf("%s is staked for %s, want %s", actor.Type.Label(), got, want)
			}
		}
	}
}

func checkParams(t *testing.T, p *genesis.Params, servicers int) {
	t.Helper()
	if p.Session.BlocksPerSession != 20 || p.Qos.ChecksPerSession != 30 || p.Qos.SessionsRetained != 100 {
		t.Errorf("blocks, checks, retained = %d, %d, %d; want 20, 30, 100",
			p.Session.BlocksPerSession, p.Qos.ChecksPerSession, p.Qos.SessionsRetained)
	}
	if int(p.Session.ServicersPerSession) < servicers {
		t.Errorf("servicers per session = %d, want %d or more", p.Session.ServicersPerSession, servicers)
	}
}

func checkActors(t *testing.T, actors []*types.Actor, urls []string) {
	t.Helper()
	count := map[types.ActorType]int{}
	for _, actor := range actors {
		index := count[actor.Type]
		count[actor.Type]++
		if want := Key(9, actor.Type, index); actor.PublicKey != want.PublicKeyHex() || actor.Address != want.Address() {
			t.Errorf("%s %d has another key", actor.Type.Label(), index)
		}
		if actor.Type == types.ActorType_ACTOR_TYPE_SERVICER && actor.ServiceUrl != urls[index] {
			t.Errorf("servicer %d is at %s, want %s", index, actor.ServiceUrl, urls[index])
		}
	}
	for _, role := range roles {
		want := 1
		if role == types.ActorType_ACTOR_TYPE_SERVICER {
			want = len(urls)
		}
		if count[role] != want {
			t.Errorf("%d of type %s, want %d", count[role], role.Label(), want)
		}
	}
}
