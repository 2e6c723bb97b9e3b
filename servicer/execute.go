package servicer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/upstream"
)

// target is an upstream node.
type target struct {
	kind   Kind
	url    *url.URL
	header http.Header
	// template makes the requests of JSON-RPC.
	template *upstream.Template
	client   *upstream.Client
	// watch finds out whether the node answers; nil if it is not watched.
	watch *upstream.Watch
}

// executor runs payloads against the upstream nodes.
type executor struct {
	upstreams map[string]target
	timeout   time.Duration
	// slots holds one token for each running relay, apart one for each of a fisherman that has a place of those apart.
	slots, apart chan struct{}
	logger       *slog.Logger
}

func newExecutor(config Config) (*executor, error) {
	upstreams := make(map[string]target, len(config.Upstreams))
	// Nodes of one host share its connections.
	hosts := make(map[string][]string)
	for chain, configured := range config.Upstreams {
		parsed, err := configured.parse()
		if err != nil {
			return nil, fmt.Errorf("relay chain %s: %w", chain, err)
		}
		host := parsed.Scheme + "://" + parsed.Host
		hosts[host] = append(hosts[host], chain)
		template, err := upstream.NewTemplate(parsed, configured.Header)
		if err != nil {
			return nil, fmt.Errorf("relay chain %s: %w", chain, err)
		}
		upstreams[chain] = target{kind: configured.Kind, url: parsed, header: configured.Header, template: template}
	}
	for _, chains := range hosts {
		// All hosts together keep as many connections as there are places.
		client := upstream.NewClient(upstreams[chains[0]].url, config.UpstreamTimeout, max(config.Places()/len(hosts), 1))
		for _, chain := range chains {
			shared := upstreams[chain]
			shared.client = client
			upstreams[chain] = shared
		}
	}
	made := &executor{
		upstreams: upstreams,
		timeout:   config.UpstreamTimeout,
		slots:     make(chan struct{}, config.MaxConcurrent),
		apart:     make(chan struct{}, config.placesApart()),
		logger:    config.Logger,
	}
	made.watchAll(config.Upstreams)
	return made, nil
}

// close closes the kept connections to the nodes.
func (e *executor) close() {
	for _, node := range e.upstreams {
		node.client.Close()
	}
}

func (e *executor) serves(chain string) bool {
	_, ok := e.upstreams[chain]
	return ok
}

// reserve takes one of the places for running relays, without waiting. A fisherman has those apart first, then those of
// all: an application that runs as many relays as it can keeps no fisherman from measuring.
func (e *executor) reserve(from sender) (release func(), ok bool) {
	if from == fisherman {
		if release, ok = take(e.apart); ok {
			return release, true
		}
	}
	return take(e.slots)
}

func take(places chan struct{}) (release func(), ok bool) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	default:
		return nil, false
	}
}

// takes returns an error if a payload is not of the kind that its relay chain's node accepts, or cannot be addressed to
// it. Errors include relay.ErrMalformed.
func (e *executor) takes(request *types.RelayRequest) error {
	node := e.upstreams[request.GetSession().GetRelayChain()]
	rest := request.GetRest()
	if (rest != nil) != (node.kind == REST) {
		return fmt.Errorf("the servicer's node of relay chain %s accepts %s only", request.GetSession().GetRelayChain(), node.kind)
	}
	if rest == nil {
		return nil
	}
	_, err := relay.JoinREST(node.url, rest.GetPath())
	return err
}

// run asks the chain's upstream node and classifies its answer. JSON, and any answer of a REST node, is passed on
// whatever the HTTP status, because nodes answer some JSON-RPC errors with status 500. The status is also signed if there
// is no payload to pass on, so that a refusal of the node (429 with an HTML page) can be told from one of the servicer.
// Only the node's own text reaches the peer; network errors, which name internal addresses, stay in the log.
//
// An answer whose gzip coding is cut off or corrupt counts as broken off: UPSTREAM_UNREACHABLE. An answer in a coding that
// was not asked for is passed on as it came, which for JSON-RPC is not JSON.
//
// Timeout: UpstreamTimeout holds from dialling to the last byte. An earlier deadline of the caller counts as a timeout
// of the upstream too; a cancelled call (the client left, or the servicer shuts down) is not a failure of the node, and
// is answered as BUSY.
func (e *executor) run(ctx context.Context, relayed *types.RelayRequest) outcome {
	chain := relayed.GetSession().GetRelayChain()
	result, err := e.ask(ctx, e.upstreams[chain], types.PayloadOf(relayed)) // the node sees nothing of the relay itself
	if err == nil && (e.upstreams[chain].kind == REST || json.Valid(result.payload)) {
		return result
	}
	code, message := types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_UNREACHABLE, "the upstream node could not be reached, or broke off"
	switch {
	case err == nil:
		code, message = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_NOT_JSON, "the upstream node answered something that is not JSON"
	case errors.Is(err, upstream.ErrTooLarge):
		code, message = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TOO_LARGE, fmt.Sprintf("the upstream node answered more than %d bytes", relay.MaxResponsePayloadBytes)
	case errors.Is(ctx.Err(), context.Canceled):
		return outcome{status: result.status, refused: refuse(types.RelayErrorCode_RELAY_ERROR_CODE_BUSY, "the relay was cancelled, or the servicer shuts down")}
	case isTimeout(err):
		code, message = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT, "the upstream node did not answer in time"
	}
	reason := errNotJSON.Error()
	if err != nil {
		reason = upstream.Reason(err)
		e.upstreams[chain].suspect()
	}
	e.logger.Warn("upstream failed", "chain", chain, "relay_chain", chain, "code", code.Label(), "status", result.status, "reason", reason)
	return outcome{status: result.status, refused: refuse(code, message)}
}

// ask makes one HTTP exchange. The status is 0 if there was no answer.
func (e *executor) ask(ctx context.Context, node target, payload types.Payload) (result outcome, err error) {
	request, err := node.request(payload)
	if err != nil {
		return outcome{}, fmt.Errorf("build upstream request: %w", err)
	}
	by := time.Now().Add(e.timeout)
	if earlier, is := ctx.Deadline(); is && earlier.Before(by) {
		by = earlier
	}
	response, err := node.client.Do(ctx, by, request)
	if err != nil {
		return outcome{}, fmt.Errorf("ask upstream: %w", err)
	}
	limit := relay.MaxResponsePayloadBytes
	upstream.Decode(response, limit)
	defer response.Body.Close()
	if response.StatusCode < http.StatusOK {
		// Not an answer. After status 101 the body is the raw connection, which no context ends.
		return outcome{}, &upstream.StatusError{Status: response.StatusCode}
	}
	result.status = uint32(response.StatusCode)
	if node.kind == REST {
		var size int
		result.headers, size = downwards(response.Header)
		limit -= size
	}
	result.payload, err = upstream.ReadBody(response, limit)
	return result, err
}

// request returns what a node is asked for a payload.
func (t target) request(payload types.Payload) (upstream.Request, error) {
	if payload.REST == nil {
		return t.template.Request(payload.JSONRPC), nil
	}
	header := upwards(payload.REST.GetHeaders())
	upstream.SetHeader(header, t.header)
	request, err := upstream.NewRequest(context.Background(), t.url, payload, header)
	if err != nil {
		return upstream.Request{}, err
	}
	return upstream.Serialise(request)
}
