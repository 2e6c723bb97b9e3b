package fisherman

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// Config of a fisherman.
type Config struct {
	// Secret from which schedules and questions are derived; nobody else may know it.
	Secret [32]byte
	// Catalogues of questions by relay chain. Sessions of other chains cannot be sampled.
	Catalogues map[string]question.Catalogue
	// Probes by relay chain, for rounds that nobody answers; without one such a round is void. A chain whose catalogue
	// has a head of its own is asked for it by its probe, and cannot be sampled without one.
	Probes map[string]Probe
	// IgnoredFields are, by relay chain, the JSON pointers to what is not compared in its answers (types.ParsePointer).
	IgnoredFields map[string][]string
	// BlockInterval expected until blocks were seen.
	BlockInterval time.Duration
	// MostRequests under way at once, over all sessions, each with a connection of its own. Every session has its part of
	// it (budget.go); checks beyond are dropped and counted. 0 means 16384.
	MostRequests int
	// Logger takes the log; nil discards it.
	Logger *slog.Logger
	// Hooks tell an observer of what is done.
	Hooks Hooks
}

// Fisherman samples the servicers of its sessions.
type Fisherman struct {
	config   Config
	heads    Heads
	sessions Sessions
	seal     Seal
	dial     Dial
	store    Store
	// ignored fields by relay chain; IgnoredFields of the configuration, parsed.
	ignored map[string][]types.Pointer
	links   *links
	extras  extras
	// relayHeads are kept while the fisherman runs.
	relayHeads *relayHeads
	// demanding has one place, for the check on demand under way; demands go to the loop.
	demanding chan struct{}
	demands   chan demand
}

var _ modules.FishermanModule = (*Fisherman)(nil)

// New makes a fisherman; Run starts it.
func New(config Config, heads Heads, sessions Sessions, seal Seal, dial Dial, store Store) (*Fisherman, error) {
	if config.BlockInterval <= 0 {
		return nil, fmt.Errorf("block interval %v; must be above 0", config.BlockInterval)
	}
	config.MostRequests = cmp.Or(config.MostRequests, defaultMostRequests)
	if config.MostRequests < 1 {
		return nil, fmt.Errorf("most requests %d; must be at least 1", config.MostRequests)
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	ignored := make(map[string][]types.Pointer)
	for chain, fields := range config.IgnoredFields {
		pointers, err := types.ParsePointers(fields)
		if err != nil {
			return nil, fmt.Errorf("ignored fields of relay chain %s: %w", chain, err)
		}
		ignored[chain] = pointers
	}
	return &Fisherman{config: config, heads: heads, sessions: sessions, seal: seal, dial: dial, store: store,
		ignored: ignored, links: &links{most: config.MostRequests}, relayHeads: &relayHeads{},
		demanding: make(chan struct{}, 1), demands: make(chan demand)}, nil
}

// ExecuteCheck implements modules.FishermanModule: it asks at once, outside of any schedule.
func (f *Fisherman) ExecuteCheck(ctx context.Context, session *types.Session, index uint32) (*types.QoSRound, error) {
	policy, err := f.sessions.Policy(ctx, session)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	watch, err := newWatch(f.config.Secret, session, policy)
	if err != nil {
		return nil, err
	}
	// So that it asks nothing that the session was asked before; without a store it may.
	if err := f.recall(ctx, watch); err != nil {
		f.config.Logger.Error("recall session failed", "error", err)
	}
	chain := session.GetHeader().GetRelayChain()
	head, err := f.headNow(ctx, chain, session.GetHeight())
	if err != nil {
		return nil, err
	}
	order, err := watch.order(f.config.Catalogues[chain], f.config.Probes[chain], index, time.Now(), head)
	if err != nil {
		return nil, fmt.Errorf("check %d on chain %s: %w", index, chain, err)
	}
	f.extras.add(session.GetHeader().GetId())
	round := f.check(ctx, order)
	return round, ctx.Err()
}

// check carries out one order.
func (f *Fisherman) check(ctx context.Context, order order) *types.QoSRound {
	round := f.round(order, f.links)
	err := round.execute(ctx)
	return round.judge(ctx, err)
}

// round makes one of an order, on kept connections.
func (f *Fisherman) round(order order, kept *links) *round {
	chain := order.session.GetHeader().GetRelayChain()
	return &round{order: order, seal: f.seal, dial: f.dial, links: kept, ignored: f.ignored[chain], ignoredFields: f.config.IgnoredFields[chain]}
}

// StoreRound implements modules.FishermanModule.
func (f *Fisherman) StoreRound(ctx context.Context, round *types.QoSRound) error {
	return f.store.PutRound(ctx, round)
}

// Sessions implements modules.FishermanModule.
func (f *Fisherman) Sessions(ctx context.Context) ([]*types.QoSSession, error) {
	return f.store.Sessions(ctx)
}

// Rounds implements modules.FishermanModule.
func (f *Fisherman) Rounds(ctx context.Context, sessionID string) ([]*types.QoSRound, error) {
	return f.store.Rounds(ctx, sessionID)
}

// takeUp makes a watch of a session.
func (f *Fisherman) takeUp(ctx context.Context, session *types.Session, head types.Head, now time.Time) (*watch, error) {
	policy, err := f.sessions.Policy(ctx, session)
	if err != nil {
		return nil, fmt.Errorf("read policy of session %s: %w", session.GetHeader().GetId(), err)
	}
	watch, err := newWatch(f.config.Secret, session, policy)
	if err != nil {
		return nil, err
	}
	watch.begin(head, now)
	return watch, nil
}

// recall takes over what an earlier run stored of a session, if any. What cannot be read is sampled anew; the store
// keeps the first round of an index.
func (f *Fisherman) recall(ctx context.Context, watch *watch) error {
	id := watch.session.GetHeader().GetId()
	stored, err := f.store.Session(ctx, id)
	if errors.Is(err, modules.ErrUnknownSession) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read session %s: %w", id, err)
	}
	rounds, err := f.store.Rounds(ctx, id)
	if err != nil {
		return fmt.Errorf("read rounds of session %s: %w", id, err)
	}
	watch.resume(stored, rounds)
	return nil
}
