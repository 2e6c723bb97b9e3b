package utility_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
	"github.com/pocket-fisherman/fisherman/utility"
	"github.com/pocket-fisherman/fisherman/utility/session"
)

// rich returns the test's genesis with an account for every key of a list, all of which may stake as fishermen.
func rich(keys ...crypto.PrivateKey) *genesis.Genesis {
	g := network()
	list := []string{}
	for _, k := range keys {
		if !slices.ContainsFunc(g.Accounts, func(a *types.Account) bool { return a.Address == k.Address() }) {
			g.Accounts = append(g.Accounts, &types.Account{Address: k.Address(), BalanceUpokt: balance})
		}
		list = append(list, k.Address())
	}
	slices.Sort(list)
	g.Params.Governance.FishermanAccessList = list
	g.Params.Stake.MinimumPauseBlocks = 0
	return g
}

// have has a key carry out a message in the block that is being made.
func (c *chain) have(t testing.TB, signer crypto.PrivateKey, message proto.Message) {
	t.Helper()
	tx := body(message)
	tx.Sequence = account(t, c.working, signer.Address()).Sequence
	raw, err := transaction.Seal(signer, tx)
	if err != nil {
		t.Fatal(err)
	}
	if result := c.deliver(t, raw); result.Code != 0 {
		t.Fatalf("%T: %s: %s", message, result.Code.Label(), result.Reason)
	}
}

// reach commits blocks up to a height.
func (c *chain) reach(t *testing.T, height int64) {
	for c.Latest() < height {
		c.commit(t)
	}
}

// isIn reports whether an address takes part in the session of application 0 at a height, or has one of its own.
func isIn(t *testing.T, m *utility.Module, height int64, role types.ActorType, address string) bool {
	t.Helper()
	if role == application {
		_, err := m.Session(t.Context(), height, address, "0001")
		if err != nil && !errors.Is(err, modules.ErrApplicationNew) && !errors.Is(err, modules.ErrUnknownActor) &&
			!errors.Is(err, modules.ErrApplicationPaused) && !errors.Is(err, modules.ErrChainNotStaked) {
			t.Fatal(err)
		}
		return err == nil
	}
	s, err := m.Session(t.Context(), height, key(0).Address(), "0001")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(slices.Concat(s.Servicers, s.Fishermen), func(a *types.Actor) bool { return a.Address == address })
}

// A key that was ground against the id of the running session would come first in it. It is not in it, nor in the next,
// whose id its owner may still influence; it is in the one after that.
func TestGroundKeyGetsNoSeat(t *testing.T) {
	id := wantID(20)
	for _, role := range []types.ActorType{servicer, fisherman} {
		var ground crypto.PrivateKey
		tries := 0
		for ; ; tries++ {
			var seed [32]byte
			binary.BigEndian.PutUint64(seed[24:], uint64(1000+tries))
			ground = crypto.KeyFromSeed(seed)
			rivals := []*types.Actor{{Address: ground.Address()}}
			for i := byte(1); i <= 6; i++ {
				rivals = append(rivals, &types.Actor{Address: key(i).Address()})
			}
			if session.Select(id, rivals, 1)[0] == rivals[0] {
				break
			}
		}
		c := newChain(t, rich(ground), 21)
		m := utility.NewModule(c)
		c.have(t, ground, stake(role))
		c.reach(t, 49)
		for height := int64(20); height <= 50; height++ {
			if is := isIn(t, m, height, role, ground.Address()); is && height < 40 || role == servicer && !is && height >= 40 {
				t.Errorf("a %s ground in %d tries and staked in block 22 is in the session at height %d: %v", role.Label(), tries, height, is)
			}
		}
	}
}

