package shannon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Group is an application with a service whose sessions are sampled.
type Group struct {
	// Name is 1 to 64 printable characters without spaces; it stands for the relay chain.
	Name string
	// Application is the address of a staked application, Service the id of its service.
	Application, Service string
	// Signer is the application's key, or that of a gateway that it delegates to.
	Signer *protocol.PrivateKey
	// Limits of what may be spent; at least one has to be set.
	Limits Limits
	// RPCTypes of staked endpoints that the questions are for, best first; empty for JSON_RPC.
	RPCTypes []protocol.RPCType
	// Chain has the questions, and what is not compared of their answers.
	Chain fisherman.Chain

	// Checks of a session; 0 for as many as Interval makes.
	Checks int
	// Interval between two checks on average, where Checks is 0; 0 means a minute.
	Interval time.Duration
	// Spread of the checks over the session.
	Spread schedule.Distribution
	// SLA is the round-trip time up to which an answer is in time; 0 means 500 ms.
	SLA time.Duration
	// Timeout after which an answer is missing; 0 means 5 s.
	Timeout time.Duration
	// Quorum is the fewest votes that a majority is taken from; 0 means 3.
	Quorum int
	// MaxLag is how many blocks a node may be behind; 0 means the catalogue's own.
	MaxLag int64
	// NullsAllowed, DisagreementsAllowed and LaggingAllowed are how many a servicer may have in a session; below 0 for a
	// share of the checks.
	NullsAllowed, DisagreementsAllowed, LaggingAllowed int
	// SamplesRequired for a verdict; 0 means 3, or all where there are fewer.
	SamplesRequired int
	// SessionsRetained in the store; 0 means 1000.
	SessionsRetained int
}

const (
	mostName = 64
	// mostService bounds a service's id, in bytes.
	mostService = 42
	// mostChecks bounds the checks of a session.
	mostChecks = 10_000
	// checksOnDemand of a session, beside its schedule; each is paid for.
	checksOnDemand = 20
	// maxSkew bounds the skew of a check.
	maxSkew = 50 * time.Millisecond
)

func (g *Group) setDefaults() {
	if len(g.RPCTypes) == 0 {
		g.RPCTypes = []protocol.RPCType{protocol.RPCType_RPC_TYPE_JSON_RPC}
	}
	set(&g.Interval, time.Minute)
	set(&g.SLA, 500*time.Millisecond)
	set(&g.Timeout, 5*time.Second)
	set(&g.Quorum, 3)
	set(&g.SessionsRetained, 1000)
	if g.Spread == 0 {
		g.Spread = schedule.StratifiedJitter
	}
}

func set[T comparable](value *T, otherwise T) {
	var none T
	if *value == none {
		*value = otherwise
	}
}

// check returns what is wrong with a group. Errors name the group, and repeat nothing else of it.
func (g *Group) check() error {
	wrong := func(what string) error { return fmt.Errorf("group %s: %s", text.Line(g.Name, mostName), what) }
	switch {
	case g.Name == "" || len(g.Name) > mostName || text.Printable(g.Name) != g.Name || strings.ContainsAny(g.Name, " "):
		return wrong("its name has to be 1 to 64 printable characters without spaces")
	case protocol.CheckAddress(g.Application) != nil:
		return wrong("its application is not an address, pokt1…")
	case g.Service == "" || len(g.Service) > mostService || text.Printable(g.Service) != g.Service || strings.ContainsAny(g.Service, " "):
		return wrong("its service is not the id of one")
	case g.Signer == nil:
		return wrong("it has no signer")
	case g.Limits == Limits{}:
		return wrong("relays cost money: set max_upokt_per_session or max_upokt_per_day")
	case g.Checks < 0 || g.Checks > mostChecks:
		return wrong(fmt.Sprintf("a session has 1 to %d checks", mostChecks))
	case g.Interval < 0 || g.SLA < 0 || g.Timeout < g.SLA || g.Quorum < 2 || g.SessionsRetained < 0 || g.SamplesRequired < 0 || g.MaxLag < 0:
		return wrong("its times and numbers have to be above 0, the timeout not below the SLA, the quorum 2 at least")
	case len(g.Chain.Catalogue.Kinds) == 0 && g.Chain.Catalogue.Head == nil:
		return wrong("it has no questions")
	}
	return nil
}

// account is what money is counted by.
func (g *Group) account() string { return g.Application + "/" + g.Service }

// group is a Group as it goes on.
type group struct {
	Group
	network *Network
	logger  *slog.Logger

	// reading has one goroutine at a time read the chain, and say of sessions that their budget is short, their stake low. rules
	// are what sessions are sampled by; application, service, signer and kinds of endpoints stay those of Group.
	reading            sync.Mutex
	rules              Group
	toldShort, toldLow bool

	mu sync.Mutex
	// current is the newest session, before the one before it.
	current, before *session
	problem         Problem
	reason          string
	counts          map[Problem]uint64
	// next are the rules from the next session on; nil for those that there are.
	next *Group
}

