package fisherman

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Config of a fisherman.
type Config struct {
	// Secret from which schedules and questions are derived; nobody else may know it.
	Secret [32]byte
	// Chains that can be sampled, by name, beside those that the policies of sessions bring along.
	Chains map[string]Chain
	// BlockInterval expected until blocks were seen.
	BlockInterval time.Duration
	// MostRequests under way at once, over all sessions, each with a connection of its own. Every session has its part of
	// it (budget.go); checks beyond are dropped and counted. 0 means 16384.
	MostRequests int
	// Sharing is the most servicers of a session that share one service URL; 0 means 1.
	Sharing int
	// Logger takes the log; nil discards it.
	Logger *slog.Logger
	// Redact removes from a check what nobody may see; nil when there is nothing of the kind. It is called before anything
	// else is done with the check.
	Redact func(*types.QoSRound)
	// Hooks tell an observer of what is stored.
	Hooks Hooks
}

// GCPercent is what a process with a fisherman sets the runtime's GOGC to. Of 9 600 servicers it has some 120 MB in memory, without a C
// compiler; at 60 their garbage is collected before there are 200 MB, for a twentieth more processor time than at the usual 100.
const GCPercent = 60

// Fisherman samples the servicers of its sessions.
type Fisherman struct {
	config  Config
	network Network
	dial    Dial
	store   Store
	chains  *chains
	pool    *wire.Pool
	writer  *writer
	docket  *docket
	// turns of the checks at making requests and opening answers.
	turns *round.Turns
	// room of the answers that are being read or wait to be judged.
	room *wire.Room
	// relayHeads are kept while the fisherman runs.
	relayHeads *relayHeads
	// demanding has one place, for the check on demand under way; demands go to the loop.
	demanding chan struct{}
	demands   chan demand
}

var _ modules.FishermanModule = (*Fisherman)(nil)

// New makes a fisherman; Run starts it.
func New(config Config, network Network, dial Dial, store Store) (*Fisherman, error) {
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
	chains, err := newChains(config.Chains)
	if err != nil {
		return nil, err
	}
	return &Fisherman{config: config, network: network, dial: dial, store: store, chains: chains,
		pool: &wire.Pool{Most: config.MostRequests, Sharing: config.Sharing}, writer: newWriter(store, config.Hooks, config.Logger), relayHeads: &relayHeads{}, docket: newDocket(), turns: round.NewTurns(), room: wire.NewRoom(mostAnswers),
		demanding: make(chan struct{}, 1), demands: make(chan demand)}, nil
}

// spec is a check that was drawn up: what to ask, and how to judge it.
type spec struct {
	round.Spec
	rules judge.Rules
	chain *Chain
	// head is the newest height that was known, blockTime the time between blocks; 0 when they are not known.
	head      int64
	blockTime time.Duration
	// maxLag is how many blocks a node may be behind.
	maxLag int64
	// budget pays for the requests; nil when they are free.
	budget Budget
}

// pay pays for the requests; the error says why there is no money for them.
func (s *spec) pay() error {
	if s.budget == nil {
		return nil
	}
	return s.budget.Take(len(s.Session.GetServicers()))
}

// settle gives back what was paid for requests that were not sent. The answers have been opened.
func (s *spec) settle(observed *judge.Observation) {
	if s.budget == nil {
		return
	}
	unsent := len(s.Session.GetServicers())
	for _, exchange := range observed.Exchanges {
		if !exchange.Times.Sent.IsZero() {
			unsent--
		}
	}
	if unsent > 0 {
		s.budget.Return(unsent)
	}
}

