package localnet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/pause"
)

// lookAgain is the pause between two looks at a node that has no block yet.
const lookAgain = 50 * time.Millisecond

// behindProxy is a proxy in front of a node that answers like a node that stopped following the chain: the newest height
// stays what it was when the proxy started, and nothing above it exists. What is at or below it is asked of the node.
// The servicer that uses it signs the answers in good faith.
type behindProxy struct {
	*nodeProxy
	target *url.URL
	view   chainView
	logger *slog.Logger
	// stopped is closed when last and heads are known.
	stopped chan struct{}
	// last is the height at which the chain stands still.
	last int64
	// heads are the results at that height of the view's questions of that name.
	heads map[string]json.RawMessage
}

// chainView says how a node of a kind of chain answers that stopped following it. Questions about blocks by their height
// are covered; searches, and questions about the mempool and the peers, are passed on.
type chainView struct {
	// heads are the questions whose answers say what is newest; the last one's has the height.
	heads []string
	// height reads the newest height in a result of the last one.
	height func(result json.RawMessage) (int64, error)
	// limit judges a call. It returns what the node answers that does not have what is asked, as the member of a JSON-RPC
	// answer (result or error) and its value; or no member, when the node has it. Arguments that mean the newest height
	// are replaced by it.
	limit func(c *call, last int64) (member string, value any)
	// alter changes the results of methods that name later blocks without having been asked for them.
	alter map[string]func(result json.RawMessage, last int64) json.RawMessage
}

// chainViewOf returns the view of a relay chain.
func chainViewOf(chain string) chainView {
	if chain == EthereumChain {
		return evmView()
	}
	return cometbftView()
}

// newBehindProxy returns a proxy in front of the node at target.
func newBehindProxy(listener net.Listener, target *url.URL, view chainView, logger *slog.Logger) *behindProxy {
	p := &behindProxy{target: target, view: view, logger: logger, stopped: make(chan struct{})}
	p.nodeProxy = newNodeProxy(listener, newNodeTransport(), p, logger)
	return p
}

// Serve answers requests until ctx ends (nil) or the listener fails. Requests wait until the node has a block.
func (p *behindProxy) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var looking sync.WaitGroup
	looking.Go(func() { p.look(ctx) })
	defer looking.Wait()
	defer cancel()
	return p.nodeProxy.Serve(ctx)
}

// look asks the node for its newest height until it has one, and stops there.
func (p *behindProxy) look(ctx context.Context) {
	for {
		err := p.stand(ctx)
		if err == nil {
			close(p.stopped)
			return
		}
		p.logger.Debug("node has no height to stand still at", "error", err)
		if pause.For(ctx, lookAgain) != nil {
			return
		}
	}
}

// stand remembers what the node says is newest.
func (p *behindProxy) stand(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, proxyTimeout)
	defer cancel()
	p.heads = make(map[string]json.RawMessage)
	for _, method := range p.view.heads {
		c, _ := readCall(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":%q,"params":[]}`, method))
		answer, err := p.ask(ctx, c)
		if err != nil {
			return err
		}
		var reply struct {
			Result json.RawMessage `json:"result"`
		}
		if err := json.Unmarshal(answer.body, &reply); err != nil {
			return fmt.Errorf("read answer to %s: %w", method, err)
		}
		if len(reply.Result) == 0 {
			return fmt.Errorf("%s has no result", method)
		}
		p.heads[method] = reply.Result
	}
	p.last, err = p.view.height(p.heads[p.view.heads[len(p.view.heads)-1]])
	if err == nil && p.last < 1 {
		err = fmt.Errorf("newest height is %d", p.last)
	}
	return err
}

// ServeHTTP answers JSON-RPC, also in batches, and GET requests.
func (p *behindProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-p.stopped:
	case <-r.Context().Done():
		http.Error(w, "the node has no block yet", http.StatusBadGateway)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the request is larger than allowed", http.StatusRequestEntityTooLarge)
		return
	}
	given, err := p.answers(r.Context(), r, body)
	if err != nil {
		p.logger.Debug("node did not answer", "error", err)
		http.Error(w, "the node did not answer", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", given.contentType)
	w.WriteHeader(given.status)
	_, _ = w.Write(given.body) // the reader may be gone
}

// nodeAnswer is an answer by HTTP.
type nodeAnswer struct {
	status      int
	contentType string
	body        []byte
}

func (p *behindProxy) answers(ctx context.Context, r *http.Request, body []byte) (nodeAnswer, error) {
	if r.Method == http.MethodGet {
		return p.answer(ctx, readGet(r.URL))
	}
	if c, is := readCall(body); is {
		return p.answer(ctx, c)
	}
	var batch []json.RawMessage
	if json.Unmarshal(body, &batch) != nil {
		return p.exchange(ctx, http.MethodPost, p.target, body)
	}
	replies := make([]json.RawMessage, 0, len(batch))
	for _, element := range batch {
		c, is := readCall(element)
		if !is {
			return p.exchange(ctx, http.MethodPost, p.target, body)
		}
		given, err := p.answer(ctx, c)
		if err != nil {
			return nodeAnswer{}, err
		}
		replies = append(replies, given.body)
	}
	return ownAnswer(http.StatusOK, replies), nil
}

func ownAnswer(status int, value any) nodeAnswer {
	return nodeAnswer{status: status, contentType: "application/json", body: encode(value)}
}

// answer answers one call as a node that stands still does.
func (p *behindProxy) answer(ctx context.Context, c *call) (nodeAnswer, error) {
	if head, is := p.heads[c.method]; is {
		return ownAnswer(http.StatusOK, c.reply("result", head)), nil
	}
	member, value := p.view.limit(c, p.last)
	switch {
	case member == "error" && c.envelope == nil:
		return ownAnswer(http.StatusInternalServerError, c.reply(member, value)), nil
	case member != "":
		return ownAnswer(http.StatusOK, c.reply(member, value)), nil
	}
	given, err := p.ask(ctx, c)
	alter := p.view.alter[c.method]
	var reply map[string]json.RawMessage
	if err != nil || alter == nil || json.Unmarshal(given.body, &reply) != nil || reply["result"] == nil {
		return given, err
	}
	reply["result"] = alter(reply["result"], p.last)
	given.body = encode(reply)
	return given, nil
}

// ask passes a call on to the node.
func (p *behindProxy) ask(ctx context.Context, c *call) (nodeAnswer, error) {
	method, to, body := c.request(p.target)
	return p.exchange(ctx, method, to, body)
}

func (p *behindProxy) exchange(ctx context.Context, method string, to *url.URL, body []byte) (nodeAnswer, error) {
	request, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nodeAnswer{}, fmt.Errorf("build request to node: %w", err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := p.transport.RoundTrip(request)
	if err != nil {
		return nodeAnswer{}, fmt.Errorf("ask node: %w", err)
	}
	answer, err := readAnswer(response)
	return nodeAnswer{status: response.StatusCode, contentType: response.Header.Get("Content-Type"), body: answer}, err
}