// at returns the group's session at a height; nil without an error when the chain says that there is none.
func (g *group) at(ctx context.Context, height int64) (*session, error) {
	g.reading.Lock()
	defer g.reading.Unlock()
	covering := g.covering(height)
	if covering != nil && covering.isComplete(height) {
		return covering, nil
	}
	if covering != nil {
		renewed, err := g.read(ctx, height, covering)
		if err != nil {
			return covering, nil // its suppliers still answer
		}
		g.adopt(renewed)
		return renewed, nil
	}
	g.takeOver()
	read, err := g.readAgain(ctx, height)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	problem := ProblemOf(err)
	g.note(problem, err)
	switch {
	case err == nil:
		g.adopt(read)
		return read, nil
	case problem.passes():
		return nil, fmt.Errorf("group %s: %w", g.Name, err)
	}
	return nil, nil
}

// firstRetry is the time from the first try to the second; it doubles from one to the next.
const firstRetry = 250 * time.Millisecond

// readAgain reads the session at a height. What passes by itself is tried again, as long as the network's patience lasts.
func (g *group) readAgain(ctx context.Context, height int64) (*session, error) {
	patience := g.network.patience
	for wait := firstRetry; ; wait *= 2 {
		read, err := g.read(ctx, height, nil)
		if err == nil || !ProblemOf(err).passes() || patience < wait {
			return read, err
		}
		patience -= wait
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// covering returns the session that covers a height; nil when it is not known.
func (g *group) covering(height int64) *session {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range []*session{g.current, g.before} {
		if s != nil && height >= s.header.GetSessionStartBlockHeight() && height <= s.header.GetSessionEndBlockHeight() {
			return s
		}
	}
	return nil
}

// known returns the session of an id; nil when it is none of the last two.
func (g *group) known(id string) *session {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range []*session{g.current, g.before} {
		if s != nil && s.GetHeader().GetId() == id {
			return s
		}
	}
	return nil
}

// adopt makes a session that was read the current one, if it is not older.
func (g *group) adopt(read *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.current == nil || g.current.GetHeader().GetId() == read.GetHeader().GetId():
		g.current = read
	case read.GetHeader().GetStartHeight() > g.current.GetHeader().GetStartHeight():
		g.before, g.current = g.current, read
	default:
		g.before = read
	}
}

// mostReason bounds the reason of a problem, in bytes.
const mostReason = 256

// note takes note of a problem, or that there is none; it is logged when that has changed.
func (g *group) note(problem Problem, err error) {
	g.mu.Lock()
	changed := g.problem != problem
	g.problem, g.reason = problem, ""
	if problem != ProblemNone {
		g.counts[problem]++
		g.reason = text.Line(err.Error(), mostReason)
	}
	reason := g.reason
	g.mu.Unlock()
	if !changed {
		return
	}
	if problem == ProblemNone {
		g.logger.Info("the group has a session again, or its first")
		return
	}
	g.logger.Warn("the group has no session", "problem", problem.Label(), "reason", reason)
}

// State is how a group does.
type State struct {
	Group string
	// Problem is why there is no session, Reason says it for people; ProblemNone and empty when there is one.
	Problem Problem
	Reason  string
	// Problems counts, by what it was, how often there was no session.
	Problems map[Problem]uint64
	// Session is the newest session's id; empty before the first. Start and End are its first and last height.
	Session    string
	Start, End int64
	// Suppliers of it that are asked; Unverifiable ones have no key on the chain, Unreachable ones no endpoint of the kind.
	Suppliers, Unverifiable, Unreachable int
	// Stake of the application and the least that it may be, in uPOKT.
	Stake, MinStake uint64
	// StakeLow: the application comes near its least stake within days, and will then be unstaked.
	StakeLow bool
	// Estimate is what such sessions cost.
	Estimate Estimate
	Spent    Spent
}

// States returns how the groups do, in the order of the configuration.
func (n *Network) States() []State {
	states := make([]State, len(n.groups))
	for i, g := range n.groups {
		states[i] = g.state()
	}
	return states
}

func (g *group) state() State {
	g.mu.Lock()
	state := State{Group: g.Name, Problem: g.problem, Reason: g.reason, Problems: maps.Clone(g.counts)}
	current := g.current
	g.mu.Unlock()
	if current != nil {
		state.Session = current.header.GetSessionId()
		state.Start, state.End = current.header.GetSessionStartBlockHeight(), current.header.GetSessionEndBlockHeight()
		state.Suppliers, state.Unverifiable, state.Unreachable = len(current.GetServicers()), current.unverifiable, current.unreachable
		state.Stake, state.MinStake, state.StakeLow, state.Estimate = current.stake, current.minStake, current.stakeLow, current.estimate
	}
	state.Spent = g.network.spent.of(g.account(), state.Session)
	return state
}

// errors of reading that are none of the chain's.
var errAmount = errors.New("it is no amount of uPOKT")
