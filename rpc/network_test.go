package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// endpointsReaders are those of a fisherman that samples a list of endpoints.
func endpointsReaders(ready error) (Readers, *fakeQoS) {
	measured := &fakeQoS{}
	groups := func() []api.Group {
		return []api.Group{{Name: "ethereum", Chain: api.Optional("evm"), Catalogue: api.Optional("evm-values"), Targets: 3}, {Name: "mine", Targets: 1}}
	}
	return Readers{Network: Endpoints(groups, func() error { return ready }), Samples: measured, Events: fakeEvents{},
		Status: fakeStatus(""), Check: fakeCheck}, measured
}

func TestPathsWithoutAChain(t *testing.T) {
	readers, _ := endpointsReaders(nil)
	server := New(Config{}, readers)
	for path, endpoint := range server.paths {
		method := http.MethodGet
		if endpoint.submit != nil || endpoint.act != nil {
			method = http.MethodPost
		}
		for _, target := range []string{path, path + "?height=7", path + "?nonsense=1"} {
			answer := ask(server, method, target)
			conforms(t, path, answer)
			if endpoint.chain != (answer.Code == http.StatusNotFound && strings.Contains(answer.Body.String(), `"no_chain"`)) {
				t.Errorf("%s %s: %d %s", method, target, answer.Code, answer.Body)
			}
			if endpoint.chain && !strings.Contains(answer.Body.String(), "this fisherman samples a list of endpoints; there is no chain") {
				t.Errorf("%s: %s", target, answer.Body)
			}
		}
	}
	unknown := ask(server, http.MethodGet, "/v1/nothing").Body.String()
	for path, endpoint := range server.paths {
		if listed := strings.Contains(unknown, path+",") || strings.Contains(unknown, path+`"`); listed == endpoint.chain {
			t.Errorf("%s: listed %t, of the chain %t", path, listed, endpoint.chain)
		}
	}
}

func TestStatusWithoutAChain(t *testing.T) {
	readers, _ := endpointsReaders(nil)
	answer := ask(New(Config{}, readers), http.MethodGet, "/v1/status")
	conforms(t, "/v1/status", answer)
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(answer.Body.Bytes(), &keys); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"network": `"endpoints"`, "chain_id": "null", "height": "null",
		"groups": `[{"name":"ethereum","chain":"evm","catalogue":"evm-values","targets":3,"network":"endpoints","application":null,"service":null,"budget":null},` +
			`{"name":"mine","chain":null,"catalogue":null,"targets":1,"network":"endpoints","application":null,"service":null,"budget":null}]`} {
		if string(keys[key]) != want {
			t.Errorf("%s is %s", key, keys[key])
		}
	}
	var status api.Status
	if err := json.Unmarshal(answer.Body.Bytes(), &status); err != nil || status.ChainID != "" || status.Height != 0 || status.Network != api.NetworkEndpoints {
		t.Errorf("read as %+v, %v", status, err)
	}
}

// mixedReaders are those of a fisherman of a list of endpoints and of the live Pocket network.
func mixedReaders(groups ...api.Group) Readers {
	return Readers{Network: Endpoints(func() []api.Group { return groups }, nil), Samples: &fakeQoS{}, Events: fakeEvents{}, Status: fakeStatus(""), Check: fakeCheck}
}

