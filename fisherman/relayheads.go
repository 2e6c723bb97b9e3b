package fisherman

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// headEvery is the pause between two looks at a relay chain's head.
	headEvery = 2 * time.Second
	// headSecond is the pause after the first one that succeeds.
	headSecond = headEvery / 4
	// headTimeout bounds one look.
	headTimeout = 5 * time.Second
	// headFresh is how long a look counts. An older one says little of what nodes still know.
	headFresh = 30 * time.Second
	// referenceFresh is how long the servicers' height stands in for that of a control probe that is behind.
	referenceFresh = 10 * time.Minute
	// claimFresh is how long what servicers said of the head counts where the block time is known.
	claimFresh = time.Hour
	// paceWindow is the longest time that the block time is reckoned over.
	paceWindow = 10 * time.Minute
	// leastPaced is the fewest blocks that it is reckoned over before a block was seen to come.
	leastPaced = 4
	// leastStill is the shortest time that a head stands still before that is held against the probe.
	leastStill = 3 * headEvery
	// witnessEvery is the pause between two comparisons of the control probe's data with the servicers'.
	witnessEvery = time.Minute
)

// relayHeads knows the newest heights of the relay chains that are not the network's own, by their control probes, and
// whether those probes are fit to be heard. It asks for heads outside of rounds, so that no check waits for a node.
type relayHeads struct {
	mu     sync.Mutex
	chains map[string]*relayHead
}

// relayHead is what is known of one relay chain.
type relayHead struct {
	// last look at the control probe's head, of so many, and since when it has been as it is.
	last  seenHead
	looks int
	since time.Time
	// The block time is reckoned from first to moved, the latest look at which there were more blocks than ever; middle is
	// what becomes first after half of the window.
	first, middle, moved seenHead
	moves                int
	// reference is the newest height that a majority of servicers had, and behind says how far the probe was behind it;
	// "" while it keeps up. ahead is how far it was ahead, if by more than allowed.
	reference      seenHead
	behind         string
	ahead, allowed int64
	// early is a reference from before the second look, to be compared then.
	early seenHead
	// unreferenced counts the checks that asked for heights and gave no reference.
	unreferenced int
	// foreign: the probe's data differs from what a majority of servicers agree on; same: it does not. Neither is known at
	// first.
	foreign, same bool
	// witnessed is when the probe's data was last compared with theirs.
	witnessed time.Time
}

type seenHead struct {
	height int64
	at     time.Time
}

// chain returns what is known of a chain. It requires mu.
func (h *relayHeads) chain(name string) *relayHead {
	if h.chains == nil {
		h.chains = make(map[string]*relayHead)
	}
	if h.chains[name] == nil {
		h.chains[name] = &relayHead{}
	}
	return h.chains[name]
}

// of returns the height below which questions are drawn: the control probe's, or, while that is behind, the servicers'
// own. A probe that is far ahead may be on another chain; until its data was found to be the servicers', its head counts
// less by as much as that. It is false when neither was seen lately.
func (h *relayHeads) of(chain string, now time.Time) (int64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.chain(chain)
	if known.behind != "" && now.Sub(known.reference.at) <= referenceFresh {
		return known.reference.height, true
	}
	height := known.last.height
	if !known.same {
		height -= known.ahead
	}
	return height, !known.last.at.IsZero() && now.Sub(known.last.at) <= headFresh
}

// learn notes the height that most servicers of a chain without a control probe had at a moment.
func (h *relayHeads) learn(chain string, height int64, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.chain(chain).note(seenHead{height: height, at: at})
}

// claimed returns the height that most servicers have by now, judging by what they said and by the block time; false when
// they said nothing lately. It is no higher than what they said while the block time is not known.
func (h *relayHeads) claimed(chain string, now time.Time) (int64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.chain(chain)
	age, blockTime := now.Sub(known.last.at), known.blockTime()
	switch {
	case known.last.at.IsZero() || age > claimFresh:
		return 0, false
	case blockTime > 0 && age > 0:
		return known.last.height + int64(age/blockTime), true
	}
	return known.last.height, age <= referenceFresh
}

