package localnet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// behindNetwork runs a network with an honest servicer and one whose node stands still, and returns the URLs of the
// chain and of that node.
func behindNetwork(t *testing.T, o Options) (l *LocalNet, honest, behind string, stop func()) {
	t.Helper()
	o.Servicers, o.Slow, o.Down, o.Lying, o.Behind = 2, 0, 0, 0, 1
	l, stop = started(t, o)
	if fault := l.Servicers()[1].Fault; fault != FaultBehind {
		t.Fatalf("servicer 1 has fault %q, want %q", fault, FaultBehind)
	}
	return l, l.ChainRPCURL(), httpURL(l.addresses.Servicers[1].Upstream), stop
}

func byHeight(method string, height int64) types.Payload {
	return types.Payload{JSONRPC: fmt.Appendf(nil, `{"jsonrpc":"2.0","id":7,"method":%q,"params":{"height":"%d"}}`, method, height)}
}

func byURI(method string, height int64) types.Payload {
	return types.Payload{REST: &types.RESTPayload{Method: http.MethodGet, Path: fmt.Sprintf("/%s?height=%d", method, height)}}
}

func TestCometBFTStandsStill(t *testing.T) {
	l, honest, behind, stop := behindNetwork(t, quick())
	defer stop()
	client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	waitForHeight(t, l, 2)
	last := headOf(t, client, behind, question.CometBFT().Head)
	now := waitForHeight(t, l, last+8)
	for name, catalogue := range map[string]question.Catalogue{"JSON-RPC": question.CometBFT(), "GET": question.CometBFTURI()} {
		if head := headOf(t, client, behind, catalogue.Head); head != last {
			t.Errorf("%s: the head is %d, want %d still", name, head, last)
		}
	}

	for method, ahead := range map[string]int64{"block": 0, "block_results": 0, "commit": 0, "header": 0, "consensus_params": 1, "validators": 1} {
		for form, at := range map[string]func(string, int64) types.Payload{"JSON-RPC": byHeight, "GET": byURI} {
			for _, height := range []int64{1, last + ahead} {
				status, answer := answerOf(t, client, behind, at(method, height))
				wantStatus, want := answerOf(t, client, honest, at(method, height))
				if status != wantStatus || !bytes.Equal(answer, want) {
					t.Errorf("%s of %s at %d: %d %.200s, want %d %.200s", form, method, height, status, answer, wantStatus, want)
				}
			}
			// The node that follows says the same about a height that nobody has, except for its own height.
			const far = 1_000_000
			wantStatus, want := answerOf(t, client, honest, at(method, far))
			_, text, _ := strings.Cut(string(want), "height 1000000")
			if !strings.Contains(text, "must be less than") {
				t.Fatalf("the honest node answers %s", want)
			}
			for _, height := range []int64{last + ahead + 1, now, far} {
				status, answer := answerOf(t, client, behind, at(method, height))
				wanted := fmt.Sprintf("height %d must be less than or equal to the current blockchain height %d", height, last+ahead)
				if status != wantStatus || normal(t, answer, wanted) != normal(t, want, "") {
					t.Errorf("%s of %s at %d: %d %s, want %d and %q as in %s", form, method, height, status, answer, wantStatus, wanted, want)
				}
			}
		}
	}
}

// normal returns an error answer without its data, which has to be as wanted unless that is empty.
func normal(t *testing.T, answer []byte, wanted string) string {
	t.Helper()
	var reply struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  json.RawMessage `json:"result"`
		Error   struct {
			Code          int
			Message, Data string
		} `json:"error"`
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	if wanted != "" && reply.Error.Data != wanted {
		t.Errorf("the error is %q, want %q", reply.Error.Data, wanted)
	}
	reply.Error.Data = ""
	return fmt.Sprintf("%+v", reply)
}

