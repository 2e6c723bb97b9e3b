package node

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/servicer"
)

// most returns what a node with a budget may open at once, beside what is set apart.
func (b budget) most(has roles) int {
	relays := servicer.DefaultConfig()
	relays.MaxConcurrent = b.concurrent
	return b.api.Most + b.chainRPC.Most + b.profiles.Most + peersDescriptors(b.peers) + b.requests*requestDescriptors +
		has.servicers*(b.servicer.Most+upstreamDescriptors(relays.Places(), has.hosts))
}

// chainFiles returns what the chain may open with a budget.
func chainFiles(b budget) int { return otherFiles + chainDatabases*(databaseFiles+b.tables) }

// Whatever a node is and however many descriptors it may have: what its parts may open and what is set apart is no more. What
// it needs is enough, and more than that is never too little.
func TestBudgetIsWithinTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		has := roles{servicers: rapid.IntRange(0, 40).Draw(t, "servicers"), hosts: rapid.IntRange(0, 20).Draw(t, "hosts"),
			fisherman: rapid.Bool().Draw(t, "fisherman"), peers: rapid.IntRange(0, 30).Draw(t, "peers")}
		limit := rapid.OneOf(rapid.Uint64Range(1, 3000), rapid.Uint64Range(1, 1<<20), rapid.Uint64()).Draw(t, "limit")
		got, err := budgetWith(limit, has)
		needed := uint64(leastChain + has.apart() + least(claimsOf(has).parts()))
		if (err != nil) != (limit > 0 && limit < needed) {
			t.Fatalf("%d needed: %v", needed, err)
		}
		if err != nil {
			return
		}
		if limit == 0 {
			limit = countless
		} else if got.api.Descriptors < 1 || got.servicer.Descriptors != got.api.Descriptors || got.chainRPC.Descriptors != got.api.Descriptors ||
			got.profiles.Descriptors != got.api.Descriptors || got.peers.Descriptors != got.api.Descriptors ||
			uint64(got.api.Descriptors+leastChain+has.apart()) > limit {
			t.Fatalf("no reserve of %d: %+v", has.apart(), got)
		}
		if apart := min(limit, countless) - uint64(got.most(has)); got.most(has) > countless || apart < uint64(chainFiles(got)+has.apart()) || apart < min(limit/4, mostApart) {
			t.Fatalf("%d set apart: %+v", apart, got)
		}
		for _, bounds := range []struct{ most, perClient int }{{got.api.Most, got.api.PerClient}, {got.chainRPC.Most, got.chainRPC.PerClient}} {
			if bounds.most < 8 || bounds.perClient < 1 || bounds.perClient > bounds.most {
				t.Fatalf("%+v", got)
			}
		}
		if got.tables < 12 || got.peers.Strangers < leastStrangers || got.peers.StrangersPerClient < 1 ||
			got.peers.Waiting < leastUnproven || got.peers.Proving < leastUnproven {
			t.Fatalf("%+v", got)
		}
		if got.concurrent < 1 || got.profiles.Most < 4 || has.fisherman != (got.requests >= leastRequests) ||
			has.servicers > 0 && (got.servicer.Most < 4 || got.servicer.PerClient < 1 || got.servicer.PerClient > got.servicer.Most) {
			t.Fatalf("%+v", got)
		}
	})
}

func TestBudgets(t *testing.T) {
	validator, servicers, fisherman, all := roles{}, roles{servicers: 1, hosts: 1}, roles{fisherman: true}, roles{servicers: 6, hosts: 1, fisherman: true}
	for _, test := range []struct {
		descriptors                                 uint64
		has                                         roles
		servicer, concurrent, api, perAPI, requests int
	}{
		{0, all, 1024, 128, 128, 32, mostRequests},
		{math.MaxUint64, all, 1024, 128, 128, 32, mostRequests},
		{1 << 20, all, 1024, 128, 128, 32, mostRequests},
		{8192, servicers, 1024, 128, 128, 32, 0},
		{8192, fisherman, 1, 128, 128, 32, 2989},
		{1024, validator, 1, 128, 128, 32, 0},
		{1024, servicers, 266, 128, 95, 23, 0},
		{1024, fisherman, 1, 128, 65, 16, 258},
		{1024, all, 18, 17, 37, 9, 143},
		{512, all, 5, 3, 11, 5, 36},
		{256, validator, 1, 128, 34, 8, 0},
	} {
		got, err := budgetWith(test.descriptors, test.has)
		if err != nil || got.servicer.Most != test.servicer || got.concurrent != test.concurrent || got.api.Most != test.api ||
			got.api.PerClient != test.perAPI || got.requests != test.requests {
			t.Errorf("%d descriptors, %+v: %+v, %v", test.descriptors, test.has, got, err)
		}
	}
	for _, test := range []struct {
		descriptors                         uint64
		has                                 roles
		strangers, waiting, proving, tables int
	}{
		{0, all, 300, 2048, 64, 64},
		{1 << 20, all, 300, 2048, 64, 64},
		{1024, validator, 90, 32, 7, 52},
		{1024, all, 15, 8, 4, 20},
		{512, all, 8, 5, 4, 12},
	} {
		got, err := budgetWith(test.descriptors, test.has)
		if err != nil || got.peers.Strangers != test.strangers || got.peers.Waiting != test.waiting || got.peers.Proving != test.proving || got.tables != test.tables {
			t.Errorf("%d descriptors, %+v: %+v, %v", test.descriptors, test.has, got, err)
		}
	}
	if got, _ := budgetWith(0, all); got.servicer.PerClient != 128 || got.api.Descriptors != 0 || got.api.Most != rpc.DefaultConnections().Most {
		t.Errorf("without a limit: %+v", got)
	}
	if _, err := budgetWith(256, all); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("256 descriptors: %v", err)
	}
}

// A fisherman of endpoints has room for a round of its largest group, or refuses to start.
func TestEndpointsBudget(t *testing.T) {
	for _, test := range []struct {
		descriptors            uint64
		largest, requests, api int
	}{
		{0, 1000, mostRequests, 128}, {4096, 1000, 2844, 128}, {20_000, 1000, 9874, 128}, {20_000, 9600, 10_193, 82}, {2200, 1000, 1060, 15}, {1024, 3, 396, 106}, {1 << 20, 1000, mostRequests, 128},
	} {
		got, err := endpointsBudget(test.descriptors, test.largest, 0)
		if err != nil || got.requests != test.requests || got.api.Most != test.api {
			t.Errorf("%d descriptors, %d targets: %+v, %v", test.descriptors, test.largest, got, err)
		}
	}
	if _, err := endpointsBudget(1024, 1000, 0); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("1024 descriptors: %v", err)
	}
}
