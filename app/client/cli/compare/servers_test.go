package compare

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake stands for a node of an EVM chain whose state follows from the question alone.
type fake struct {
	chain, client string
	// delay before each answer.
	delay time.Duration
	// lie gives other answers than the others' to questions about blocks.
	lie bool
	// foreignID answers to another id than that of the question.
	foreignID bool
	// zipped encodes the answers.
	zipped bool
}

// call is a question of JSON-RPC.
type call struct {
	ID     json.RawMessage
	Method string
	Params json.RawMessage
}

func (n fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(n.delay) // a slow node is slow
	var asked call
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if n.foreignID {
		asked.ID = json.RawMessage("31337")
	}
	answer := map[string]any{"jsonrpc": "2.0", "id": asked.ID, "result": n.result(asked)}
	if !n.zipped {
		_ = json.NewEncoder(w).Encode(answer)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	packed := gzip.NewWriter(w)
	_ = json.NewEncoder(packed).Encode(answer)
	_ = packed.Close()
}

func (n fake) result(asked call) string {
	switch asked.Method {
	case "eth_chainId":
		return n.chain
	case "web3_clientVersion":
		return n.client
	case "eth_blockNumber":
		return "0x1388"
	case "eth_getBlockTransactionCountByNumber", "eth_getTransactionCount", "eth_getBalance":
		return fmt.Sprintf("0x%x", len(asked.Params))
	}
	digest := sha256.Sum256(append([]byte(asked.Method), asked.Params...))
	if n.lie {
		digest[0]++
	}
	return "0x" + hex.EncodeToString(digest[:])
}

var honest = fake{chain: "0x1", client: "Fake/v1"}

// serve runs a server until the test ends, and returns its URL.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}

// closed is a URL that nothing listens at.
func closed(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(nil)
	defer server.Close()
	return server.URL
}

// http2Only greets every connection as an HTTP/2 server does, and takes nothing else.
func http2Only(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"))
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}

func html(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, "<!doctype html><title>Sign in</title>")
}

func endless(w http.ResponseWriter, r *http.Request) {
	part := []byte(strings.Repeat("x", 64<<10))
	for r.Context().Err() == nil {
		if _, err := w.Write(part); err != nil {
			return
		}
	}
}

func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "http://127.0.0.1:9/elsewhere"+r.URL.Path, http.StatusFound)
}

func tooOften(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "60")
	w.WriteHeader(http.StatusTooManyRequests)
}

// bomb is an answer of 64 MiB in a few bytes.
func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(bombed())
}

// bombed is 64 MiB of zeros in few bytes, packed once: under the race detector that takes longer than an answer may.
var bombed = sync.OnceValue(func() []byte {
	var packed bytes.Buffer
	packer := gzip.NewWriter(&packed)
	part := make([]byte, 1<<20)
	for range 64 {
		_, _ = packer.Write(part)
	}
	_ = packer.Close()
	return packed.Bytes()
})