// Whatever brings an actor into a session, and whatever makes it another, does so after a whole session; what takes it out
// does so with the next block.
func TestSeatsAreTakenAWholeSessionLater(t *testing.T) {
	const who = 9
	changed := func(change func(e *types.EditStake)) func(role types.ActorType) []proto.Message {
		return func(role types.ActorType) []proto.Message {
			s := stake(role)
			e := &types.EditStake{Type: role, Chains: []string{"0001", "0002"}, GeoZone: s.GeoZone, ServiceUrl: s.ServiceUrl, StakeUpokt: minimum}
			change(e)
			return []proto.Message{e}
		}
	}
	restored := func(role types.ActorType) []proto.Message {
		away := changed(func(e *types.EditStake) { e.ServiceUrl = "http://elsewhere.example" })(role)
		return append(away, changed(func(*types.EditStake) {})(role)...)
	}
	tests := map[string]struct {
		messages func(role types.ActorType) []proto.Message
		// stays is true for what leaves an actor where it is, gone for what takes it out for good.
		stays, gone bool
	}{
		"URL":             {messages: changed(func(e *types.EditStake) { e.ServiceUrl = "http://moved.example" })},
		"URL and back":    {messages: restored},
		"more stake":      {messages: changed(func(e *types.EditStake) { e.StakeUpokt++ }), stays: true},
		"nothing":         {messages: changed(func(*types.EditStake) {}), stays: true},
		"another chain":   {messages: changed(func(e *types.EditStake) { e.Chains = []string{"0001", "0003"} }), stays: true},
		"a chain less":    {messages: changed(func(e *types.EditStake) { e.Chains = []string{"0001"} }), stays: true},
		"this chain less": {messages: changed(func(e *types.EditStake) { e.Chains = []string{"0002"} }), gone: true},
		"pause":           {messages: func(role types.ActorType) []proto.Message { return []proto.Message{&types.Pause{Type: role}} }, gone: true},
		"unstake":         {messages: func(role types.ActorType) []proto.Message { return []proto.Message{&types.Unstake{Type: role}} }, gone: true},
		"pause and back": {messages: func(role types.ActorType) []proto.Message {
			return []proto.Message{&types.Pause{Type: role}, &types.Unpause{Type: role}}
		}},
		"unstake and back": {messages: func(role types.ActorType) []proto.Message {
			return append([]proto.Message{&types.Unstake{Type: role}}, stakeOfBoth(role))
		}},
		"chain away and back": {messages: func(role types.ActorType) []proto.Message {
			return append(changed(func(e *types.EditStake) { e.Chains = []string{"0002"} })(role), changed(func(*types.EditStake) {})(role)...)
		}},
	}
	for _, role := range []types.ActorType{application, servicer, fisherman} {
		for name, test := range tests {
			for _, at := range []int64{49, 50, 51, 59} {
				t.Run(fmt.Sprintf("%s/%s/%d", role.Label(), name, at), func(t *testing.T) {
					g := rich(key(who))
					g.Params.Session.FishermenPerSession = 64
					c := newChain(t, g, 9)
					c.have(t, key(who), stakeOfBoth(role))
					c.reach(t, at-1)
					for _, message := range test.messages(role) {
						c.have(t, key(who), message)
					}
					c.reach(t, 89)
					m := utility.NewModule(c)
					back := (at/10 + 2) * 10
					for height := int64(10); height <= 90; height++ {
						want := height >= 30 && (test.stays || height <= at || !test.gone && height >= back)
						if got := isIn(t, m, height, role, key(who).Address()); got != want {
							t.Errorf("height %d: %v, want %v", height, got, want)
						}
					}
				})
			}
		}
	}
}

// An application that is too new is told when its sessions begin.
func TestNewApplicationIsToldWhenItsSessionsBegin(t *testing.T) {
	c := newChain(t, rich(), 42)
	c.have(t, key(9), stake(application)) // block 43
	c.commit(t)
	_, err := utility.NewModule(c).Session(t.Context(), 44, key(9).Address(), "0001")
	if !errors.Is(err, modules.ErrApplicationNew) || !strings.HasSuffix(err.Error(), "since height 43; its sessions begin at height 60") {
		t.Errorf("got %v", err)
	}
}

// stakeOfBoth is a stake for the test's chain and another.
func stakeOfBoth(role types.ActorType) *types.Stake {
	s := stake(role)
	s.Chains = []string{"0001", "0002"}
	return s
}

// A fisherman that is taken off the access list is unstaked before the next session, and has its stake back in the end.
// Those of the genesis that were never on the list stay.
func TestFishermanTakenOffTheListLeaves(t *testing.T) {
	const who = 9
	g := rich(key(who), key(8))
	g.Params.Session.FishermenPerSession = 64
	g.Params.Stake.FishermanUnbondingBlocks = 7
	c := newChain(t, g, 1)
	total := c.supply(t).Total()
	c.have(t, key(who), stake(fisherman))
	c.reach(t, 34)
	list := &types.ChangeParameter{Parameter: "governance.fisherman_access_list",
		Value: &types.ChangeParameter_List{List: &types.TextList{Items: []string{key(8).Address()}}}}
	c.have(t, key(8), list)
	c.reach(t, 50)
	m := utility.NewModule(c)
	for height := int64(20); height <= 50; height++ {
		if got, want := isIn(t, m, height, fisherman, key(who).Address()), height < 40; got != want {
			t.Errorf("height %d: %v, want %v", height, got, want)
		}
		if !isIn(t, m, height, fisherman, key(5).Address()) {
			t.Errorf("height %d: a fisherman of the genesis is gone", height)
		}
	}
	if c.actor(t, fisherman, who) != nil || account(t, c.working, key(who).Address()).BalanceUpokt != balance-fee || c.supply(t).Total() != total {
		t.Errorf("still staked, or the stake is not back: %v", account(t, c.working, key(who).Address()))
	}
}

