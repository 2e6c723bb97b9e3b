package chain

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// EndpointState is how one endpoint does.
type EndpointState struct {
	// ChainID and Height that it says; empty and 0 until it has answered.
	ChainID    string
	Height     int64
	CatchingUp bool
	// Listening: its heads come by WebSocket.
	Listening bool
	// Err is why it cannot be used; nil when it can.
	Err error
}

// Endpoints returns how the endpoints do, in the order of the configuration.
func (c *Client) Endpoints() []EndpointState {
	states := make([]EndpointState, len(c.endpoints))
	for i, e := range c.endpoints {
		states[i] = EndpointState{Listening: e.listens(), Err: e.failure()}
	}
	c.belief.mu.Lock()
	defer c.belief.mu.Unlock()
	for i, w := range c.belief.witnesses {
		states[i].ChainID, states[i].Height, states[i].CatchingUp = w.chain, w.height, w.catchingUp
		if states[i].Err == nil && w.catchingUp {
			states[i].Err = ErrNotSynced
		}
	}
	return states
}

func (e *endpoint) failure() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failed
}

// Sync asks every endpoint for its head once, without following them, and returns the highest that is believed. Errors are
// those of Query.
func (c *Client) Sync(ctx context.Context) (height int64, err error) {
	failures := make([]error, len(c.endpoints))
	var asking sync.WaitGroup
	for i := range c.endpoints {
		asking.Go(func() { _, failures[i] = c.look(ctx, i) })
	}
	asking.Wait()
	return c.belief.settle(failures)
}

// settle decides with what is known, without waiting for endpoints that have not answered.
func (b *belief) settle(failures []error) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	later := b.began.Add(startPatience)
	b.decideChain(later)
	for _, candidate := range b.candidates() {
		if b.believed(candidate, later) {
			b.last, b.lastAt = b.witnesses[candidate].height, b.began
			b.publish(b.witnesses[candidate].head())
			break
		}
	}
	if b.last > 0 {
		return b.last, nil
	}
	for i := range b.witnesses {
		if b.witnesses[i].live && b.witnesses[i].catchingUp {
			failures = append(failures, fmt.Errorf("RPC endpoint %d: %w", i+1, ErrNotSynced))
		}
	}
	return 0, Join(failures...)
}

// Query reads the state after the block at height, 0 for the newest, from the first endpoint that can. Errors: ErrNotFound and
// ErrRefused are the chain's answer, and so final; ErrUnreachable, ErrMalformed, ErrNotSynced and ErrOtherChain are those of
// all endpoints.
func (c *Client) Query(ctx context.Context, path string, data []byte, height int64) ([]byte, error) {
	var failures []error
	for _, i := range c.order(height) {
		value, err := c.query(ctx, i, path, data, height)
		switch {
		case err == nil:
			return value, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrRefused):
			return nil, c.endpoints[i].named(err)
		}
		failures = append(failures, c.endpoints[i].named(err))
	}
	return nil, Join(failures...)
}

// order returns the endpoints in the order in which they are asked about a height: first those that have it.
func (c *Client) order(height int64) (order []int) {
	c.belief.mu.Lock()
	defer c.belief.mu.Unlock()
	var others []int
	for i := range c.belief.witnesses {
		if w := &c.belief.witnesses[i]; c.belief.counts(w) && w.height >= height {
			order = append(order, i)
		} else {
			others = append(others, i)
		}
	}
	return append(order, others...)
}

// usable returns why an endpoint must not be asked.
func (b *belief) usable(i int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch w := &b.witnesses[i]; {
	case w.chain != "" && b.chain != "" && w.chain != b.chain:
		return fmt.Errorf("%w: %q, not %q", ErrOtherChain, w.chain, b.chain)
	case w.live && w.catchingUp:
		return ErrNotSynced
	}
	return nil
}

// query asks one endpoint.
func (c *Client) query(ctx context.Context, i int, path string, data []byte, height int64) ([]byte, error) {
	if chain, _ := c.belief.known(i); chain == "" {
		if _, err := c.look(ctx, i); err != nil {
			return nil, err
		}
	}
	if err := c.belief.usable(i); err != nil {
		return nil, err
	}
	result, err := c.endpoints[i].call(ctx, "abci_query", map[string]any{
		"path": path, "data": hex.EncodeToString(data), "height": strconv.FormatInt(height, 10), "prove": false})
	if err != nil {
		return nil, err
	}
	return readQuery(result, height)
}

// readQuery reads the result of "abci_query" at a height.
func readQuery(result []byte, height int64) ([]byte, error) {
	var read struct {
		Response *struct {
			Code      uint32 `json:"code"`
			Codespace string `json:"codespace"`
			Log       string `json:"log"`
			Value     []byte `json:"value"`
			Height    int64  `json:"height,string"`
		} `json:"response"`
	}
	if err := json.Unmarshal(result, &read); err != nil || read.Response == nil {
		return nil, fmt.Errorf("%w: no response to a query", ErrMalformed)
	}
	response := read.Response
	if response.Code != 0 {
		return nil, refusal(response.Codespace, response.Code, response.Log)
	}
	if height > 0 && response.Height > 0 && response.Height != height {
		return nil, fmt.Errorf("%w: the state of height %d, not %d", ErrMalformed, response.Height, height)
	}
	return response.Value, nil
}
