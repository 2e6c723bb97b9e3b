package endpoints

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/network/networktest"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Secrets that are planted in URLs and headers.
const (
	pathKey    = "PATH-KEY-OF-A-NODE"
	queryKey   = "QUERY-KEY-OF-A-NODE"
	password   = "PASSWORD-OF-A-NODE"
	headerKey  = "HEADER-KEY-OF-A-NODE"
	controlKey = "CONTROL-KEY-OF-A-NODE"
)

func planted() []string { return []string{pathKey, queryKey, password, headerKey, controlKey} }

// plantedTarget has a secret wherever one can be.
func plantedTarget(name string) groups.Target {
	return groups.Target{Name: name, URL: groups.NewSecret("https://user:" + password + "@" + name + ".example/v2/" + pathKey + "?key=" + queryKey),
		Headers: map[string]groups.Secret{"X-Api-Key": groups.NewSecret(headerKey)}}
}

// readRequest reads a request as its target does.
func readRequest(t testing.TB, written []byte) (servicer string, payload types.Payload) {
	t.Helper()
	read, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(written)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(read.URL.Path, "/v2/"+pathKey) || read.URL.Query().Get("key") != queryKey || read.Header.Get("X-Api-Key") != headerKey {
		t.Fatalf("the target would not let %q in", written)
	}
	if user, pass, is := read.BasicAuth(); !is || user != "user" || pass != password {
		t.Fatalf("the target would not let %q in", written)
	}
	servicer = strings.TrimSuffix(read.Host, ".example")
	body, err := io.ReadAll(read.Body)
	if err != nil {
		t.Fatal(err)
	}
	if read.Method == http.MethodPost {
		return servicer, types.Payload{JSONRPC: body}
	}
	query := read.URL.Query()
	query.Del("key")
	path := strings.TrimPrefix(read.URL.Path, "/v2/"+pathKey)
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return servicer, types.Payload{REST: &types.RESTPayload{
		Method: read.Method, Path: path, Headers: []*types.HTTPHeader{{Name: "X-Height", Value: read.Header.Get("X-Height")}},
	}}
}

// The network keeps the contract, but for signatures and heights. Secrets are those of its targets.
func TestNetworkKeepsTheContract(t *testing.T) {
	networktest.Run(t, func(t *testing.T) networktest.Subject {
		group := groupOf("g", plantedTarget("ann"), plantedTarget("bob"))
		group.Rate = 1000
		group.Control.URL = groups.NewSecret("https://control.example/" + controlKey)
		n := networkOf(farSide{}, false, group)
		n.add(n.prepare(t.Context(), group), 1000)
		return networktest.Subject{
			Network: n,
			Publish: n.Publish,
			Height:  1000,
			Read:    readRequest,
			Answer: func(_ testing.TB, _ []byte, _ *types.Actor, status uint32, payload []byte) *wire.Answer {
				return &wire.Answer{Status: int(status), Body: payload}
			},
			Secrets:    planted(),
			Unsigned:   true,
			Heightless: true,
		}
	})
}
