package endpoints

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// farSide is the machines of a test by their origins, reached over pipes. One that is not there refuses connections.
type farSide map[string]http.Handler

func (f farSide) dial(_ context.Context, origin string) (*wire.Conn, error) {
	handler := f[origin]
	if handler == nil {
		return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_CONNECT, syscall.ECONNREFUSED)
	}
	near, far := net.Pipe()
	go serve(far, handler)
	return wire.Over(near), nil
}

// serve answers requests until the other side hangs up.
func serve(conn net.Conn, handler http.Handler) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		recorded := httptest.NewRecorder()
		handler.ServeHTTP(recorded, request)
		answer := recorded.Result()
		answer.ContentLength = int64(recorded.Body.Len())
		if answer.Write(conn) != nil {
			return
		}
	}
}

// evmNode is a node of an EVM chain whose state follows from the question alone.
type evmNode struct {
	chain string
	head  int64
	lie   string
	// refuse is the HTTP status of every answer, if set, with the value of Retry-After.
	refuse int
	after  string

	mu sync.Mutex
	// arrived are the moments of all requests, and asked what they asked.
	arrived []time.Time
	asked   []string
}

func (n *evmNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var call struct {
		ID     json.RawMessage
		Method string
		Params json.RawMessage
	}
	_ = json.NewDecoder(r.Body).Decode(&call)
	n.mu.Lock()
	n.arrived = append(n.arrived, time.Now())
	n.asked = append(n.asked, call.Method+string(call.Params))
	n.mu.Unlock()
	if n.refuse != 0 {
		w.Header().Set("Retry-After", n.after)
		w.WriteHeader(n.refuse)
		return
	}
	digest := sha256.Sum256([]byte(call.Method + string(call.Params) + n.lie))
	result := "0x" + hex.EncodeToString(digest[:])
	switch call.Method {
	case "eth_chainId":
		result = n.chain
	case "web3_clientVersion":
		result = "Fake/v1"
	case "eth_blockNumber":
		result = fmt.Sprintf("0x%x", n.head)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "result": result})
}

// moments of all requests so far.
func (n *evmNode) moments() []time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.arrived)
}

func good() *evmNode { return &evmNode{chain: "0x1", head: 5000} }

// kept is a store in memory. It fails the test when a check of a session is stored twice.
type memoryStore struct {
	t        testing.TB
	mu       sync.Mutex
	sessions map[string]*types.QoSSession
	rounds   map[string]map[uint32]*types.QoSRound
}

func newStore(t testing.TB) *memoryStore {
	return &memoryStore{t: t, sessions: make(map[string]*types.QoSSession), rounds: make(map[string]map[uint32]*types.QoSRound)}
}

func (m *memoryStore) PutAll(_ context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, session := range sessions {
		m.sessions[session.GetHeader().GetId()] = session
	}
	for _, round := range rounds {
		of := m.rounds[round.GetSessionId()]
		if of == nil {
			of = make(map[uint32]*types.QoSRound)
			m.rounds[round.GetSessionId()] = of
		}
		if of[round.GetIndex()] != nil {
			m.t.Errorf("check %d of %s is stored twice", round.GetIndex(), round.GetSessionId())
		}
		of[round.GetIndex()] = round
	}
	return make([]error, len(sessions)+len(rounds))
}

func (m *memoryStore) Sessions(context.Context) (all []*types.QoSSession, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, session := range m.sessions {
		all = append(all, session)
	}
	slices.SortFunc(all, func(a, b *types.QoSSession) int {
		return int(a.GetHeader().GetStartHeight() - b.GetHeader().GetStartHeight())
	})
	return all, nil
}

func (m *memoryStore) Rounds(_ context.Context, id string) (all []*types.QoSRound, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[id] == nil {
		return nil, modules.ErrUnknownSession
	}
	for _, round := range m.rounds[id] {
		all = append(all, round)
	}
	return all, nil
}

func (m *memoryStore) Prune(context.Context, int) (int, error) { return 0, nil }

// targetsOf are targets at a host of their name, below a URL with a key.
func targetsOf(names ...string) (targets []groups.Target) {
	for _, name := range names {
		targets = append(targets, groups.Target{Name: name, URL: groups.NewSecret("https://" + name + ".example/v2/KEY-OF-" + strings.ToUpper(name))})
	}
	return targets
}

func originOf(name string) string { return "https://" + name + ".example" }

// groupOf is a group of EVM nodes with a check a second and sessions of 20 s.
func groupOf(name string, targets ...groups.Target) groups.Group {
	g := groups.DefaultGroup()
	g.Name, g.Chain, g.Targets = name, groups.ChainEVM, targets
	g.Interval, g.Session = time.Second, 20*time.Second
	return g
}

// networkOf is a network whose far side is in memory.
func networkOf(far farSide, once bool, configured ...groups.Group) *Network {
	n := New(Config{Groups: configured, Once: once, Catalogue: catalogueOf})
	n.dial = far.dial
	return n
}

func catalogueOf(config configs.RelayChain) (question.Catalogue, error) {
	switch config.Catalogue {
	case configs.CatalogueCometBFT:
		return question.CometBFT(), nil
	case configs.CatalogueCosmos:
		return question.Cosmos(), nil
	case configs.CatalogueCustom:
		custom := question.EVMValues(question.EVMFinality)
		custom.Name, custom.Head = configs.CatalogueCustom, nil
		return custom, nil
	}
	return question.EVMValues(question.EVMFinality), nil
}

// fish runs a fisherman of a network for some time.
func fish(t *testing.T, n *Network, store fisherman.Store, lasting time.Duration) {
	controls(t, n, store, lasting)
}

// controls is fish, and returns what was known of control probes in the end.
func controls(t *testing.T, n *Network, store fisherman.Store, lasting time.Duration) []fisherman.ControlState {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lasting)
	defer cancel()
	made, err := fisherman.New(fisherman.Config{Secret: [32]byte{7}, BlockInterval: tick, Redact: n.Redact}, n, n.Dial, store)
	if err != nil {
		t.Fatal(err)
	}
	var parts sync.WaitGroup
	parts.Go(func() { _ = n.Run(ctx) })
	parts.Go(func() { _ = made.Run(ctx) })
	parts.Wait()
	return made.Controls()
}

func textLogger(out io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(out, nil)) }