// look asks for a chain's head once. The moment that counts is before the asking.
func (h *relayHeads) look(ctx context.Context, chain string, head *question.Head, ask Probe) error {
	ctx, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	at := time.Now()
	answer, err := ask(ctx, head.Payload())
	if err != nil {
		return fmt.Errorf("ask for the head of relay chain %s: %w", chain, err)
	}
	height, err := head.Read(answer.Body)
	if err != nil {
		return fmt.Errorf("learn the head of relay chain %s: %w", chain, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.chain(chain).note(seenHead{height: height, at: at})
	return nil
}

// note notes a look. Of several nodes behind one address each has a head of its own, so a head that is a little lower is
// no new chain; one that is below all that was seen is.
func (k *relayHead) note(seen seenHead) {
	switch {
	case k.looks == 0 || seen.height < k.first.height:
		k.first, k.middle, k.moved, k.moves = seen, seen, seen, 0
	case seen.height > k.moved.height:
		k.moves++
		switch {
		case k.moves == 1:
			k.middle = seen
		case k.moves == 2: // from one block that was seen to come to another
			k.first = k.middle
		case seen.at.Sub(k.middle.at) > paceWindow/2:
			k.first, k.middle = k.middle, seen
		}
		k.moved = seen
	}
	if k.looks == 0 || seen.height != k.last.height {
		k.since = seen.at
	}
	k.last = seen
	k.looks++
	if k.reference.at.IsZero() && !k.early.at.IsZero() && k.looks > 1 {
		k.compare(k.early)
	}
}

// blockTime is the observed time between blocks; 0 while it is not known.
func (k *relayHead) blockTime() time.Duration {
	blocks := k.moved.height - k.first.height
	if blocks <= 0 || k.moves < 2 && blocks < leastPaced {
		return 0
	}
	return k.moved.at.Sub(k.first.at) / time.Duration(blocks)
}

// stands reports whether the head has stood still for longer than the allowance, with nothing to show that the chain
// does: a comparison with the servicers in that time.
func (k *relayHead) stands() bool {
	limit := max(leastStill, time.Duration(k.allowed+1)*k.blockTime())
	return k.moves > 0 && k.last.at.Sub(k.since) > limit && k.reference.at.Sub(k.since) <= limit
}

// blockTime is the observed time between blocks of a chain; 0 while it is not known.
func (h *relayHeads) blockTime(chain string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.chain(chain).blockTime()
}

// compare holds the control probe's head against the height that a majority of servicers had at a moment. A single look
// does not say how quick the chain is, so the second one is waited for.
func (h *relayHeads) compare(chain string, reference, maxLag int64, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.chain(chain)
	known.allowed = maxLag + 1
	if known.early = (seenHead{height: reference, at: at}); known.looks > 1 {
		known.compare(known.early)
	}
}

// compare compares the last look. What is due to the time between that and the reference is not held against the probe.
func (k *relayHead) compare(reference seenHead) {
	k.reference, k.behind, k.ahead = reference, "", 0
	between := int64(0)
	if blockTime := k.blockTime(); blockTime > 0 {
		between = int64(reference.at.Sub(k.last.at).Abs() / blockTime)
	}
	switch lag := reference.height - k.last.height; {
	case lag > k.allowed+between:
		k.behind = fmt.Sprintf("its head is %d, and most are at %d", k.last.height, reference.height)
	case -lag > k.allowed+between:
		k.ahead = -lag
	}
}

// unreferenced notes that a check asked for heights, and too few servicers had one for a reference.
func (h *relayHeads) unreferenced(chain string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.chain(chain).unreferenced++
}

// unwitnessed reports whether the probe's data is to be compared with the servicers' again, and takes it that it is.
func (h *relayHeads) unwitnessed(chain string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.chain(chain)
	due := known.witnessed.IsZero() || now.Sub(known.witnessed) >= witnessEvery
	if due {
		known.witnessed = now
	}
	return due
}

// setForeign notes whether the probe's data differs from the servicers'.
func (h *relayHeads) setForeign(chain string, foreign bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.chain(chain).foreign, h.chain(chain).same = foreign, !foreign
}

// unproven reports whether the control probe's head has to be compared with the servicers' before it is heard. Where too
// few of them have a head to compare it with, it is enough that it moves: otherwise those could keep it from being heard.
func (k *relayHead) unproven() bool {
	return k.reference.at.IsZero() && (k.unreferenced < leastHeads || k.moves == 0)
}

// wantsHeads reports whether the next checks had better ask for heights, to show whether the control probe is fit.
func (h *relayHeads) wantsHeads(chain string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.chain(chain)
	return known.unproven() || known.stands()
}

// fitness returns whether a chain's control probe is heard, and why not for a person. A chain whose head is asked for has
// to have been compared with the servicers first.
func (h *relayHeads) fitness(chain string, hasHead bool) (types.ControlFitness, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch known := h.chain(chain); {
	case known.foreign:
		return types.ControlFitness_CONTROL_FITNESS_FOREIGN, "it contradicts what most agree on, as a node of another chain does"
	case known.behind != "":
		return types.ControlFitness_CONTROL_FITNESS_BEHIND, known.behind
	case hasHead && known.unproven():
		return types.ControlFitness_CONTROL_FITNESS_UNPROVEN, "its head has not been compared with the others yet"
	case hasHead && known.stands():
		return types.ControlFitness_CONTROL_FITNESS_BEHIND,
			fmt.Sprintf("its head has been %d for %v", known.last.height, known.last.at.Sub(known.since).Round(time.Second))
	case known.ahead > 0 && !known.same:
		return types.ControlFitness_CONTROL_FITNESS_UNPROVEN,
			fmt.Sprintf("its head is %d blocks above that of most, and its data has not been compared with theirs yet", known.ahead)
	}
	return types.ControlFitness_CONTROL_FITNESS_FIT, ""
}

// ControlState is what is known of a relay chain's control probe.
type ControlState struct {
	RelayChain string
	Fitness    types.ControlFitness
	// Why says for a person why it is not fit; "" when it is.
	Why string
	// Head is the newest height that the probe said; 0 when none is known.
	Head int64
}

// Controls returns the state of each control probe, by relay chain.
func (f *Fisherman) Controls() []ControlState {
	var states []ControlState
	for _, name := range f.chains.names() {
		chain := f.chains.of(name)
		if chain.Probe == nil {
			continue
		}
		state := ControlState{RelayChain: name}
		state.Fitness, state.Why = f.relayHeads.fitness(name, chain.Catalogue.Asked())
		state.Head, _ = f.relayHeads.lastHead(name)
		states = append(states, state)
	}
	return states
}

// lastHead returns the last height that a chain's control probe said; false when it said none.
func (h *relayHeads) lastHead(chain string) (int64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.chain(chain)
	return known.last.height, !known.last.at.IsZero()
}

// follow looks again and again until the context ends; soon after the first look that succeeds, for the chain's pace. It
// logs when the looks begin to fail, and when they succeed.
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
			ticks.Reset(headEvery)
			logger.Warn("the head of a relay chain cannot be learnt", "relay_chain", chain, "error", err)
		case err == nil && !known:
			known, failed = true, false
			logger.Info("the head of a relay chain is known", "relay_chain", chain)
			ticks.Reset(headSecond)
		case err == nil:
			ticks.Reset(headEvery)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// followHeads follows every chain whose head is asked of a probe, and those that become known. The returned function waits
// for its goroutines, which end with the context.
func (f *Fisherman) followHeads(ctx context.Context) (wait func()) {
	var followers sync.WaitGroup
	followers.Go(func() {
		ends := make(map[*Chain]context.CancelFunc)
		for {
			asked := make(map[*Chain]bool)
			for _, name := range f.chains.names() {
				chain := f.chains.of(name)
				if asked[chain] = chain.asksProbe(); !asked[chain] || ends[chain] != nil {
					continue
				}
				following, end := context.WithCancel(ctx)
				ends[chain] = end
				followers.Go(func() { f.relayHeads.follow(following, name, chain.Catalogue.Head, chain.Probe, f.config.Logger) })
			}
			maps.DeleteFunc(ends, func(chain *Chain, end context.CancelFunc) bool {
				if !asked[chain] {
					end()
				}
				return !asked[chain]
			})
			select {
			case <-f.chains.changed:
			case <-ctx.Done():
				for _, end := range ends {
					end()
				}
				return
			}
		}
	})
	return followers.Wait
}

// errHeadUnknown is returned when nobody has said lately what the head of a relay chain is.
var errHeadUnknown = errors.New("not known")

// headOf returns the height below which questions about a chain are drawn: the given one of the network itself, what was
// last seen of another chain, or what its servicers said. Errors: errHeadUnknown.
func (f *Fisherman) headOf(name string, chain *Chain, own int64) (int64, error) {
	if !chain.Catalogue.Asked() {
		return own, nil
	}
	look := f.relayHeads.of
	if chain.Probe == nil {
		look = f.relayHeads.claimed
	}
	height, known := look(name, time.Now())
	if !known {
		return 0, fmt.Errorf("the head of relay chain %s is %w", name, errHeadUnknown)
	}
	return height, nil
}

// lookNow looks at a chain's head once: a check outside of any schedule may come before the first look.
func (f *Fisherman) lookNow(ctx context.Context, name string) error {
	chain := f.chains.of(name)
	if !chain.asksProbe() {
		return nil
	}
	return f.relayHeads.look(ctx, name, chain.Catalogue.Head, chain.Probe)
}