// Each group says of which network it is; amounts are text, for they may exceed what a JSON number holds.
func TestStatusOfTheLiveNetwork(t *testing.T) {
	paying := api.Group{Name: "eth-on-pocket", Targets: 50, Network: api.NetworkShannon, Application: api.Optional("pokt1app"), Service: api.Optional("eth"),
		Budget: &api.Budget{MaxUPOKTPerSession: api.Optional("500000"), SpentSessionUPOKT: "18446744073709551615", SpentDayUPOKT: "0",
			LeftSessionUPOKT: api.Optional("0"), CostPerCheckUPOKT: api.Optional("1100")}}
	for name, test := range map[string]struct {
		groups []api.Group
		want   api.Network
	}{
		"both":    {[]api.Group{{Name: "mine"}, paying}, api.NetworkShannon},
		"one":     {[]api.Group{paying}, api.NetworkShannon},
		"a list":  {[]api.Group{{Name: "mine"}}, api.NetworkEndpoints},
		"nothing": {nil, api.NetworkEndpoints},
	} {
		server := New(Config{}, mixedReaders(test.groups...))
		answer := ask(server, http.MethodGet, "/v1/status")
		conforms(t, "/v1/status", answer)
		var status api.Status
		if err := json.Unmarshal(answer.Body.Bytes(), &status); err != nil || status.Network != test.want || len(status.Groups) != len(test.groups) {
			t.Errorf("%s: %s, %v", name, answer.Body, err)
		}
		if body := answer.Body.String(); !strings.Contains(body, `"chain_id":null`) || !strings.Contains(body, `"height":null`) {
			t.Errorf("%s: %s", name, body)
		}
		said := ask(server, http.MethodGet, "/v1/block?height=1").Body.String()
		if strings.Contains(said, "live Pocket network") != (test.want == api.NetworkShannon) {
			t.Errorf("%s: %s", name, said)
		}
	}
	body := ask(New(Config{}, mixedReaders(api.Group{Name: "mine"}, paying)), http.MethodGet, "/v1/status").Body.String()
	for _, want := range []string{
		`{"name":"mine","chain":null,"catalogue":null,"targets":0,"network":"endpoints","application":null,"service":null,"budget":null}`,
		`"network":"shannon","application":"pokt1app","service":"eth","budget":{"max_upokt_per_session":"500000","max_upokt_per_day":null,` +
			`"spent_session_upokt":"18446744073709551615","spent_day_upokt":"0","left_session_upokt":"0","left_day_upokt":null,"cost_per_check_upokt":"1100"}`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
}

// A check is of its group's network: suppliers sign, targets do not.
func TestChecksAreOfTheirGroup(t *testing.T) {
	for chain, want := range map[string]api.Network{"mine": api.NetworkEndpoints, "eth-on-pocket": api.NetworkShannon} {
		readers := mixedReaders(api.Group{Name: "mine"}, api.Group{Name: "eth-on-pocket", Network: api.NetworkShannon})
		readers.Check = func(context.Context, CheckRequest) (api.CheckReport, error) {
			return api.CheckReport{Session: api.EvidenceSession{RelayChain: chain}, Verdict: api.CheckVerdictOK,
				Samples: []api.CheckSample{{Sample: api.Sample{Outcome: api.OutcomeOK}, Signature: api.FindingOK}}}, nil
		}
		var report api.CheckReport
		answer := ask(New(Config{}, readers), http.MethodPost, "/v1/check?servicer=a")
		if err := json.Unmarshal(answer.Body.Bytes(), &report); err != nil || report.Network != want || len(report.Samples) != 1 ||
			(report.Samples[0].Signature == api.FindingOK) != (want == api.NetworkShannon) {
			t.Errorf("%s: %s, %v", chain, answer.Body, err)
		}
	}
}

func TestReadyWithoutAChain(t *testing.T) {
	for ready, want := range map[error]string{
		nil:                             `200 {"status":"ready","controls":[],"height":null}`,
		errors.New("no target answers"): `503 {"error":{"code":"not_ready","message":"no target answers"}}`,
	} {
		readers, _ := endpointsReaders(ready)
		answer := ask(New(Config{}, readers), http.MethodGet, "/v1/ready")
		conforms(t, "/v1/ready", answer)
		if got := fmt.Sprintf("%d %s", answer.Code, strings.TrimSpace(answer.Body.String())); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// The network decides what an identifier is, and in which words it refuses one.
func TestIdentifiersAreTheNetworks(t *testing.T) {
	endpoints, _ := endpointsReaders(nil)
	chain, _, _ := readersAt(23)
	own, others := New(Config{}, chain), New(Config{}, endpoints)
	long := strings.Repeat("n", 128)
	for _, name := range []string{"own-node", "provider a", "x", `"<>&`, long} {
		target := "/v1/qos?servicer=" + url.QueryEscape(name)
		if answer := ask(others, http.MethodGet, target); strings.Contains(answer.Body.String(), "bad_parameter") {
			t.Errorf("a list refuses %q: %s", name, answer.Body)
		}
		if answer := ask(own, http.MethodGet, target); answer.Code != http.StatusBadRequest {
			t.Errorf("our chain takes %q: %d", name, answer.Code)
		}
	}
	for _, name := range []string{long + "n", "größe", "a\x1b[2J", "a\nb", "\xff", "\x7f"} {
		for _, target := range []string{"/v1/qos?servicer=", "/v1/qos?session=", "/v1/qos/rounds?session=", "/v1/evidence?before_check=1&before_session=", "/v1/evidence?servicer="} {
			answer := ask(others, http.MethodGet, target+url.QueryEscape(name))
			conforms(t, strings.Split(target, "?")[0], answer)
			if answer.Code != http.StatusBadRequest {
				t.Errorf("%s%q: %d", target, name, answer.Code)
			}
		}
		for _, parameter := range []string{"servicer=", "servicer=a&application=", "servicer=a&relay_chain="} {
			if answer := ask(others, http.MethodPost, "/v1/check?"+parameter+url.QueryEscape(name)); answer.Code != http.StatusBadRequest {
				t.Errorf("%s%q: %d", parameter, name, answer.Code)
			}
		}
	}
	for target, want := range map[string]string{
		"/v1/qos?servicer=own-node":                             `servicer: \"own-node\" is not 40 lower-case hex digits`,
		"/v1/qos?servicer=" + strings.Repeat("a", 65):           `servicer: \"` + strings.Repeat("a", 64) + `…\" is too long`,
		"/v1/qos?servicer=" + strings.Repeat("a", 129):          `servicer: \"` + strings.Repeat("a", 64) + `…\" is too long`,
		"/v1/account?address=" + strings.Repeat("a", 65):        `address: \"` + strings.Repeat("a", 64) + `…\" is too long`,
		"/v1/transaction?hash=" + strings.Repeat("a", 65):       `hash: \"` + strings.Repeat("a", 64) + `…\" is too long`,
		"/v1/relays/session?session=" + strings.Repeat("a", 65): `session: \"` + strings.Repeat("a", 64) + `…\" is too long`,
	} {
		if answer := ask(own, http.MethodGet, target); !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%s: %s, want %s", target, answer.Body, want)
		}
	}
}

// Before anything is sampled, a list has an empty report where our chain has no block yet.
func TestMeasuresWithoutAChain(t *testing.T) {
	readers, _ := endpointsReaders(nil)
	server := New(Config{}, readers)
	for _, target := range []string{"/v1/qos", "/v1/qos?window=10", "/v1/evidence", "/v1/qos/rounds?session=" + knownSession} {
		answer := ask(server, http.MethodGet, target)
		conforms(t, strings.Split(target, "?")[0], answer)
		if answer.Code != http.StatusOK {
			t.Errorf("%s: %d %s", target, answer.Code, answer.Body)
		}
	}
	if answer := ask(server, http.MethodPost, "/v1/check?servicer="+knownServicer); answer.Code != http.StatusOK {
		t.Errorf("check: %d %s", answer.Code, answer.Body)
	}
	readers.Samples, readers.Check = nil, nil
	if err := New(Config{}, readers).measures(); !errors.Is(err, ErrNoFisherman) {
		t.Errorf("without a fisherman: %v", err)
	}
}