func TestCometBFTWithoutHeightMeansTheLastOne(t *testing.T) {
	l, honest, behind, stop := behindNetwork(t, quick())
	defer stop()
	client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	waitForHeight(t, l, 2)
	last := headOf(t, client, behind, question.CometBFT().Head)
	waitForHeight(t, l, last+5)
	for _, params := range []string{`{}`, `[]`, `null`, `{"height":null}`, `[null]`} {
		_, answer := answerOf(t, client, behind, types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":7,"method":"block","params":` + params + `}`)})
		if _, want := answerOf(t, client, honest, byHeight("block", last)); !bytes.Equal(answer, want) {
			t.Errorf("block with %s: %.300s, want that at %d", params, answer, last)
		}
	}
	_, answer := answerOf(t, client, behind, types.Payload{REST: &types.RESTPayload{Method: http.MethodGet, Path: "/header"}})
	if _, want := answerOf(t, client, honest, byURI("header", last)); !bytes.Equal(answer, want) {
		t.Errorf("header by GET: %.300s, want that at %d", answer, last)
	}

	var chain struct {
		Last   int64 `json:"last_height,string"`
		Blocks []struct {
			Header struct {
				Height int64 `json:",string"`
			}
		} `json:"block_metas"`
	}
	if err := ask(t, behind, "blockchain", "", &chain); err != nil || chain.Last != last || chain.Blocks[0].Header.Height != last {
		t.Errorf("blockchain says %+v, %v; want heights up to %d", chain, err, last)
	}
	var info struct {
		Response struct {
			Height int64 `json:"last_block_height,string"`
		}
	}
	if err := ask(t, behind, "abci_info", "", &info); err != nil || info.Response.Height > last {
		t.Errorf("abci_info says %+v, %v; want a height of at most %d", info, err, last)
	}
	batch := fmt.Sprintf(`[{"jsonrpc":"2.0","id":1,"method":"header","params":{"height":"1"}},{"jsonrpc":"2.0","id":2,"method":"header","params":{"height":"%d"}}]`, last+1)
	_, body := answerOf(t, client, behind, types.Payload{JSONRPC: []byte(batch)})
	var replies []struct {
		ID            int
		Result, Error json.RawMessage
	}
	if err := json.Unmarshal(body, &replies); err != nil || len(replies) != 2 || replies[0].Result == nil || replies[1].Error == nil || replies[1].ID != 2 {
		t.Errorf("a batch: %s, %v; want a header and an error", body, err)
	}
}

// evmNode is the node behind the proxies under test: at height 20 when it is first asked, and 10 blocks higher each time
// after that. It answers other questions with themselves.
func evmNode(t *testing.T) http.HandlerFunc {
	height := int64(10)
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var asked struct {
			ID, Params json.RawMessage
			Method     string
		}
		if err != nil || json.Unmarshal(body, &asked) != nil {
			t.Errorf("the node was asked %s, %v", body, err)
		}
		result := asked.Params
		switch asked.Method {
		case "eth_blockNumber":
			height += 10
			result = encode(quantity(height))
		case "eth_getBlockByHash":
			result = json.RawMessage(`{"number":"0x15"}`)
		case "eth_getTransactionByHash":
			result = json.RawMessage(`{"blockNumber":"0x14"}`)
		}
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, asked.ID, result)
	}
}

