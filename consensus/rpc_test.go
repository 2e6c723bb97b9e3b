package consensus

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// call posts a body to the JSON-RPC and decodes what comes back.
func call(t *testing.T, url, body string) (status int, answer struct {
	Result json.RawMessage
	Error  *struct {
		Code          int
		Message, Data string
	}
}) {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &answer); err != nil && response.StatusCode == http.StatusOK {
		t.Fatalf("%s answered %q: %v", body, text, err)
	}
	return response.StatusCode, answer
}

func TestEngineRPC(t *testing.T) {
	t.Parallel()
	engine, err := New(testConfig(t, t.TempDir()), newMemoryState())
	if err != nil {
		t.Fatal(err)
	}
	handler, err := engine.RPC()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	const statusRequest = `{"jsonrpc":"2.0","id":1,"method":"status"}`
	if code, _ := call(t, server.URL, statusRequest); code != http.StatusServiceUnavailable {
		t.Errorf("before Run: HTTP %d", code)
	}
	r := run(t, engine)
	head := r.awaitHeight(2)

	t.Run("status", func(t *testing.T) {
		_, answer := call(t, server.URL, statusRequest)
		var status struct {
			NodeInfo struct{ Network string } `json:"node_info"`
			SyncInfo struct {
				LatestBlockHeight int64 `json:"latest_block_height,string"`
				CatchingUp        bool  `json:"catching_up"`
			} `json:"sync_info"`
		}
		if err := json.Unmarshal(answer.Result, &status); err != nil {
			t.Fatal(err)
		}
		if status.NodeInfo.Network != "chain" || status.SyncInfo.LatestBlockHeight < head.Height || status.SyncInfo.CatchingUp {
			t.Errorf("status is %+v at height %d", status, head.Height)
		}
	})
	t.Run("block", func(t *testing.T) {
		_, answer := call(t, server.URL, `{"jsonrpc":"2.0","id":1,"method":"block","params":{"height":"2"}}`)
		var block struct {
			BlockID struct{ Hash string } `json:"block_id"`
			Block   struct {
				Header struct {
					ChainID string    `json:"chain_id"`
					Height  int64     `json:"height,string"`
					Time    time.Time `json:"time"`
				} `json:"header"`
			} `json:"block"`
		}
		if err := json.Unmarshal(answer.Result, &block); err != nil {
			t.Fatal(err)
		}
		header := block.Block.Header
		if header.ChainID != "chain" || header.Height != 2 || !header.Time.Equal(head.Time) ||
			block.BlockID.Hash != strings.ToUpper(hex.EncodeToString(head.BlockHash)) {
			t.Errorf("block is %+v, head was %+v", block, head)
		}
	})
	t.Run("refusals", func(t *testing.T) {
		testRefusals(t, server.URL)
	})
	r.stop()
	if code, _ := call(t, server.URL, statusRequest); code != http.StatusServiceUnavailable {
		t.Errorf("after Run: HTTP %d", code)
	}
}

func testRefusals(t *testing.T, url string) {
	tests := map[string]struct {
		body string
		want string
	}{
		"unknown method": {`{"jsonrpc":"2.0","id":1,"method":"nosuch"}`, "Method not found"},
		"subscription":   {`{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"query":"tm.event='NewBlock'"}}`, "Method not found"},
		"unsafe method":  {`{"jsonrpc":"2.0","id":1,"method":"unsafe_flush_mempool"}`, "Method not found"},
		"future block":   {`{"jsonrpc":"2.0","id":1,"method":"block","params":{"height":"1000000"}}`, "Internal error"},
		"no JSON":        {`{`, "Parse error"},
		"large body":     {`"` + strings.Repeat("a", 2<<20) + `"`, "Invalid Request"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, answer := call(t, url, test.body); answer.Error == nil || !strings.Contains(answer.Error.Message, test.want) {
				t.Errorf("answer is %+v, want error %q", answer.Error, test.want)
			}
		})
	}
	t.Run("transaction", func(t *testing.T) {
		_, answer := call(t, url, `{"jsonrpc":"2.0","id":1,"method":"broadcast_tx_sync","params":{"tx":"AQID"}}`)
		var result struct {
			Code uint32
			Log  string
		}
		if err := json.Unmarshal(answer.Result, &result); err != nil {
			t.Fatal(err)
		}
		if result.Code == 0 || !strings.HasPrefix(result.Log, "MALFORMED: ") {
			t.Errorf("a transaction gives %+v", result)
		}
	})
}

// TestGateWaits: close waits for running requests, for a bounded time, and admits none meanwhile.
func TestGateWaits(t *testing.T) {
	g := &gate{}
	if g.enter() {
		t.Fatal("entered a gate that was never open")
	}
	g.open()
	for range 2 {
		if !g.enter() {
			t.Fatal("an open gate refused")
		}
	}
	begin := time.Now()
	g.close(time.Millisecond)
	if took := time.Since(begin); took < time.Millisecond || took > patience {
		t.Errorf("close waited %s for a request that stays", took)
	}
	if g.enter() {
		t.Error("entered a closed gate")
	}
	g.leave()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		g.close(patience)
	}()
	g.leave()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Error("close waits for nobody")
	}
}

func TestGateGuards(t *testing.T) {
	g := &gate{}
	handler := g.guarding(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, bytes.NewReader([]byte("inside")))
	}))
	for _, want := range []int{http.StatusServiceUnavailable, http.StatusOK, http.StatusServiceUnavailable} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
		if recorder.Code != want {
			t.Errorf("status is %d, want %d", recorder.Code, want)
		}
		if want == http.StatusServiceUnavailable {
			g.open()
		}
		if want == http.StatusOK {
			g.close(patience)
		}
	}
	if g.inside != 0 {
		t.Errorf("%d requests are still counted inside", g.inside)
	}
}
