package chaintest

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Answer is that of the application to an ABCI query.
type Answer struct {
	Value     []byte
	Code      uint32
	Codespace string
	Log       string
}

// Node is a fake full node.
type Node struct {
	// URL of its RPC.
	URL string

	server *httptest.Server
	mu     sync.Mutex
	chain  string
	height int64
	// listeners are the WebSockets that are subscribed.
	listeners map[*websocket.Conn]bool
	query     func(path string, data []byte, height int64) Answer
	faults    Faults
	asked     map[string]int
	// changed is closed and replaced whenever something was asked, or somebody has come to listen or gone.
	changed chan struct{}
}

// Faults of a node; the zero value is an honest one.
type Faults struct {
	CatchingUp bool
	// NoSocket refuses WebSockets; Deaf takes the subscription and sends nothing.
	NoSocket, Deaf bool
	// Raw answers every request with these bytes instead, and Status with that HTTP status.
	Raw    []byte
	Status int
	// Event is sent to who listens instead of a header.
	Event []byte
	// Down refuses everything; Sleepy does not answer until the client goes.
	Down, Sleepy bool
	// AtHeight is the height that the answers to queries are said to be of; 0 for the one that was asked for.
	AtHeight int64
}

// New starts a node of a chain at a height. It ends with the test.
func New(t testing.TB, chain string, height int64) *Node {
	n := &Node{chain: chain, height: height, listeners: make(map[*websocket.Conn]bool), asked: make(map[string]int), changed: make(chan struct{})}
	n.server = httptest.NewServer(n)
	n.URL = n.server.URL
	t.Cleanup(func() {
		n.HangUp()
		n.server.CloseClientConnections()
		n.server.Close()
	})
	return n
}

// Serve has ABCI queries answered.
func (n *Node) Serve(query func(path string, data []byte, height int64) Answer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.query = query
}

// Break has the node be faulty from now on.
func (n *Node) Break(faults Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = faults
}

// Become has the node be of another chain.
func (n *Node) Become(chain string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.chain = chain
}

// Height returns that of the node's newest block.
func (n *Node) Height() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.height
}

// Claim has the node say that a block of a height is the newest, and tell those who listen.
func (n *Node) Claim(height int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.height = height
	if n.faults.Deaf {
		return
	}
	event := n.faults.Event
	if event == nil {
		event = result(map[string]any{"query": "tm.event='NewBlockHeader'", "data": map[string]any{
			"type": "tendermint/event/NewBlockHeader", "value": map[string]any{"header": map[string]any{
				"chain_id": n.chain, "height": strconv.FormatInt(height, 10), "time": timeOf(height)}}}})
	}
	for conn := range n.listeners {
		conn.SetWriteDeadline(time.Now().Add(time.Second))
		conn.WriteMessage(websocket.TextMessage, event)
	}
}

// Advance makes blocks.
func (n *Node) Advance(blocks int64) { n.Claim(n.Height() + blocks) }

// HangUp ends all WebSockets.
func (n *Node) HangUp() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for conn := range n.listeners {
		conn.Close()
	}
}

// Asked returns how often a method, or the path of an ABCI query, was asked for; "websocket" for subscriptions.
func (n *Node) Asked(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[what]
}

// Until waits until a condition of the node holds, which is looked at whenever it was asked something.
func (n *Node) Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		n.mu.Lock()
		changed := n.changed
		n.mu.Unlock()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// Listeners returns how many WebSockets are subscribed.
func (n *Node) Listeners() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.listeners)
}

func (n *Node) note(what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked[what]++
	n.tell()
}

func (n *Node) tell() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// firstTime is that of block 0, in seconds.
const firstTime = 1_790_000_000

// timeOf returns the time of a block: one a minute.
func timeOf(height int64) time.Time { return time.Unix(firstTime+height%1_000_000*60, 0).UTC() }

// HeightOf returns the height of the newest block at a time.
func HeightOf(now time.Time) int64 { return (now.Unix() - firstTime) / 60 % 1_000_000 }

func result(result any) []byte {
	written, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "result": result})
	if err != nil {
		panic(err)
	}
	return written
}

// ServeHTTP implements http.Handler.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	faults := n.faults
	n.mu.Unlock()
	switch {
	case faults.Down:
		n.note("down")
		panic(http.ErrAbortHandler)
	case faults.Sleepy:
		n.note("sleepy")
		io.Copy(io.Discard, r.Body) // so that the end of the connection is noticed
		<-r.Context().Done()
		return
	case faults.Status != 0:
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(faults.Status)
	}
	switch {
	case faults.Raw != nil:
		w.Write(faults.Raw)
	case faults.Status != 0:
	case strings.HasSuffix(r.URL.Path, "/websocket"):
		n.listen(w, r, faults)
	default:
		n.answer(w, r, faults)
	}
}

func (n *Node) answer(w http.ResponseWriter, r *http.Request, faults Faults) {
	var call struct {
		Method string
		Params struct{ Path, Data, Height string }
	}
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.note(call.Method)
	switch call.Method {
	case "status":
		n.mu.Lock()
		height, chain := n.height, n.chain
		n.mu.Unlock()
		w.Write(result(map[string]any{"node_info": map[string]any{"network": chain}, "sync_info": map[string]any{
			"latest_block_hash": fmt.Sprintf("%064X", height), "latest_block_height": strconv.FormatInt(height, 10),
			"latest_block_time": timeOf(height), "catching_up": faults.CatchingUp}}))
	case "header":
		height, _ := strconv.ParseInt(call.Params.Height, 10, 64)
		w.Write(result(map[string]any{"header": map[string]any{"height": call.Params.Height, "time": timeOf(height)}}))
	case "abci_query":
		n.note(call.Params.Path)
		w.Write(n.application(call.Params.Path, call.Params.Data, call.Params.Height, faults))
	default:
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}`)
	}
}

func (n *Node) application(path, data, at string, faults Faults) []byte {
	height, _ := strconv.ParseInt(at, 10, 64)
	decoded, err := hex.DecodeString(data)
	n.mu.Lock()
	query, newest := n.query, n.height
	n.mu.Unlock()
	answer := Answer{Code: 6, Codespace: "sdk", Log: "unknown query path"}
	switch {
	case height > newest:
		answer = Answer{Code: 26, Codespace: "sdk", Log: "cannot query with height in the future; please provide a valid height"}
	case err == nil && query != nil:
		answer = query(path, decoded, height)
	}
	if faults.AtHeight != 0 {
		height = faults.AtHeight
	}
	return result(map[string]any{"response": map[string]any{"code": answer.Code, "codespace": answer.Codespace, "log": answer.Log,
		"value": answer.Value, "height": strconv.FormatInt(height, 10), "index": "0", "key": nil, "proofOps": nil}})
}

// listen serves one WebSocket.
func (n *Node) listen(w http.ResponseWriter, r *http.Request, faults Faults) {
	if faults.NoSocket {
		n.note("no websocket")
		http.Error(w, "no", http.StatusNotFound)
		return
	}
	upgrader := websocket.Upgrader{}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	if _, _, err := conn.ReadMessage(); err != nil {
		return
	}
	n.mu.Lock()
	conn.WriteMessage(websocket.TextMessage, result(map[string]any{}))
	n.listeners[conn] = true
	n.asked["websocket"]++
	n.tell()
	n.mu.Unlock()
	for err == nil {
		_, _, err = conn.ReadMessage()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.listeners, conn)
	n.tell()
}