func TestEVMStandsStill(t *testing.T) {
	upstream := httptest.NewServer(evmNode(t))
	t.Cleanup(upstream.Close)
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	listener := listenLocal(t)
	serveInTest(t, newBehindProxy(listener, target, chainViewOf(EthereumChain), slog.New(slog.DiscardHandler)).Serve)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	const notFound = `"error":{"code":-32000,"message":"header not found"}`
	for _, c := range []struct{ method, params, want string }{
		{"eth_blockNumber", `[]`, `"result":"0x14"`},
		{"eth_blockNumber", `[]`, `"result":"0x14"`},
		{"eth_chainId", `[]`, `"result":[]`},
		{"eth_getBlockByNumber", `["0x14",false]`, `"result":["0x14",false]`},
		{"eth_getBlockByNumber", `["0x15",false]`, `"result":null`},
		{"eth_getBlockByNumber", `["latest",true]`, `"result":["0x14",true]`},
		{"eth_getBlockByNumber", `["earliest",true]`, `"result":["earliest",true]`},
		{"eth_getBlockTransactionCountByNumber", `["0x15"]`, `"result":null`},
		{"eth_getBlockReceipts", `["0xffffff"]`, `"result":null`},
		{"eth_getBalance", `["0xaa","0x14"]`, `"result":["0xaa","0x14"]`},
		{"eth_getBalance", `["0xaa","0x15"]`, notFound},
		{"eth_getBalance", `["0xaa"]`, `"result":["0xaa","0x14"]`},
		{"eth_getTransactionCount", `["0xaa","pending"]`, `"result":["0xaa","0x14"]`},
		{"eth_getStorageAt", `["0xaa","0x1","0x15"]`, notFound},
		{"eth_call", `[{"to":"0xaa"},"0x15"]`, notFound},
		{"eth_call", `[{"to":"0xaa"},{"blockHash":"0xbb"}]`, `"result":[{"to":"0xaa"},{"blockHash":"0xbb"}]`},
		{"eth_feeHistory", `["0x1","0x15",[]]`, `"error":{"code":-32000,"message":"request beyond head block: requested 21, head 20"}`},
		{"eth_getLogs", `[{"fromBlock":"0x10","toBlock":"0x14"}]`, `"result":[{"fromBlock":"0x10","toBlock":"0x14"}]`},
		{"eth_getLogs", `[{"fromBlock":"0x10"}]`, `"result":[{"fromBlock":"0x10","toBlock":"0x14"}]`},
		{"eth_getLogs", `[{"fromBlock":"0x10","toBlock":"0x15"}]`, `"error":{"code":-32602,"message":"block range extends beyond current head block"}`},
		{"eth_getBlockByHash", `["0xbb",false]`, `"result":null`},
		{"eth_getTransactionByHash", `["0xbb"]`, `"result":{"blockNumber":"0x14"}`},
	} {
		question := fmt.Sprintf(`{"jsonrpc":"2.0","id":"a","method":%q,"params":%s}`, c.method, c.params)
		response, got := post(t, client, httpURL(listener.Addr().String()), strings.NewReader(question))
		var reply map[string]json.RawMessage
		if err := json.Unmarshal([]byte(got), &reply); err != nil || string(reply["id"]) != `"a"` || len(reply) != 3 {
			t.Fatalf("%s: %s, %v", question, got, err)
		}
		delete(reply, "id")
		delete(reply, "jsonrpc")
		if rest := string(encode(reply)); rest != "{"+c.want+"}" || response.StatusCode != http.StatusOK {
			t.Errorf("%s %s: %d %s, want %s", c.method, c.params, response.StatusCode, rest, c.want)
		}
	}
}

// A proxy in front of a node without a block waits for the first one, and ends in time if there is none.
func TestBehindProxyAwaitsABlock(t *testing.T) {
	first := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		height := 0
		select {
		case <-first:
			height = 3
		default:
		}
		switch {
		case bytes.Contains(body, []byte("status")):
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":1,"result":{"sync_info":{"latest_block_height":"%d"}}}`, height)
		default:
			io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":{}}`)
		}
	}))
	t.Cleanup(upstream.Close)
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, begins := range []bool{false, true} {
		listener := listenLocal(t)
		stop := serveInTest(t, newBehindProxy(listener, target, chainViewOf(RelayChain), slog.New(slog.DiscardHandler)).Serve)
		if begins {
			close(first)
			client := &http.Client{Transport: &http.Transport{}}
			if head := headOf(t, client, httpURL(listener.Addr().String()), question.CometBFT().Head); head != 3 {
				t.Errorf("the head is %d, want 3", head)
			}
			client.CloseIdleConnections()
		}
		stop()
	}
}
