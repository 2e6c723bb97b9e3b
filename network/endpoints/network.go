package endpoints

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/pause"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Config of a network of endpoints.
type Config struct {
	Groups []groups.Group
	// Catalogue makes the questions of a configuration.
	Catalogue func(configs.RelayChain) (question.Catalogue, error)
	// Once samples one session of each group, which begins as soon as its targets were asked who they are. Otherwise one
	// follows the other.
	Once bool
	// Stored are the sessions of earlier runs. One that is not over goes on.
	Stored []*types.QoSSession
	// Patience is how long one target may take to say who it is; 0 means 3 s.
	Patience time.Duration
	// RootCAs verify the targets; nil means the system's.
	RootCAs *x509.CertPool
	// Logger takes the log; nil discards it.
	Logger *slog.Logger
}

// Network is groups of endpoints. Run has it make sessions. Many goroutines may use it.
type Network struct {
	clock
	config  Config
	dialers struct{ public, private *wire.Dialer }
	// dial connects in the place of the dialers; nil for them.
	dial     fisherman.Dial
	reloaded chan struct{}

	mu sync.Mutex
	// groups are the configured ones by name, as of the last Replace.
	groups map[string]groups.Group
	// private are the origins of their targets that may be loopback or private addresses.
	private map[string]bool
	// sessions are those that were prepared, by id, and not long over.
	sessions map[string]*session
	// throttles of targets, by group and name.
	throttles map[[2]string]*throttle
	// known is what targets have said of themselves, by group and name.
	known map[[2]string]identified
	// kinds are those of the groups whose kind is found by asking.
	kinds map[string]question.ChainKind
}

var _ fisherman.Network = (*Network)(nil)

// New returns a network of groups.
func New(config Config) *Network {
	if config.Patience == 0 {
		config.Patience = 3 * time.Second
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Network{config: config, reloaded: make(chan struct{}, 1), sessions: make(map[string]*session),
		throttles: make(map[[2]string]*throttle), known: make(map[[2]string]identified), kinds: make(map[string]question.ChainKind)}
	n.dialers.public = &wire.Dialer{RootCAs: config.RootCAs}
	n.dialers.private = &wire.Dialer{RootCAs: config.RootCAs, AllowPrivate: true}
	n.set(time.Now(), !config.Once)
	n.Replace(config.Groups)
	return n
}

// Replace has the groups sampled instead of those of before. A group that goes on takes its new form with its next session;
// one that is gone ends with its running one. Groups of suppliers are left out.
func (n *Network) Replace(replaced []groups.Group) {
	replaced = groups.OfTargets(replaced)
	byName := make(map[string]groups.Group, len(replaced))
	for _, group := range replaced {
		byName[group.Name] = group
	}
	asked := make(map[[2]string]bool) // targets by group and name, and controls
	for _, group := range replaced {
		asked[[2]string{group.Name, ofControl}] = true
		for _, t := range group.Targets {
			asked[[2]string{group.Name, t.Name}] = true
		}
	}
	n.mu.Lock()
	n.groups = byName
	maps.DeleteFunc(n.throttles, func(key [2]string, _ *throttle) bool { return !asked[key] })
	maps.DeleteFunc(n.known, func(key [2]string, _ identified) bool { return !asked[key] })
	maps.DeleteFunc(n.kinds, func(name string, _ question.ChainKind) bool { return !asked[[2]string{name, ofControl}] })
	n.findPrivate()
	n.mu.Unlock()
	select {
	case n.reloaded <- struct{}{}:
	default:
	}
}

// Groups returns the configured groups, by name.
func (n *Network) Groups() []groups.Group {
	n.mu.Lock()
	defer n.mu.Unlock()
	var configured []groups.Group
	for _, name := range slices.Sorted(maps.Keys(n.groups)) {
		configured = append(configured, n.groups[name])
	}
	return configured
}

// Kind returns the kind of a group's relay chain; ChainUnknown while it has not been found by asking.
func (n *Network) Kind(group groups.Group) question.ChainKind {
	if kind, _ := question.ParseChainKind(group.Chain); kind != question.ChainUnknown {
		return kind
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.kinds[group.Name]
}

// Run makes sessions until the context ends, and returns nil. With Once it returns when the last session is over.
func (n *Network) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	if n.config.Once {
		n.runOnce(ctx, &parts)
		return nil
	}
	parts.Go(func() { n.run(ctx) })
	running := make(map[string]bool)
	ended := make(chan string)
	for {
		n.mu.Lock()
		for name := range n.groups {
			if !running[name] {
				running[name] = true
				parts.Go(func() {
					n.follow(ctx, name)
					select {
					case ended <- name:
					case <-ctx.Done():
					}
				})
			}
		}
		n.mu.Unlock()
		select {
		case <-n.reloaded:
		case name := <-ended:
			delete(running, name)
		case <-ctx.Done():
			return nil
		}
	}
}

// runOnce asks all targets who they are, then begins one session of each group.
func (n *Network) runOnce(ctx context.Context, parts *sync.WaitGroup) {
	var asking sync.WaitGroup
	prepared := make(chan *prepared, len(n.config.Groups))
	for _, group := range n.config.Groups {
		asking.Go(func() { prepared <- n.prepare(ctx, group) })
	}
	asking.Wait()
	close(prepared)
	n.set(time.Now(), false)
	start := n.height(time.Now()) + 1
	var end int64
	for p := range prepared {
		end = max(end, n.add(p, start).end())
	}
	parts.Go(func() { n.run(ctx) })
	if n.sleepUntil(ctx, end, 0) {
		n.Publish(types.Head{Height: end, Time: time.Now()}) // run may not come to it any more
	}
}

// session returns a session that was prepared; nil when it is not known, or not any more.
func (n *Network) session(id string) *session {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sessions[id]
}

// Knows reports whether a session is one of this network's, and not long over.
func (n *Network) Knows(s *types.QoSSession) bool { return n.session(s.GetHeader().GetId()) != nil }

// Sessions implements fisherman.Sessions. A session is there from shortly before its start on, so that its first check is
// in time.
func (n *Network) Sessions(ctx context.Context, height int64) ([]*types.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var current []*types.Session
	for _, s := range n.sessions {
		if height >= s.start()-early && height < s.end() {
			current = append(current, s.Session)
		}
	}
	return current, nil
}

// Policy implements fisherman.Sessions.
func (n *Network) Policy(_ context.Context, of *types.Session) (fisherman.Policy, error) {
	if s := n.session(of.GetHeader().GetId()); s != nil {
		return s.policy, nil
	}
	return fisherman.Policy{}, errUnknownSession
}

var errUnknownSession = errors.New("the session is not known")

// Ask implements fisherman.Network. A target that is to be left alone is not asked: a *wire.Failure of the outcome THROTTLED.
func (n *Network) Ask(of *types.Session, servicer *types.Actor, payload types.Payload) (fisherman.Request, error) {
	s := n.session(of.GetHeader().GetId())
	if s == nil {
		return nil, errUnknownSession
	}
	t := s.targets[servicer.GetAddress()]
	switch {
	case t == nil:
		return nil, errors.New("the target is not one of the group's")
	case t.origin != servicer.GetServiceUrl():
		return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_BUILD_REQUEST, errors.New("its URL is not the target's"))
	}
	request, err := t.ask(payload)
	if err != nil {
		return nil, err
	}
	if err := t.throttle.take(time.Now()); err != nil {
		return nil, throttled(types.Attempt_ATTEMPT_BUILD_REQUEST, err)
	}
	return request, nil
}

