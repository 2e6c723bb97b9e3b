package node

import (
	"slices"
	"testing"

	"github.com/pocket-fisherman/fisherman/network/shannon/chaintest"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/account"
)

// Of groups of the live Pocket network limits and what verdicts are judged by can change while it runs; what needs a restart is
// named, and changes nothing.
func TestReplaceSuppliers(t *testing.T) {
	state := chaintest.NewState("eth")
	chain := chaintest.New(t, "pocket", 103)
	chain.Serve(state.Answer)
	of := func(name, service string) groups.Group {
		group := groups.DefaultShannonGroup()
		group.Name, group.Chain = name, groups.ChainEVM
		group.Shannon = &groups.Shannon{RPC: []groups.Secret{groups.NewSecret(chain.URL)}, Application: state.Application.GetAddress(), Service: service,
			Signer: "watcher", MaxUpoktPerSession: 100}
		return group
	}
	changed := func(group groups.Group, change func(*groups.Group)) groups.Group {
		own := *group.Shannon
		group.Shannon = &own
		change(&group)
		return group
	}
	key := chaintest.Key("gateway")
	one, two := of("one", "eth"), of("two", "pocket")
	e, err := NewEndpoints(EndpointsConfig{Groups: []groups.Group{one, two}, Data: t.TempDir(), Signers: map[string]*account.PrivateKey{"one": key, "two": key}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	dearer := changed(one, func(g *groups.Group) { g.Shannon.MaxUpoktPerSession, g.SessionsRetained = 200, 7 })
	targets := groups.DefaultGroup()
	targets.Name, targets.Chain = "two", groups.ChainEVM
	for name, test := range map[string]struct {
		replaced []groups.Group
		restart  []string
	}{
		"nothing":                             {[]groups.Group{one, two}, nil},
		"a limit":                             {[]groups.Group{dearer, two}, nil},
		"one is gone":                         {[]groups.Group{one}, []string{"two"}},
		"one more":                            {[]groups.Group{one, two, of("three", "eth2")}, []string{"three"}},
		"a node":                              {[]groups.Group{one, changed(two, func(g *groups.Group) { g.Shannon.RPC = []groups.Secret{groups.NewSecret("http://127.0.0.1:1")} })}, []string{"two"}},
		"a signer":                            {[]groups.Group{one, changed(two, func(g *groups.Group) { g.Shannon.Signer = "other" })}, []string{"two"}},
		"a chain":                             {[]groups.Group{one, changed(two, func(g *groups.Group) { g.Chain = groups.ChainSolana })}, []string{"two"}},
		"a service, and a limit of the other": {[]groups.Group{dearer, changed(two, func(g *groups.Group) { g.Shannon.Service = "other" })}, []string{"two"}},
		"targets instead":                     {[]groups.Group{one, targets}, []string{"two"}},
	} {
		if restart := e.Replace(test.replaced); !slices.Equal(restart, test.restart) {
			t.Errorf("%s: %q need a restart, want %q", name, restart, test.restart)
		}
		for _, group := range e.groups() {
			if group.Name == "two" && (group.Service == nil || *group.Service != "pocket") {
				t.Errorf("%s: %+v", name, group)
			}
		}
		e.Replace([]groups.Group{one, two})
	}
	if _, err := e.suppliers.networks["one"].Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if shown := e.groups()[0]; shown.Height == nil || *shown.Height != 103 {
		t.Errorf("%+v", shown)
	}
	e.Replace([]groups.Group{dearer, two})
	if kept := e.retained(); kept != 7+two.SessionsRetained {
		t.Errorf("%d sessions are retained", kept)
	}
}
