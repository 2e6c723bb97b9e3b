package fisherman

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
)

const (
	// headEvery is the pause between two looks at a relay chain's head.
	headEvery = 2 * time.Second
	// headTimeout bounds one look.
	headTimeout = 5 * time.Second
	// headFresh is how long a look counts. An older one says little of what nodes still know.
	headFresh = 30 * time.Second
)

// relayHeads knows the newest heights of the relay chains that are not the network's own. It asks for them outside of
// rounds, so that no check waits for a node.
type relayHeads struct {
	mu   sync.Mutex
	seen map[string]seenHead
}

type seenHead struct {
	height int64
	at     time.Time
}

// of gives the last height of a chain; false when none was seen lately.
func (h *relayHeads) of(chain string, now time.Time) (int64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen, ok := h.seen[chain]
	return seen.height, ok && now.Sub(seen.at) <= headFresh
}

// look asks for a chain's head once. The moment that counts is before the asking.
func (h *relayHeads) look(ctx context.Context, chain string, head *question.Head, ask Probe) error {
	ctx, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	at := time.Now()
	answer, err := ask(ctx, head.Payload)
	if err != nil {
		return fmt.Errorf("ask for the head of relay chain %s: %w", chain, err)
	}
	height, err := head.Read(answer.Body)
	if err != nil {
		return fmt.Errorf("learn the head of relay chain %s: %w", chain, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil {
		h.seen = make(map[string]seenHead)
	}
	h.seen[chain] = seenHead{height: height, at: at}
	return nil
}

// follow looks again and again until the context ends. It logs when the looks begin to fail, and when they succeed.
func (h *relayHeads) follow(ctx context.Context, chain string, head *question.Head, ask Probe, logger *slog.Logger) {
	ticks := time.NewTicker(headEvery)
	defer ticks.Stop()
	known, failed := false, false
	for {
		switch err := h.look(ctx, chain, head, ask); {
		case ctx.Err() != nil:
			return
		case err != nil && !failed:
			known, failed = false, true
			logger.Warn("the head of a relay chain cannot be learnt", "relay_chain", chain, "error", err)
		case err == nil && !known:
			known, failed = true, false
			logger.Info("the head of a relay chain is known", "relay_chain", chain)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// followHeads follows every chain whose head is not the network's own and for which there is somebody to ask. The
// returned function waits for its goroutines, which end with the context.
func (f *Fisherman) followHeads(ctx context.Context) (wait func()) {
	var followers sync.WaitGroup
	for chain, catalogue := range f.config.Catalogues {
		if ask := f.config.Probes[chain]; catalogue.Head != nil && ask != nil {
			followers.Go(func() { f.relayHeads.follow(ctx, chain, catalogue.Head, ask, f.config.Logger) })
		}
	}
	return followers.Wait
}

// headOf gives the height below which questions about a chain are drawn: the given one of the network itself, or what
// was last seen of another chain.
func (f *Fisherman) headOf(chain string, own int64) (int64, error) {
	if f.config.Catalogues[chain].Head == nil {
		return own, nil
	}
	height, known := f.relayHeads.of(chain, time.Now())
	switch {
	case f.config.Probes[chain] == nil:
		return 0, fmt.Errorf("the head of relay chain %s is not known: there is no control probe to ask", chain)
	case !known:
		return 0, fmt.Errorf("the head of relay chain %s is not known", chain)
	}
	return height, nil
}

// lookNow looks at a chain's head once: a check outside of any schedule may come before the first look.
func (f *Fisherman) lookNow(ctx context.Context, chain string) error {
	catalogue, ask := f.config.Catalogues[chain], f.config.Probes[chain]
	if catalogue.Head == nil || ask == nil {
		return nil
	}
	return f.relayHeads.look(ctx, chain, catalogue.Head, ask)
}