// Dial connects to a target's origin: to a loopback or private address only if the user said so of a target there.
func (n *Network) Dial(ctx context.Context, origin string) (*wire.Conn, error) {
	if n.dial != nil {
		return n.dial(ctx, origin)
	}
	return n.dialerOf(origin).Dial(ctx, origin)
}

// explain finds out whether a failure is that of a server that speaks HTTP/2 only.
func (n *Network) explain(ctx context.Context, origin string, failure *wire.Failure) error {
	if n.dial != nil {
		return failure
	}
	return n.dialerOf(origin).Explain(ctx, origin, failure)
}

// dialPrivate connects to an origin wherever it is.
func (n *Network) dialPrivate(ctx context.Context, origin string) (*wire.Conn, error) {
	if n.dial != nil {
		return n.dial(ctx, origin)
	}
	return n.dialers.private.Dial(ctx, origin)
}

func (n *Network) dialerOf(origin string) *wire.Dialer {
	if n.isPrivate(origin) {
		return n.dialers.private
	}
	return n.dialers.public
}

func (n *Network) isPrivate(origin string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.private[origin]
}

// findPrivate notes the origins that may be private: those of targets that are configured so, and of the sessions that are
// not long over. It requires mu.
func (n *Network) findPrivate() {
	n.private = make(map[string]bool)
	for _, group := range n.groups {
		for _, t := range group.Targets {
			if t.Private {
				n.private[t.Origin()] = true
			}
		}
	}
	for _, s := range n.sessions {
		for _, t := range s.targets {
			if t.private {
				n.private[t.origin] = true
			}
		}
	}
}

// sleepUntil waits for a moment, and reports whether it was reached before the context ended.
func sleepUntil(ctx context.Context, moment time.Time) bool {
	return pause.For(ctx, time.Until(moment)) == nil
}
