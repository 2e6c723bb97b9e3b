package consensus

import (
	"net/http"
	"sync"
	"time"

	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/node"
	rpcserver "github.com/cometbft/cometbft/rpc/jsonrpc/server"
)

// newRPC returns CometBFT's JSON-RPC over HTTP without event subscriptions, which need a websocket, and without unsafe
// routes. Bodies above 1 MB and batches above 10 requests are refused; a panic answers 500.
func newRPC(node *node.Node, gate *gate, logger log.Logger) (http.Handler, error) {
	environment, err := node.ConfigureRPC()
	if err != nil {
		return nil, err
	}
	routes := environment.GetRoutes()
	for _, subscription := range []string{"subscribe", "unsubscribe", "unsubscribe_all"} {
		delete(routes, subscription)
	}
	logger = logger.With("module", "rpc-server")
	mux := http.NewServeMux()
	rpcserver.RegisterRPCFuncs(mux, routes, logger)
	// The body is read before the gate, so that a slow client does not delay the engine's shutdown.
	return rpcserver.PreChecksHandler(
		gate.guarding(rpcserver.RecoverAndLogHandler(mux, logger)), rpcserver.DefaultConfig()), nil
}

// gate lets requests through while the node runs, because its databases are open only then.
type gate struct {
	mu     sync.Mutex
	isOpen bool
	inside int
	// empty is closed by the last request to leave a closed gate; nil while nobody waits for that.
	empty chan struct{}
}

// guarding answers 503 for the handler while the gate is closed.
func (g *gate) guarding(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.enter() {
			http.Error(w, "the chain is not running", http.StatusServiceUnavailable)
			return
		}
		defer g.leave()
		handler.ServeHTTP(w, r)
	})
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isOpen {
		g.inside++
	}
	return g.isOpen
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isOpen = true
}

// close admits no further requests and waits until all have left, but not longer than patience.
func (g *gate) close(patience time.Duration) {
	g.mu.Lock()
	g.isOpen = false
	if g.inside == 0 {
		g.mu.Unlock()
		return
	}
	empty := make(chan struct{})
	g.empty = empty
	g.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
	}
}