// carryOut asks and judges a check that is paid for, on kept connections. The control probe is asked only about a check that no servicer
// answered. What it observed comes without the answers.
func (f *Fisherman) carryOut(ctx context.Context, s spec, kept *wire.Pool) (*judge.Observation, *types.QoSRound) {
	runner := round.Runner{Ask: f.network.Ask, Dial: f.dial, Pool: kept, Room: f.room, Turns: f.turns}
	done := runner.Execute(ctx, s.Spec)
	defer done.Leave()
	observed := done.Observed
	defer observed.Discard()
	observed.Head, observed.BlockTime = s.head, s.blockTime
	observed.Judging = f.docket.judged(observed.StallBegan, observed.Stall)
	record := f.judge(ctx, &s, done)
	s.settle(observed)
	if f.config.Redact != nil {
		f.config.Redact(record)
	}
	return observed, record
}

// judge opens and judges a check when it is its turn, and judges it again when the control probe decides about it. What is
// small is opened before.
func (f *Fisherman) judge(ctx context.Context, s *spec, done *round.Done) (record *types.QoSRound) {
	if done.Size() <= mostAside {
		done.OpenInTurn()
	}
	wantsControl := false
	judgement := func() {
		done.Open()
		record, wantsControl = judge.Round(done.Observed, &s.rules)
	}
	f.docket.judge(judgement)
	if wantsControl && s.chain.Probe != nil {
		done.Observed.Control = f.askControl(ctx, s)
		f.docket.judge(judgement)
	}
	return record
}

// askControl asks the control probe the check's question.
func (f *Fisherman) askControl(ctx context.Context, s *spec) *judge.Control {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	answer, err := s.chain.Probe(ctx, s.Question.Payload)
	control := &judge.Control{Status: answer.Status, Payload: answer.Body, Err: err, TooLarge: errors.Is(err, ErrTooLarge)}
	control.Fitness, control.Why = f.relayHeads.fitness(s.Session.GetHeader().GetRelayChain(), s.chain.Catalogue.Asked())
	return control
}

// watchControl holds the control probe against what most servicers say: their height, and now and then their data. It asks
// the probe in a goroutine of its own, which no check waits for.
func (l *loop) watchControl(s *spec, observed *judge.Observation, record *types.QoSRound) {
	chain := s.Session.GetHeader().GetRelayChain()
	asked := record.GetKind() == types.RoundKind_ROUND_KIND_HEAD && s.chain.Catalogue.Asked()
	switch {
	case s.chain.Probe == nil:
		if asked && record.ReferenceHeight != nil {
			l.relayHeads.learn(chain, record.GetReferenceHeight(), observed.Released)
		}
		return
	case asked:
		l.compareHeads(chain, s.maxLag, observed.Released, record)
	}
	if agreed := judge.Agreed(observed, record); agreed != nil && l.relayHeads.unwitnessed(chain, observed.Released) {
		l.workers.Go(func() {
			if same, known := judge.Witness(observed, &s.rules, l.askControl(l.ctx, s), agreed); known {
				l.relayHeads.setForeign(chain, !same)
			}
		})
	}
}

// compareHeads compares the control probe's head with what a check that asked for heights has found. One that was void
// because the probe is not proven has found that too few servicers have a head.
func (l *loop) compareHeads(chain string, maxLag int64, released time.Time, record *types.QoSRound) {
	switch {
	case record.ReferenceHeight != nil:
		l.relayHeads.compare(chain, record.GetReferenceHeight(), maxLag, released)
	case record.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE, record.GetCause() == types.Cause_CAUSE_CONTROL_UNFIT:
		l.relayHeads.unreferenced(chain)
	}
}

// StoreRound implements modules.FishermanModule. It needs a fisherman that runs.
func (f *Fisherman) StoreRound(ctx context.Context, round *types.QoSRound) error {
	stored := make(chan error, 1)
	f.writer.putRound(nil, round, func(err error) { stored <- err })
	select {
	case err := <-stored:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Sessions implements modules.FishermanModule.
func (f *Fisherman) Sessions(ctx context.Context) ([]*types.QoSSession, error) {
	return f.store.Sessions(ctx)
}

// Rounds implements modules.FishermanModule.
func (f *Fisherman) Rounds(ctx context.Context, sessionID string) ([]*types.QoSRound, error) {
	return f.store.Rounds(ctx, sessionID)
}
