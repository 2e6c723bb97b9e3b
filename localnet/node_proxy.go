package localnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	proxyHeaderBytes  = 16 << 10
	proxyRequestBytes = 1 << 20
	proxyAnswerBytes  = 16 << 20
	// proxyTimeout bounds one exchange.
	proxyTimeout = 30 * time.Second
	proxyIdle    = 2 * time.Minute
	// proxyShutdown is the time that an interrupted exchange has to return.
	proxyShutdown = time.Second
)

// nodeProxy is an HTTP server in front of a node, for a servicer whose node has a fault.
type nodeProxy struct {
	listener  net.Listener
	server    *http.Server
	transport *http.Transport
}

// newNodeProxy returns a proxy whose handler asks the node by the transport.
func newNodeProxy(listener net.Listener, transport *http.Transport, handler http.Handler, logger *slog.Logger) *nodeProxy {
	return &nodeProxy{
		listener:  listener,
		transport: transport,
		server: &http.Server{
			Handler:           questionsOnly(handler),
			ReadHeaderTimeout: proxyTimeout,
			ReadTimeout:       proxyTimeout,
			WriteTimeout:      proxyTimeout,
			IdleTimeout:       proxyIdle,
			MaxHeaderBytes:    proxyHeaderBytes,
			ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		},
	}
}

func newNodeTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    16,
		MaxConnsPerHost:        64,
		IdleConnTimeout:        proxyIdle,
		ResponseHeaderTimeout:  proxyTimeout,
		MaxResponseHeaderBytes: proxyHeaderBytes,
	}
}

// Serve answers requests until ctx ends (nil) or the listener fails. It closes the listener, and returns when the
// running exchanges are interrupted.
func (p *nodeProxy) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	p.server.BaseContext = func(net.Listener) context.Context { return ctx }
	var stop sync.WaitGroup
	stop.Go(func() {
		<-ctx.Done()
		grace, done := context.WithTimeout(context.Background(), proxyShutdown)
		defer done()
		if p.server.Shutdown(grace) != nil {
			p.server.Close()
		}
	})
	err := p.server.Serve(p.listener)
	cancel()
	stop.Wait()
	p.transport.CloseIdleConnections()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve node proxy: %w", err)
}

// questionsOnly admits JSON-RPC by POST and by GET: no other method and no protocol upgrade, bounded in size and time.
func questionsOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost && r.Method != http.MethodGet || r.Header.Get("Upgrade") != "" {
			http.Error(w, "JSON-RPC over POST or by GET only", http.StatusMethodNotAllowed)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), proxyTimeout)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, proxyRequestBytes)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// readAnswer reads and closes the body of a node's response.
func readAnswer(response *http.Response) ([]byte, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, proxyAnswerBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read answer of node: %w", err)
	}
	if len(body) > proxyAnswerBytes {
		return nil, fmt.Errorf("answer of node is larger than %d bytes", proxyAnswerBytes)
	}
	return body, nil
}