// witness remembers what happened to actors, apart from the state.
type witness struct {
	blocks int64
	// became is the height at which an actor last staked, unpaused, or changed what it is on a chain.
	became map[string]int64
	// fit is everybody who could be in a session at the height before, by session and role.
	fit map[string][]string
	// nodes are asked for each fisherman's sessions block after block.
	nodes map[string]*utility.Fishing
}

func (w *witness) carried(role types.ActorType, address string, height int64, before, after *types.Actor, message proto.Message) {
	_, unpaused := message.(*types.Unpause)
	for _, chain := range after.GetChains() {
		if before == nil || unpaused || before.GeoZone != after.GeoZone || before.ServiceUrl != after.ServiceUrl ||
			!slices.Contains(before.Chains, chain) {
			w.became[fmt.Sprint(role, address, chain)] = height
		}
	}
}

// check looks at all sessions of the next block: who is in them has been the same since before the session before, in the
// state of every block; and within a session nobody joins those who could be in it.
func (w *witness) check(rt *rapid.T, c *chain, first *memory, m *utility.Module) {
	height := c.Latest() + 1
	start := height - height%w.blocks
	fixed := max(0, start-w.blocks-1)
	own := make(map[string]int)
	for _, app := range actorsOf(rt, c.working, application) {
		for _, chain := range app.Chains {
			s, err := m.Session(rt.Context(), height, app.Address, chain)
			if errors.Is(err, modules.ErrApplicationNew) || errors.Is(err, modules.ErrApplicationPaused) {
				continue
			}
			if err != nil {
				rt.Fatal(err)
			}
			plain, err := utility.Session(c.working, height, app.Address, chain)
			if err != nil || !proto.Equal(plain, s) {
				rt.Fatalf("read plainly: %v, %v, not %v", plain, err, s)
			}
			for _, member := range slices.Concat(s.Servicers, s.Fishermen, []*types.Actor{s.Application}) {
				if at := w.became[fmt.Sprint(member.Type, member.Address, chain)]; at > fixed {
					rt.Fatalf("height %d: %v became so in block %d, after %d", height, member, at, fixed)
				}
				for at := fixed; at < height; at++ {
					state := first
					if at > 0 {
						state = c.versions[at-1]
					}
					then, err := utility.Actor(state, member.Type, member.Address)
					if err != nil || then.PausedHeight != 0 || then.ServiceUrl != member.ServiceUrl || then.GeoZone != s.Header.GeoZone ||
						!slices.Contains(then.Chains, chain) {
						rt.Fatalf("height %d: %v was %v in block %d (%v)", height, member, then, at, err)
					}
				}
			}
			for _, f := range s.Fishermen {
				own[f.Address]++
			}
			w.onlyLeave(rt, c, s, chain)
		}
	}
	for _, f := range actorsOf(rt, c.working, fisherman) {
		node := w.nodes[f.Address]
		if node == nil {
			node = utility.NewFishing(m, f.Address)
			w.nodes[f.Address] = node
		}
		if height%2 == 0 {
			if err := node.Prepare(rt.Context(), height-1); err != nil {
				rt.Fatal(err)
			}
		}
		w.sameCatch(rt, m, node, height, f.Address, own[f.Address])
		if height%3 == 0 {
			back := max(1, height-2)
			got, err := node.Sessions(rt.Context(), back)
			if err != nil {
				rt.Fatal(err)
			}
			w.sameCatch(rt, m, node, back, f.Address, len(got))
		}
	}
}

// sameCatch compares what is found block after block with what is found at once, and each with the session itself.
func (w *witness) sameCatch(rt *rapid.T, m *utility.Module, node *utility.Fishing, height int64, address string, want int) {
	got, err := node.Sessions(rt.Context(), height)
	atOnce, errAtOnce := m.FishermanSessions(rt.Context(), height, address)
	if err != nil || errAtOnce != nil || len(got) != want || len(atOnce) != want {
		rt.Fatalf("height %d: %s has %d and %d sessions, want %d (%v, %v)", height, address, len(got), len(atOnce), want, err, errAtOnce)
	}
	for i, s := range got {
		single, err := m.Session(rt.Context(), height, s.Header.Application, s.Header.RelayChain)
		if err != nil || !proto.Equal(s, single) || !proto.Equal(s, atOnce[i]) {
			rt.Fatalf("height %d: %v, %v at once, want %v (%v)", height, s, atOnce[i], single, err)
		}
	}
}

