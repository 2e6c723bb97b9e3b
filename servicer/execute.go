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

// errTooLarge is returned when the upstream's answer does not fit into a response.
var errTooLarge = errors.New("the answer is too large")

// target is an upstream node.
type target struct {
	kind Kind
	url  *url.URL
}

// executor runs payloads against the upstream nodes.
type executor struct {
	upstreams map[string]target
	timeout   time.Duration
	transport *http.Transport
	// slots holds one token for each running relay.
	slots  chan struct{}
	logger *slog.Logger
}

func newExecutor(config Config) (*executor, error) {
	upstreams := make(map[string]target, len(config.Upstreams))
	for chain, upstream := range config.Upstreams {
		parsed, err := upstream.parse()
		if err != nil {
			return nil, fmt.Errorf("relay chain %s: %w", chain, err)
		}
		upstreams[chain] = target{kind: upstream.Kind, url: parsed}
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

// reserve takes one of the slots for running relays, without waiting.
func (e *executor) reserve() (release func(), ok bool) {
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots }, true
	default:
		return nil, false
	}
}

// takes returns an error if a payload is not of the kind that its relay chain's node accepts, or cannot be addressed to
// it. Errors include relay.ErrMalformed.
func (e *executor) takes(request *types.RelayRequest) error {
	upstream := e.upstreams[request.GetSession().GetRelayChain()]
	rest := request.GetRest()
	if (rest != nil) != (upstream.kind == REST) {
		return fmt.Errorf("the servicer's node of relay chain %s accepts %s only", request.GetSession().GetRelayChain(), upstream.kind)
	}
	if rest == nil {
		return nil
	}
	_, err := relay.JoinREST(upstream.url, rest.GetPath())
	return err
}

// run asks the chain's upstream node and classifies its answer. JSON, and any answer of a REST node, is passed on
// whatever the HTTP status, because nodes answer some JSON-RPC errors with status 500. Only the node's own text reaches
// the peer; network errors, which name internal addresses, stay in the log.
//
// Timeout: UpstreamTimeout holds from dialling to the last byte. An earlier deadline of the caller counts as a timeout
// of the upstream too; a cancelled call (the client left, or the servicer shuts down) is not a failure of the node, and
// is answered as BUSY.
func (e *executor) run(ctx context.Context, relayed *types.RelayRequest) outcome {
	chain := relayed.GetSession().GetRelayChain()
	bounded, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	result, err := e.ask(bounded, e.upstreams[chain], relayed)
	if err == nil && (e.upstreams[chain].kind == REST || json.Valid(result.payload)) {
		return result
	}
	code, message := types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_UNREACHABLE, "the upstream node could not be reached, or broke off"
	switch {
	case err == nil:
		code, message = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_NOT_JSON, "the upstream node answered something that is not JSON"
	case errors.Is(err, errTooLarge):
		code, message = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TOO_LARGE, fmt.Sprintf("the upstream node answered more than %d bytes", relay.MaxResponsePayloadBytes)
	case errors.Is(ctx.Err(), context.Canceled):
		return outcome{status: result.status, refused: refuse(types.RelayErrorCode_RELAY_ERROR_CODE_BUSY, "the relay was cancelled, or the servicer shuts down")}
	case timedOut(bounded, err):
		code, message = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT, "the upstream node did not answer in time"
	}
	e.logger.Warn("upstream failed", "chain", chain, "code", code.Label(), "status", result.status, "error", err)
	return outcome{status: result.status, refused: refuse(code, message)}
}

func timedOut(ctx context.Context, err error) bool {
	network, ok := errors.AsType[net.Error](err)
	return errors.Is(ctx.Err(), context.DeadlineExceeded) || ok && network.Timeout()
}

// ask makes one HTTP exchange. It uses the transport directly: no redirects, no cookies. The status is 0 if there was
// no answer.
func (e *executor) ask(ctx context.Context, upstream target, relayed *types.RelayRequest) (result outcome, err error) {
	request, err := upstream.request(ctx, relayed)
	if err != nil {
		return outcome{}, fmt.Errorf("build upstream request: %w", err)
	}
	response, err := e.transport.RoundTrip(request)
	if err != nil {
		return outcome{}, fmt.Errorf("ask upstream: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode < http.StatusOK {
		// Not an answer. After status 101 the body is the raw connection, which no context ends.
		return outcome{}, fmt.Errorf("upstream answered with status %d", response.StatusCode)
	}
	result.status = uint32(response.StatusCode)
	limit := relay.MaxResponsePayloadBytes
	if upstream.kind == REST {
		var size int
		result.headers, size = downwards(response.Header)
		limit -= size
	}
	result.payload, err = readBody(response, limit)
	return result, err
}

// request returns the request to the upstream node.
func (u target) request(ctx context.Context, relayed *types.RelayRequest) (*http.Request, error) {
	rest := relayed.GetRest()
	if u.kind != REST {
		// The node sees nothing of the relay itself.
		header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {""}}
		return exchange(ctx, http.MethodPost, u.url, header, relayed.GetJsonRpc().GetBody()), nil
	}
	address, err := relay.JoinREST(u.url, rest.GetPath())
	if err != nil {
		return nil, err
	}
	return exchange(ctx, rest.GetMethod(), address, upwards(rest.GetHeaders()), rest.GetBody()), nil
}

// exchange returns the same HTTP request as http.NewRequest, for a URL that is already parsed.
func exchange(ctx context.Context, method string, address *url.URL, header http.Header, body []byte) *http.Request {
	request := &http.Request{Method: method, URL: address, Host: address.Host, Header: header}
	if len(body) > 0 {
		request.ContentLength = int64(len(body))
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		request.Body, _ = request.GetBody()
	}
	return request.WithContext(ctx)
}

// readBody reads an answer of at most limit bytes. Errors: errTooLarge.
func readBody(response *http.Response, limit int) ([]byte, error) {
	if response.Request.Method == http.MethodHead {
		return nil, nil // its Content-Length is another answer's
	}
	if response.ContentLength > int64(limit) {
		return nil, errTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("read upstream answer: %w", err)
	}
	if len(body) > limit {
		return nil, errTooLarge
	}
	return body, nil
}
