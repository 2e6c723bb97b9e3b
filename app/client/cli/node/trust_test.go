package node

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
)

// blockTime of the nodes.
const blockTime = time.Second

// rpcNode is a node's CometBFT JSON-RPC that has blocks of a chain.
func rpcNode(t *testing.T, network string, earliest, latest int64, hash string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/key/status":
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":-1,"result":{"node_info":{"network":%q},"sync_info":{"earliest_block_height":"%d","latest_block_height":"%d"}}}`,
				network, earliest, latest)
		case "/key/commit":
			var height int64
			fmt.Sscan(r.FormValue("height"), &height)
			at := time.Now().Add(-time.Duration(latest-height) * blockTime)
			if height == 1 {
				at = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) // the genesis'
			}
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":-1,"result":{"signed_header":{"header":{"time":%q},"commit":{"height":"%d","block_id":{"hash":%q}}}}}`,
				at.Format(time.RFC3339Nano), height, hash)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/key"
}

func TestTrustedBlock(t *testing.T) {
	t.Parallel()
	hash, other := strings.Repeat("AB", 32), strings.Repeat("CD", 32)
	a, b := rpcNode(t, "chain", 1, 5000, hash), rpcNode(t, "chain", 4100, 5010, hash)
	sync, err := trust{fromSnapshot: true, servers: []string{a, b}}.stateSync(t.Context())
	if err != nil || sync.TrustHeight != 4100 || sync.TrustHash != strings.ToLower(hash) || len(sync.RPCServers) != 2 {
		t.Errorf("trusted is %+v, %v", sync, err)
	}
	// Block 1 has the time of the genesis, which is too old to be trusted.
	young := []string{rpcNode(t, "chain", 1, 700, hash), rpcNode(t, "chain", 1, 700, hash)}
	if sync, err = (trust{fromSnapshot: true, servers: young}).stateSync(t.Context()); err != nil || sync.TrustHeight != 600 {
		t.Errorf("of a young chain: %+v, %v", sync, err)
	}
	given := trust{fromSnapshot: true, servers: []string{"http://127.0.0.1:1", "http://127.0.0.1:2"}, height: 7, hash: other}
	if sync, err = given.stateSync(t.Context()); err != nil || sync.TrustHeight != 7 || sync.TrustHash != strings.ToLower(other) {
		t.Errorf("a block that is given: %+v, %v", sync, err)
	}
	if sync, err = (trust{}).stateSync(t.Context()); sync != nil || err != nil {
		t.Errorf("without a snapshot: %+v, %v", sync, err)
	}
	tests := map[string]struct {
		trust trust
		code  command.ExitCode
		says  string
	}{
		"one server":          {trust{fromSnapshot: true, servers: []string{a}}, command.ExitUsage, "--trust-rpc URL twice"},
		"no snapshot":         {trust{servers: []string{a, b}}, command.ExitUsage, "are for --from-snapshot"},
		"height without hash": {trust{fromSnapshot: true, servers: []string{a, b}, height: 5}, command.ExitUsage, "belong together"},
		"another hash":        {trust{fromSnapshot: true, servers: []string{a, rpcNode(t, "chain", 1, 5000, other)}}, command.ExitUntrusted, "disagree about block 4000"},
		"another chain":       {trust{fromSnapshot: true, servers: []string{a, rpcNode(t, "foreign", 1, 5000, hash)}}, command.ExitUntrusted, "different chains: chain and foreign"},
		"no common block":     {trust{fromSnapshot: true, servers: []string{a, rpcNode(t, "chain", 9000, 9100, hash)}}, command.ExitFailure, "no block in common"},
		"no hash":             {trust{fromSnapshot: true, servers: []string{rpcNode(t, "chain", 1, 5000, "soon"), b}}, command.ExitUnreachable, "node 1 of --trust-rpc"},
		"only the genesis":    {trust{fromSnapshot: true, servers: []string{rpcNode(t, "chain", 1, 1, hash), rpcNode(t, "chain", 1, 1, hash)}}, command.ExitFailure, "is of 2020-01-01T00:00:00Z"},
		"nobody":              {trust{fromSnapshot: true, servers: []string{a, "http://127.0.0.1:1/key"}}, command.ExitUnreachable, "node 2 of --trust-rpc"},
		"another page":        {trust{fromSnapshot: true, servers: []string{a, strings.TrimSuffix(b, "/key")}}, command.ExitUnreachable, "node 2 of --trust-rpc"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := test.trust.stateSync(t.Context())
			if err == nil || command.Code(err) != test.code || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want exit code %d and %q", err, test.code, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "/key") {
				t.Errorf("a URL is in %v", err)
			}
		})
	}
}
