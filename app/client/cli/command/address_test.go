package command

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

func TestComplete(t *testing.T) {
	a, b := "deadbeef"+strings.Repeat("0", 32), "deadbeef"+strings.Repeat("1", 32)
	supplier := "pokt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"[:43-1] + "q"
	many := Candidates{}
	for _, digit := range "0123456789abcdef" {
		many["deadbeef"+strings.Repeat(string(digit), 32)] = "servicer"
	}
	for _, test := range []struct {
		name       string
		given      string
		candidates Candidates
		want       string
		code       ExitCode
		says       []string
	}{
		{name: "the only one", given: a[:8], candidates: AddressesOf("", a), want: a},
		{name: "of two", given: b[:9], candidates: AddressesOf("", a, b), want: b},
		{name: "all but one digit", given: b[:39], candidates: AddressesOf("", a, b), want: b},
		{name: "a supplier", given: supplier[:8], candidates: AddressesOf("", supplier, a), want: supplier},
		{name: "whole, and nobody's", given: b, candidates: AddressesOf("", a), want: b},
		{name: "a name that is a candidate", given: "deadbeef", candidates: AddressesOf("", "deadbeef", "deadbeef-eu"), want: "deadbeef"},
		{name: "too short to be a beginning", given: a[:7], candidates: AddressesOf("", a), want: a[:7]},
		{name: "a name", given: "provider-a", candidates: AddressesOf("", "provider-a1"), want: "provider-a"},
		{name: "upper case", given: "DEADBEEF", candidates: AddressesOf("", a), want: "DEADBEEF"},
		{name: "nothing", candidates: AddressesOf("", a)},
		{name: "unknown", given: "0badc0de", candidates: AddressesOf("", a), code: ExitNotFound, says: []string{"--to", "nobody", "0badc0de"}},
		{name: "several", given: a[:8], candidates: Candidates{a: "servicer", b: "fisherman"}, code: ExitUsage, says: []string{a + " (servicer)", b + " (fisherman)", "more digits"}},
		{name: "many", given: a[:8], candidates: many, code: ExitUsage, says: []string{"and 11 more"}},
		{name: "hostile", given: a[:8], candidates: Candidates{a[:12] + "\x1b[2J": "", a: ""}, code: ExitUsage, says: []string{a}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Complete("--to", test.given, "nobody", test.candidates)
			if got != test.want || Code(err) != test.code {
				t.Fatalf("%q, %v", got, err)
			}
			for _, says := range test.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%v does not say %q", err, says)
				}
			}
			if err != nil && (strings.ContainsAny(err.Error(), "\x1b\n") || len(err.Error()) > 500) {
				t.Errorf("%q", err)
			}
		})
	}
}

// A node completes addresses of a role. What is whole asks it nothing; an old node says that it cannot.
func TestCompleteAddress(t *testing.T) {
	servicer := "deadbeef" + strings.Repeat("0", 32)
	network, old, asked := api.NetworkPocket, false, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		var answer any = api.Status{Network: network}
		if r.URL.Path == "/v1/addresses" {
			found := api.Addresses{Addresses: []api.KnownAddress{}}
			if prefix := r.URL.Query().Get("prefix"); strings.HasPrefix(servicer, prefix) && r.URL.Query().Get("role") == "servicer" {
				found.Addresses = append(found.Addresses, api.KnownAddress{Address: servicer, Roles: []api.AddressRole{"servicer"}})
			}
			answer = found
			if old {
				w.WriteHeader(http.StatusNotFound)
				answer = api.Error{Error: api.Refusal{Code: api.ErrorCodeUnknownPath, Message: "there is no such path"}}
			}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	defer server.Close()
	node, err := client.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	complete := func(given string, role api.AddressRole) (string, error) {
		return CompleteAddress(t.Context(), node, "--servicer", given, role)
	}
	for _, whole := range []string{servicer, "provider-a", ""} {
		if got, err := complete(whole, api.AddressRoleServicer); got != whole || err != nil || asked != 0 {
			t.Errorf("%q: %q, %v, asked %d times", whole, got, err, asked)
		}
	}
	if got, err := complete(servicer[:8], api.AddressRoleServicer); got != servicer || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := complete(servicer[:8], api.AddressRoleApplication); Code(err) != ExitNotFound || !strings.Contains(err.Error(), "no application known to") {
		t.Errorf("%v", err)
	}
	network = api.NetworkEndpoints
	if got, err := complete("cafebabe", api.AddressRoleServicer); got != "cafebabe" || err != nil {
		t.Errorf("a name that the node has not heard of yet: %q, %v", got, err)
	}
	old = true
	if _, err := complete(servicer[:8], api.AddressRoleServicer); err == nil || !strings.Contains(err.Error(), "earlier version") {
		t.Errorf("%v", err)
	}
	server.Close()
	if _, err := complete(servicer[:8], api.AddressRoleServicer); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("%v", err)
	}
}
