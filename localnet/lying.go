package localnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"time"
)

const (
	lyingHeaderBytes  = 16 << 10
	lyingRequestBytes = 1 << 20
	lyingAnswerBytes  = 16 << 20
	// lyingTimeout bounds one exchange.
	lyingTimeout = 30 * time.Second
	lyingIdle    = 2 * time.Minute
	// lyingShutdown is the time that an interrupted exchange has to return.
	lyingShutdown = time.Second
)

// lyingProxy is a JSON-RPC proxy in front of a node that passes on altered results (see liar). The servicer that uses
// it signs them in good faith.
type lyingProxy struct {
	listener  net.Listener
	server    *http.Server
	transport *http.Transport
}

// newLyingProxy returns the proxy of the servicer with the given index, in front of the node at target.
func newLyingProxy(listener net.Listener, target *url.URL, index int, logger *slog.Logger) *lyingProxy {
	transport := &http.Transport{
		Proxy:                  nil,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    16,
		MaxConnsPerHost:        64,
		IdleConnTimeout:        lyingIdle,
		ResponseHeaderTimeout:  lyingTimeout,
		MaxResponseHeaderBytes: lyingHeaderBytes,
	}
	errorLog := slog.NewLogLogger(logger.Handler(), slog.LevelDebug)
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			// A compressed answer could not be altered.
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: liar{index: index}.modify,
		ErrorLog:       errorLog,
	}
	return &lyingProxy{
		listener:  listener,
		transport: transport,
		server: &http.Server{
			Handler:           questionsOnly(proxy),
			ReadHeaderTimeout: lyingTimeout,
			ReadTimeout:       lyingTimeout,
			WriteTimeout:      lyingTimeout,
			IdleTimeout:       lyingIdle,
			MaxHeaderBytes:    lyingHeaderBytes,
			ErrorLog:          errorLog,
		},
	}
}

// Serve answers requests until ctx ends (nil) or the listener fails. It closes the listener, and returns when the
// running exchanges are interrupted.
func (p *lyingProxy) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	p.server.BaseContext = func(net.Listener) context.Context { return ctx }
	var stop sync.WaitGroup
	stop.Go(func() {
		<-ctx.Done()
		grace, done := context.WithTimeout(context.Background(), lyingShutdown)
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
	return fmt.Errorf("serve lying proxy: %w", err)
}

// questionsOnly admits JSON-RPC by POST and by GET: no other method and no protocol upgrade, bounded in size and time.
func questionsOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost && r.Method != http.MethodGet || r.Header.Get("Upgrade") != "" {
			http.Error(w, "JSON-RPC over POST or by GET only", http.StatusMethodNotAllowed)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), lyingTimeout)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, lyingRequestBytes)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// modify replaces a response's body by the altered one.
func (l liar) modify(response *http.Response) error {
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, lyingAnswerBytes+1))
	if err != nil {
		return fmt.Errorf("read answer to alter: %w", err)
	}
	if len(body) > lyingAnswerBytes {
		return fmt.Errorf("answer to alter is larger than %d bytes", lyingAnswerBytes)
	}
	body = l.Lie(body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.ContentLength = int64(len(body))
	response.Header.Set("Content-Length", strconv.Itoa(len(body)))
	response.TransferEncoding = nil
	return nil
}
