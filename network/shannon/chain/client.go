package chain

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/heads"
)

// Config of a client.
type Config struct {
	// RPC are the URLs of the nodes' CometBFT RPC, in order of preference. They may hold keys, and are shown nowhere.
	RPC []string
	// ChainID is the chain that the nodes have to be of; empty for the one that most of them are of.
	ChainID string
	// Timeout of one exchange; 0 means 5 s.
	Timeout time.Duration
	// Poll is how often an endpoint whose WebSocket is not to be had is asked for its head; 0 means 5 s.
	Poll time.Duration
	// RootCAs verify the endpoints; nil means the system's.
	RootCAs *x509.CertPool
	// Logger takes the log; nil discards it.
	Logger *slog.Logger
}

const (
	// watchEvery is how often an endpoint that sends its heads by itself is asked all the same.
	watchEvery = 15 * time.Second
	// leastBackoff and mostBackoff bound the time between two tries; it doubles with each that fails.
	leastBackoff = time.Second
	mostBackoff  = time.Minute
)

// Client is a client of full nodes of one chain. Run has it follow their heads. Many goroutines may use it.
type Client struct {
	heads.Publisher
	config    Config
	endpoints []*endpoint
	belief    *belief
	roots     *tls.Config
}

// New returns a client. Errors name the endpoint whose URL is wrong by its number.
func New(config Config) (*Client, error) {
	if len(config.RPC) == 0 {
		return nil, errors.New("no RPC endpoint; at least one is needed")
	}
	config.Timeout, config.Poll = or(config.Timeout, 5*time.Second), or(config.Poll, 5*time.Second)
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{config: config, roots: &tls.Config{RootCAs: config.RootCAs, MinVersion: tls.VersionTLS12}}
	asking := &http.Client{Transport: newTransport(c.roots.Clone()),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for i, raw := range config.RPC {
		made, err := newEndpoint(raw, i+1, asking, config.Timeout)
		if err != nil {
			return nil, err
		}
		c.endpoints = append(c.endpoints, made)
	}
	c.belief = newBelief(len(c.endpoints), config.ChainID, c.Publish)
	return c, nil
}

func or(given, otherwise time.Duration) time.Duration {
	if given > 0 {
		return given
	}
	return otherwise
}

// ChainID returns the chain that the endpoints are of; empty until it is known.
func (c *Client) ChainID() string {
	c.belief.mu.Lock()
	defer c.belief.mu.Unlock()
	return c.belief.chain
}

// Head returns the height that is believed, 0 until one is, and when it came.
func (c *Client) Head() (height int64, at time.Time) {
	c.belief.mu.Lock()
	defer c.belief.mu.Unlock()
	return c.belief.last, c.belief.lastAt
}

// Run follows the heads of all endpoints until the context ends.
func (c *Client) Run(ctx context.Context) {
	var parts sync.WaitGroup
	for i := range c.endpoints {
		parts.Go(func() { c.poll(ctx, i) })
		parts.Go(func() { c.listen(ctx, i) })
	}
	parts.Wait()
}

// Close lets kept connections go. Queries may still be made.
func (c *Client) Close() { c.endpoints[0].client.CloseIdleConnections() }

// poll asks an endpoint for its head now and then: rarely while it sends heads by itself, less often while it fails, and at
// once when it is to bear witness.
func (c *Client) poll(ctx context.Context, i int) {
	e := c.endpoints[i]
	for failures := 0; ; {
		wait := c.config.Poll
		switch said, err := c.look(ctx, i); {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			wait = max(wait, backoff(failures))
		default:
			failures = 0
			if e.isDeaf(said.claim.height) {
				e.hangUp()
			} else if e.listens() {
				wait = max(wait, watchEvery)
			}
			if c.ChainID() == "" {
				wait = min(wait, leastBackoff)
			}
		}
		if !pause(ctx, wait, e.kick) {
			return
		}
	}
}

// look asks an endpoint for its status and takes note of it.
func (c *Client) look(ctx context.Context, i int) (status, error) {
	e := c.endpoints[i]
	result, err := e.call(ctx, "status", nil)
	var said status
	if err == nil {
		said, err = readStatus(result)
	}
	if ctx.Err() != nil {
		return status{}, ctx.Err()
	}
	if err != nil {
		c.belief.lost(i)
		c.noteFailure(e, err)
		return status{}, err
	}
	err = c.take(i, said.chain, said.claim)
	c.noteFailure(e, err)
	return said, err
}

// take hands a claim to the belief. When it is doubtful the other endpoints are asked.
func (c *Client) take(i int, chain string, said claim) error {
	doubtful, err := c.belief.take(i, chain, said, time.Now())
	if doubtful {
		for j, other := range c.endpoints {
			if j != i {
				other.wake()
			}
		}
	}
	return err
}

// noteFailure notes whether an endpoint failed, and logs it when that has changed.
func (c *Client) noteFailure(e *endpoint, err error) {
	if before := e.setFailed(err); (before == nil) == (err == nil) {
		return
	}
	if err != nil {
		c.config.Logger.Warn("RPC endpoint fails", "endpoint", e.number, "error", err)
		return
	}
	c.config.Logger.Info("RPC endpoint answers again", "endpoint", e.number)
}

// listen takes heads from an endpoint's WebSocket, again and again.
func (c *Client) listen(ctx context.Context, i int) {
	e := c.endpoints[i]
	for failures := 0; ; {
		began := time.Now()
		err := e.listen(ctx, c.roots.Clone(), func(chain string, said claim) error { return c.hear(i, chain, said) })
		if ctx.Err() != nil {
			return
		}
		if failures++; time.Since(began) > mostBackoff {
			failures = 1
		}
		c.config.Logger.Debug("no heads by WebSocket", "endpoint", e.number, "error", err)
		e.wake()
		if !pause(ctx, backoff(failures), nil) {
			return
		}
	}
}

// hear takes note of the header of a new block. It counts only for an endpoint that says, when it is asked, that it is of the
// same chain, and synced.
func (c *Client) hear(i int, chain string, said claim) error {
	known, catchingUp := c.belief.known(i)
	if known == "" {
		c.endpoints[i].wake() // it is being asked, and may have answered before the block
		return nil
	}
	if chain != known {
		return fmt.Errorf("%w: %q, not %q", ErrOtherChain, chain, known)
	}
	said.catchingUp = catchingUp
	return c.take(i, chain, said)
}

// backoff returns how long to wait after a number of failures in a row: a random half is left out, so that many clients do
// not come back at once.
func backoff(failures int) time.Duration {
	longest := min(leastBackoff<<min(failures, 10), mostBackoff)
	return longest/2 + rand.N(longest/2)
}

// pause waits for a time, or until it is woken; it reports whether the context goes on.
func pause(ctx context.Context, wait time.Duration, woken <-chan struct{}) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-woken:
		// Not more often than this, whatever an endpoint claims.
		select {
		case <-time.After(leastBackoff / 4):
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// known returns what an endpoint said of itself when it was asked; "" before.
func (b *belief) known(from int) (chain string, catchingUp bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.witnesses[from].chain, b.witnesses[from].catchingUp
}

func (e *endpoint) wake() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

// deafAfter is how many blocks a WebSocket may be behind what the endpoint says when it is asked.
const deafAfter = 3

// isDeaf reports whether heads have not come over the WebSocket that the endpoint has when it is asked.
func (e *endpoint) isDeaf(height int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.connected == nil {
		return false
	}
	if e.heard == 0 {
		e.heard = height // from now on
	}
	return height-e.heard > deafAfter
}

func (e *endpoint) listens() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.connected != nil
}

// connect notes the WebSocket that is listened to; nil for none.
func (e *endpoint) connect(socket io.Closer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if socket == nil {
		e.heard = 0
	}
	e.connected = socket
}

func (e *endpoint) hear(height int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = height
}

// hangUp ends the WebSocket.
func (e *endpoint) hangUp() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.connected != nil {
		e.connected.Close()
	}
}

func (e *endpoint) setFailed(err error) (before error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before, e.failed = e.failed, err
	return before
}
