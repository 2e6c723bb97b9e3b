package servicer

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/upstream"
)

// errNotJSON is why an answer is none for a relay chain whose nodes speak JSON-RPC.
var errNotJSON = errors.New("it answered something that is not JSON")

// watchAll makes a watch of each node that has a probe.
func (e *executor) watchAll(configured map[string]Upstream) {
	for chain, node := range e.upstreams {
		probe := configured[chain].Probe
		if probe == nil {
			continue
		}
		node.watch = upstream.NewWatch(
			func(ctx context.Context) error { return e.tryOut(ctx, node, *probe) },
			func(err error) {
				e.logger.Warn("the node of a relay chain does not answer: until it does, relays of the chain are answered with an error, which counts against this servicer",
					"relay_chain", chain, "reason", shownReason(err))
			},
			func(after time.Duration) {
				e.logger.Info("the node of a relay chain answers again", "relay_chain", chain, "after", after.Round(time.Second))
			})
		e.upstreams[chain] = node
	}
}

// watch watches the nodes until the context ends. The returned function waits for the end.
func (e *executor) watch(ctx context.Context) (wait func()) {
	var watching sync.WaitGroup
	for _, node := range e.upstreams {
		if node.watch != nil {
			watching.Go(func() { node.watch.Run(ctx) })
		}
	}
	return watching.Wait
}

// suspect has a node looked at, of which a relay had no answer.
func (t target) suspect() {
	if t.watch != nil {
		t.watch.Suspect()
	}
}

// tryOut asks a node as a relay would, and returns why what it says is no answer.
func (e *executor) tryOut(ctx context.Context, node target, probe types.Payload) error {
	result, err := e.ask(ctx, node, probe)
	switch {
	case err != nil:
		return err
	case result.status == http.StatusUnauthorized, result.status == http.StatusForbidden, result.status == http.StatusTooManyRequests:
		return &upstream.StatusError{Status: int(result.status)}
	case node.kind == REST && result.status < http.StatusInternalServerError:
		return nil
	case node.kind == REST, !json.Valid(result.payload) && result.status != http.StatusOK:
		return &upstream.StatusError{Status: int(result.status)}
	case !json.Valid(result.payload):
		return errNotJSON
	}
	return nil
}

// shownReason says why a node has not answered, without naming it.
func shownReason(err error) string {
	if errors.Is(err, errNotJSON) {
		return errNotJSON.Error()
	}
	return upstream.Reason(err)
}
