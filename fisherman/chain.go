package fisherman

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Chain is a relay chain as it is sampled.
type Chain struct {
	// Catalogue of questions.
	Catalogue question.Catalogue
	// Probe for rounds that nobody answers; nil for none, so that such a round is void unless something else shows that this
	// machine's network is sound. A chain whose catalogue has a head of its own is asked for it by its probe. Without one,
	// the servicers' own claims say what it is.
	Probe Probe
	// IgnoredFields are JSON pointers to what is not compared in the chain's answers (types.ParsePointer).
	IgnoredFields []string

	// ignored are the same, parsed.
	ignored []types.Pointer
}

// asksProbe reports whether the chain's newest height is asked of its probe.
func (c *Chain) asksProbe() bool { return c.Catalogue.Asked() && c.Probe != nil }

// chains are the relay chains that are known, by name. Many goroutines may use them.
type chains struct {
	mu    sync.Mutex
	known map[string]*Chain
	// changed tells the followers of heads that there are others.
	changed chan struct{}
}

// newChains returns the chains of a configuration.
func newChains(configured map[string]Chain) (*chains, error) {
	c := &chains{known: make(map[string]*Chain), changed: make(chan struct{}, 1)}
	for name, chain := range configured {
		if err := c.set(name, chain); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// set makes a chain known, in place of what was known of it.
func (c *chains) set(name string, chain Chain) error {
	pointers, err := types.ParsePointers(chain.IgnoredFields)
	if err != nil {
		return fmt.Errorf("ignored fields of relay chain %s: %w", name, err)
	}
	chain.ignored = pointers
	c.mu.Lock()
	c.known[name] = &chain
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
	return nil
}

// of returns a chain; one that is not known has nothing to ask.
func (c *chains) of(name string) *Chain {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[name]; known != nil {
		return known
	}
	return &Chain{}
}

// names returns those of all chains, sorted.
func (c *chains) names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.known))
}
