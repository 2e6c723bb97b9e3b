package rpc

import (
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
		"groups": `[{"name":"ethereum","chain":"evm","catalogue":"evm-values","targets":3},{"name":"mine","chain":null,"catalogue":null,"targets":1}]`} {
		if string(keys[key]) != want {
			t.Errorf("%s is %s", key, keys[key])
		}
	}
	var status api.Status
	if err := json.Unmarshal(answer.Body.Bytes(), &status); err != nil || status.ChainID != "" || status.Height != 0 || status.Network != api.NetworkEndpoints {
		t.Errorf("read as %+v, %v", status, err)
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
