package endpoints

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// target is one endpoint as it is asked.
type target struct {
	name, origin, operator string
	address                *url.URL
	header                 http.Header
	template               template
	private                bool
	// secrets are what of URL and headers is not to be shown.
	secrets  []string
	throttle *throttle
	// throttles reports whether a code of a JSON-RPC error says that the target is asked too often.
	throttles func(code int64) bool
}

var errNotURL = errors.New("its URL cannot be read")

// newTarget reads a target's URL. What the URL is, no error says.
func newTarget(configured groups.Target, limit *throttle) (*target, error) {
	address, err := url.Parse(configured.URL.Reveal())
	if err != nil || configured.Origin() == "" {
		return nil, fmt.Errorf("target %s: %w", configured.Name, errNotURL)
	}
	t := &target{name: configured.Name, origin: configured.Origin(), operator: configured.Operator, private: configured.Private,
		header: make(http.Header), throttle: limit}
	for name, value := range configured.Headers {
		t.header.Set(name, value.Reveal())
	}
	if user := address.User; user != nil && t.header.Get("Authorization") == "" {
		t.header.Set("Authorization", "Basic "+basic(user))
	}
	t.secrets = secretsOf(address, t.header)
	address.User = nil
	t.address, t.template = address, newTemplate(address, t.header)
	return t, nil
}

// actor is the target as a member of a session.
func (t *target) actor() *types.Actor {
	return &types.Actor{Address: t.name, ServiceUrl: t.origin, Type: types.ActorType_ACTOR_TYPE_SERVICER}
}

// ask makes a request of a payload.
func (t *target) ask(payload types.Payload) (*request, error) {
	if payload.REST == nil && len(payload.JSONRPC) > 0 && t.template.before != nil {
		return &request{target: t, wire: t.template.with(payload.JSONRPC), evidence: payload.JSONRPC, rpc: true}, nil
	}
	header := t.header.Clone()
	for _, given := range payload.REST.GetHeaders() {
		header.Set(given.GetName(), given.GetValue())
	}
	return newRequest(t, payload, header)
}

// exchange asks the target outside of any round, over a connection of its own, within the context's deadline, once the
// target may be asked. Errors: question.ErrThrottled of one that is to be left alone, errOverRate, *wire.Failure; they hold
// no secret.
func (t *target) exchange(ctx context.Context, dial fisherman.Dial, payload types.Payload) (fisherman.Reply, error) {
	request, err := t.ask(payload)
	if err != nil {
		return fisherman.Reply{}, err
	}
	deadline, limited := ctx.Deadline()
	if !limited {
		return fisherman.Reply{}, errors.New("asked without a deadline")
	}
	if err := t.throttle.wait(ctx); err != nil {
		return fisherman.Reply{}, err
	}
	conn, err := dial(ctx, t.origin)
	if err != nil {
		return fisherman.Reply{}, t.withoutSecrets(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Send(request.Wire(), deadline); err != nil {
		return fisherman.Reply{}, t.withoutSecrets(err)
	}
	answer, err := conn.Receive()
	if err != nil {
		return fisherman.Reply{}, t.withoutSecrets(err)
	}
	reply, failure := request.Open(answer)
	switch {
	case failure == nil:
		return reply, nil
	case failure.Outcome == types.Outcome_OUTCOME_THROTTLED:
		return fisherman.Reply{}, fmt.Errorf("%w: %w", question.ErrThrottled, failure)
	}
	return fisherman.Reply{}, t.withoutSecrets(failure)
}

// withoutSecrets conceals the target's secrets in the text of an error.
func (t *target) withoutSecrets(err error) error {
	shown := t.conceal(err.Error())
	if shown == err.Error() {
		return err
	}
	if failure, theirs := errors.AsType[*wire.Failure](err); theirs {
		hidden := *failure
		hidden.Err = errors.New(t.conceal(failure.Err.Error()))
		return &hidden
	}
	return errors.New(shown)
}

// probe asks the target as a control probe.
func (t *target) probe(dial fisherman.Dial) fisherman.Probe {
	return func(ctx context.Context, payload types.Payload) (fisherman.Answer, error) {
		reply, err := t.exchange(ctx, dial, payload)
		if err != nil {
			failure, theirs := errors.AsType[*wire.Failure](err)
			if theirs && failure.Outcome == types.Outcome_OUTCOME_TOO_LARGE {
				err = fmt.Errorf("%w: %w", fisherman.ErrTooLarge, err)
			}
			return fisherman.Answer{}, fmt.Errorf("ask control probe: %w", err)
		}
		return fisherman.Answer{Status: reply.Status, Body: reply.Payload}, nil
	}
}

// identify finds out who the target is. When the time is up, what is known by then counts if it says which chain it is of.
// Errors: those of question.Search, and of exchange.
func (t *target) identify(ctx context.Context, dial fisherman.Dial, search *question.Search) (question.Identity, error) {
	for payload, more := search.Next(); more; payload, more = search.Next() {
		reply, err := t.exchange(ctx, dial, payload)
		if errors.Is(err, question.ErrThrottled) {
			who, _ := search.Result()
			return who, err
		}
		if err != nil {
			return known(search, err)
		}
		search.Take(question.Reply{Status: reply.Status, Body: reply.Payload})
	}
	return search.Result()
}

// known is what a search that could not go on has found.
func known(search *question.Search, err error) (question.Identity, error) {
	if who, _ := search.Result(); who.Kind != question.ChainUnknown {
		return who, nil
	}
	return question.Identity{}, err
}
