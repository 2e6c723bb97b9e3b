package localnet

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func fleet(validators, servicers int) Fleet {
	options := DefaultOptions()
	options.Servicers = servicers
	return Fleet{Options: options, Validators: validators, Fishermen: 1, FeedReplicas: 1, ListenHost: "0.0.0.0"}
}

// TestFleetHomesFitTogether: all nodes of a network have the same genesis, in which each has its stake; each names
// validators by their ids, a validator all others and no node itself; and no validator is named by too many.
func TestFleetHomesFitTogether(t *testing.T) {
	f := fleet(5, 9)
	f.Fishermen = 3
	named, first, names := map[string]int{}, "", f.Names()
	if want := 5 + 9 + 3; len(names) != want {
		t.Fatalf("%d names, want %d", len(names), want)
	}
	ids := map[string]int{}
	for i := range f.Validators {
		ids[node.ID(f.nodeKey(i))] = i
	}
	for _, name := range names {
		home := filepath.Join(t.TempDir(), name)
		if err := f.WriteHome(name, home, "secret"); err != nil {
			t.Fatal(err)
		}
		text, config := readHome(t, home)
		if first == "" {
			first = text
		}
		if text != first {
			t.Errorf("%s has a genesis of its own", name)
		}
		parsed, err := genesis.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if own := config.Addresses(); len(own) != 1 || !slices.ContainsFunc(parsed.GetActors(), func(a *types.Actor) bool { return a.GetAddress() == own[0] }) {
			t.Errorf("%s has the keys of %v, which are not staked", name, own)
		}
		if parsed.GetParams().GetSession().GetFishermenPerSession() != 3 || len(parsed.GetParams().GetGovernance().GetFishermanAccessList()) != 3 {
			t.Errorf("%s: not every fisherman is in each session", name)
		}
		want := mostFollowed
		if strings.HasPrefix(name, fleetValidator) {
			want = f.Validators - 1
		}
		if got := len(config.Chain.Peers); got != want {
			t.Errorf("%s names %d peers, want %d", name, got, want)
		}
		for _, peer := range config.Chain.Peers {
			id, at, _ := strings.Cut(peer, "@")
			validator, known := ids[id]
			if !known || at != host(fleetValidator, validator)+":26656" || fleetName(fleetValidator, validator) == name {
				t.Errorf("%s names %s", name, peer)
			}
			named[id]++
		}
	}
	for id, count := range named {
		if count > 4+9 {
			t.Errorf("%s is named by %d of %d nodes", id, count, len(names))
		}
	}
}

func readHome(t *testing.T, home string) (genesis string, config configs.Node) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(home, genesisName))
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join(home, configs.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if config, err = configs.Parse(written); err != nil {
		t.Fatal(err)
	}
	if err := config.Validate(); err != nil {
		t.Error(err)
	}
	return string(text), config
}

func TestFleetValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		f    Fleet
		ok   bool
	}{
		{"least", fleet(1, 1), true},
		{"most", fleet(MaxValidators, MaxServicers), true},
		{"no validator", fleet(0, 1), false},
		{"too many validators", fleet(MaxValidators+1, 1), false},
		{"no servicer", fleet(1, 0), false},
		{"too many servicers", fleet(1, MaxServicers+1), false},
		{"no fisherman", Fleet{Options: DefaultOptions(), Validators: 1, ListenHost: "0.0.0.0"}, false},
		{"too many fishermen", Fleet{Options: DefaultOptions(), Validators: 1, Fishermen: MaxFishermen + 1, ListenHost: "0.0.0.0"}, false},
		{"no host", Fleet{Options: DefaultOptions(), Validators: 1, Fishermen: 1, FeedReplicas: 1}, false},
		{"a name for a host", Fleet{Options: DefaultOptions(), Validators: 1, Fishermen: 1, FeedReplicas: 1, ListenHost: "pod"}, false},
	} {
		if err := test.f.Validate(); (err == nil) != test.ok || err != nil && !errors.Is(err, ErrBadOption) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestFleetKeysAreFound: commands sign for the validators of a fleet too.
func TestFleetKeysAreFound(t *testing.T) {
	last := Key(7, types.ActorType_ACTOR_TYPE_VALIDATOR, MaxValidators-1)
	if found, ok := FindKey(ChainID(7), last.Address()); !ok || found.Address() != last.Address() {
		t.Error("the key of the last validator is not found")
	}
}

// TestFleetFeeds: with a feed each fisherman publishes under its own name, and the collector trusts the keys of all, and of no
// other.
func TestFleetFeeds(t *testing.T) {
	f := fleet(1, 1)
	f.Fishermen, f.FeedReplicas, f.Feed = 3, 3, []string{"nats://nats-0:4222", "nats://nats-1:4222"}
	if names := f.Names(); names[len(names)-1] != "collector-0" {
		t.Errorf("nodes are %q", names)
	}
	home := t.TempDir()
	if err := f.WriteHome("collector-0", home, ""); err != nil {
		t.Fatal(err)
	}
	collector, err := groups.LoadCollector(filepath.Join(home, CollectorName), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if !collector.Public || collector.Listen != "0.0.0.0:50832" || len(collector.Feed.NATS) != 2 || collector.Verdicts.Replicas != 3 || len(collector.Fishermen) != 3 {
		t.Errorf("the collector is %+v", collector)
	}
	for i, trusted := range collector.Fishermen {
		home := t.TempDir()
		if err := f.WriteHome(trusted.Name, home, "secret"); err != nil {
			t.Fatal(err)
		}
		_, config := readHome(t, home)
		feed := config.Fisherman.Feed
		if feed == nil || feed.Place != trusted.Name || feed.Replicas != 3 || len(feed.NATS) != 2 {
			t.Errorf("%s publishes to %+v", trusted.Name, feed)
		}
		if key := Key(f.Options.Seed, types.ActorType_ACTOR_TYPE_FISHERMAN, i); config.Fisherman.Key != key.Address() || trusted.Key != key.PublicKeyHex() {
			t.Errorf("%s is not trusted by its key", trusted.Name)
		}
	}
	f.Feed = nil
	if err := f.WriteHome("collector-0", t.TempDir(), ""); !errors.Is(err, ErrBadOption) {
		t.Errorf("a collector without a feed: %v", err)
	}
	f.Feed = []string{"http://nats"}
	if err := f.Validate(); !errors.Is(err, ErrBadOption) {
		t.Errorf("a feed that is no NATS: %v", err)
	}
}
