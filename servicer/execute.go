package servicer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// maxUpstreamHeaderBytes bounds the header of an upstream's answer.
const maxUpstreamHeaderBytes = 64 << 10

// errTooLarge: the upstream answered more than fits a response.
var errTooLarge = errors.New("the answer is too large")

// executor runs payloads against the upstream nodes.
type executor struct {
	upstreams map[string]*url.URL
	timeout   time.Duration
	transport *http.Transport
	// slots holds one token for each relay that runs.
	slots  chan struct{}
	logger *slog.Logger
}

func newExecutor(config Config) (*executor, error) {
	upstreams := make(map[string]*url.URL, len(config.Upstreams))
	for chain, raw := range config.Upstreams {
		target, err := parseUpstream(raw)
		if err != nil {
			return nil, fmt.Errorf("relay chain %s: %w", chain, err)
		}
		upstreams[chain] = target
	}
	return &executor{
		upstreams: upstreams,
		timeout:   config.UpstreamTimeout,
		slots:     make(chan struct{}, config.MaxConcurrent),
		logger:    config.Logger,
		transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            (&net.Dialer{Timeout: config.UpstreamTimeout}).DialContext,
			TLSHandshakeTimeout:    config.UpstreamTimeout,
			DisableCompression:     true,
			MaxIdleConns:           config.MaxConcurrent,
			MaxIdleConnsPerHost:    config.MaxConcurrent,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: maxUpstreamHeaderBytes,
		},
	}, nil
}

func (e *executor) serves(chain string) bool {
	_, ok := e.upstreams[chain]
	return ok
}

// reserve takes one of the places for running relays, without waiting.
func (e *executor) reserve() (release func(), ok bool) {
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots }, true
	default:
		return nil, false
	}
}

// run asks the chain's upstream node and judges its answer. JSON is passed on whatever the HTTP status: nodes answer
// some JSON-RPC errors with status 500. Only the node's own words reach the peer; network errors, which name internal
// addresses, stay in the log.
//
// Timeout: UpstreamTimeout holds from dialling to the last byte. An earlier deadline of the caller counts as a timeout
// of the upstream too; a cancelled caller (gone, or the servicer shuts down) is nobody's failure and answered as BUSY.
func (e *executor) run(ctx context.Context, chain string, payload []byte) outcome {
	bounded, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	status, answer, err := e.post(bounded, e.upstreams[chain], payload)
	if err == nil && json.Valid(answer) {
		return outcome{status: status, payload: answer}
	}
	code, message := types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_UNREACHABLE, "the upstream node could not be reached, or broke off"
	switch {
	case err == nil:
		code, message = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_NOT_JSON, "the upstream node answered something that is not JSON"
	case errors.Is(err, errTooLarge):
		code, message = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TOO_LARGE, fmt.Sprintf("the upstream node answered more than %d bytes", relay.MaxResponsePayloadBytes)
	case errors.Is(ctx.Err(), context.Canceled):
		return outcome{status: status, refused: refuse(types.RelayErrorCode_RELAY_ERROR_CODE_BUSY, "the relay was cancelled, or the servicer shuts down")}
	case timedOut(bounded, err):
		code, message = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT, "the upstream node did not answer in time"
	}
	e.logger.Warn("upstream failed", "chain", chain, "code", code.Label(), "status", status, "error", err)
	return outcome{status: status, refused: refuse(code, message)}
}

func timedOut(ctx context.Context, err error) bool {
	network, ok := errors.AsType[net.Error](err)
	return errors.Is(ctx.Err(), context.DeadlineExceeded) || ok && network.Timeout()
}

// post makes one HTTP exchange. It uses the transport itself: no redirects, no cookies. The status is 0 when none came
// back.
func (e *executor) post(ctx context.Context, target *url.URL, payload []byte) (status uint32, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(payload))
	if err != nil {
		return 0, nil, fmt.Errorf("build upstream request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	// An empty value keeps net/http from adding its own.
	request.Header.Set("User-Agent", "")
	response, err := e.transport.RoundTrip(request)
	if err != nil {
		return 0, nil, fmt.Errorf("ask upstream: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode < http.StatusOK {
		// Not an answer. After 101 the body is the bare connection, which no context ends.
		return 0, nil, fmt.Errorf("upstream answered with status %d", response.StatusCode)
	}
	status = uint32(response.StatusCode)
	if response.ContentLength > relay.MaxResponsePayloadBytes {
		return status, nil, errTooLarge
	}
	answer, err = io.ReadAll(io.LimitReader(response.Body, relay.MaxResponsePayloadBytes+1))
	if err != nil {
		return status, nil, fmt.Errorf("read upstream answer: %w", err)
	}
	if len(answer) > relay.MaxResponsePayloadBytes {
		return status, nil, errTooLarge
	}
	return status, answer, nil
}