func (w *witness) onlyLeave(rt *rapid.T, c *chain, s *types.Session, chain string) {
	for role, members := range map[types.ActorType][]*types.Actor{servicer: s.Servicers, fisherman: s.Fishermen} {
		var all []*types.Actor
		for _, actor := range actorsOf(rt, c.working, role) {
			if session.MayTakePart(actor, chain, s.Header.GeoZone, session.FixedAt(s.Header.StartHeight, w.blocks)) {
				all = append(all, actor)
			}
		}
		var fit []string
		for _, actor := range session.Select(s.Header.Id, all, len(all)) {
			fit = append(fit, actor.Address)
		}
		place := s.Header.Id + role.Label()
		if before, known := w.fit[place]; known {
			rest := slices.DeleteFunc(slices.Clone(before), func(a string) bool { return !slices.Contains(fit, a) })
			if !slices.Equal(rest, fit) {
				rt.Fatalf("%s of %s: %v, then %v", role.Label(), s.Header.Id, before, fit)
			}
		}
		w.fit[place] = fit
		for i, member := range members {
			if member.Address != fit[i] {
				rt.Fatalf("%s %d is %s, not %s", role.Label(), i, member.Address, fit[i])
			}
		}
	}
}

func actorsOf(rt *rapid.T, r utility.Reader, role types.ActorType) []*types.Actor {
	actors, err := utility.Actors(r, role)
	if err != nil {
		rt.Fatal(err)
	}
	return actors
}

// No key that was made after the hash, and no edit, unpause or stake after it, ever gives a seat, whatever the blocks hold.
func TestSeatsAreFixedBeforeTheHash(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		keys := make([]crypto.PrivateKey, 12)
		for i := range keys {
			keys[i] = key(byte(i))
		}
		g := rich(keys...)
		g.Params.Session.BlocksPerSession = rapid.Int64Range(1, 4).Draw(rt, "blocks per session")
		g.Params.Session.ServicersPerSession = 3
		c := &chain{working: newMemory()}
		if err := utility.InitGenesis(c.working, g); err != nil {
			rt.Fatal(err)
		}
		first, m := c.working.snapshot(), utility.NewModule(c)
		w := &witness{blocks: g.Params.Session.BlocksPerSession, became: make(map[string]int64), fit: make(map[string][]string),
			nodes: make(map[string]*utility.Fishing)}
		rt.Repeat(map[string]func(*rapid.T){
			"block": func(rt *rapid.T) {
				for range rapid.IntRange(1, 3).Draw(rt, "blocks") {
					height := c.Latest() + 1
					hash := blockHash(rapid.Int64().Draw(rt, "hash"))
					if err := utility.EndBlock(c.working, height, hash); err != nil {
						rt.Fatal(err)
					}
					c.versions = append(c.versions, c.working.snapshot())
					w.check(rt, c, first, m)
				}
			},
			"transaction": func(rt *rapid.T) {
				signer := keys[rapid.IntRange(0, len(keys)-1).Draw(rt, "signer")]
				role := rapid.SampledFrom([]types.ActorType{application, servicer, fisherman}).Draw(rt, "role")
				placed := stake(role)
				placed.Chains = rapid.SampledFrom([][]string{{"0001"}, {"0001", "00FF"}, {"00FF"}}).Draw(rt, "chains")
				placed.GeoZone = rapid.SampledFrom([]string{"eu", "eu", "us"}).Draw(rt, "zone")
				placed.ServiceUrl = rapid.SampledFrom([]string{"http://a.example", "http://b.example"}).Draw(rt, "URL")
				message := rapid.SampledFrom([]proto.Message{placed, &types.EditStake{Type: role, Chains: placed.Chains, GeoZone: placed.GeoZone,
					ServiceUrl: placed.ServiceUrl, StakeUpokt: 2 * minimum}, &types.Unstake{Type: role}, &types.Pause{Type: role},
					&types.Unpause{Type: role}}).Draw(rt, "message")
				before, _ := utility.Actor(c.working, role, signer.Address())
				tx := body(message)
				tx.Sequence = account(t, c.working, signer.Address()).Sequence
				raw, err := transaction.Seal(signer, tx)
				if err != nil {
					rt.Fatal(err)
				}
				if c.deliver(t, raw).Code != 0 {
					return
				}
				after, _ := utility.Actor(c.working, role, signer.Address())
				w.carried(role, signer.Address(), c.Latest()+1, before, after, message)
			},
		})
	})
}
