package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/pocket-fisherman/fisherman/inbound"
	"github.com/pocket-fisherman/fisherman/rpc"
)

// longestProfile is the most seconds of a profile over a time.
const longestProfile = 60

// profiles answers at /debug/pprof/, GET only: what net/http/pprof has but for the command line.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.Handle("GET /debug/pprof/cmdline", http.NotFoundHandler())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.FormValue("seconds")
		if seconds, err := strconv.ParseFloat(asked, 64); asked != "" && (err != nil || !(seconds >= 0 && seconds <= longestProfile)) {
			http.Error(w, fmt.Sprintf("seconds has to be 0 to %d", longestProfile), http.StatusBadRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// serveProfiles serves the profiles until the context ends; then it closes at once, since a profile may take minutes. Unless
// they are public, they are for requests that call this machine by a name of its own.
func serveProfiles(ctx context.Context, listener net.Listener, public bool, bounds inbound.Bounds, logger *slog.Logger) error {
	bounded := inbound.Listen(listener, bounds)
	server := &http.Server{
		Handler:           rpc.Guard(profiles(), public),
		ConnState:         bounded.Track,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(bounded); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve profiles: %w", err)
	}
	return nil
}
