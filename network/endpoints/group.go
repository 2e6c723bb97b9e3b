package endpoints

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/text"
	"github.com/pocket-fisherman/fisherman/wire"
)

const (
	// early is how many heights before its start a session is there.
	early = 1
	// askingAtOnce bounds the targets of a group that are asked who they are at the same time.
	askingAtOnce = 128
	// mostAsking bounds the time in which all targets of a group are asked who they are.
	mostAsking = 10 * time.Second
	// identityFresh is how long what a target said of itself counts.
	identityFresh = 4 * time.Minute
	// leastCached is the fewest targets whose own claims of the height make up for not being asked anew.
	leastCached = leastCompared
	// kept is how many heights after its end a session is known: its last answers may still be on their way.
	kept = 120
)

// identified is what a target said of itself, when; or why it said nothing.
type identified struct {
	question.Identity
	at  time.Time
	err error
	// target is who was asked, as of a group of a kind of chain.
	target groups.Target
	chain  string
	// shown is the identity of its chain without the target's secrets.
	shown string
}

// follow makes the sessions of a group, one after the other, as long as the group is configured.
func (n *Network) follow(ctx context.Context, name string) {
	for {
		group, still := n.group(name)
		if !still {
			return
		}
		start, known := n.nextStart(group)
		if known && !n.sleepUntil(ctx, start, mostAsking+early*tick) {
			return
		}
		// What was configured meanwhile counts.
		if group, still = n.group(name); !still {
			return
		}
		p := n.prepare(ctx, group)
		for tried := time.Now(); p.kind == question.ChainUnknown && time.Since(tried) < mostAsking && sleepUntil(ctx, time.Now().Add(tick)); {
			p = n.prepare(ctx, group) // what to ask follows from who they are
		}
		if ctx.Err() != nil {
			return
		}
		if !known {
			start = max(n.height(time.Now())+early, n.lastEnd(name))
		}
		n.add(p, start)
	}
}

// nextStart returns when the next session of a group begins: with the end of the one before, or when one began that an
// earlier run was stopped in. It is false where there is neither, so that one may begin at any time.
func (n *Network) nextStart(group groups.Group) (start int64, known bool) {
	height := n.height(time.Now())
	if end := n.lastEnd(group.Name); end > 0 {
		return end, end >= height
	}
	for _, stored := range n.config.Stored {
		start := stored.GetHeader().GetStartHeight()
		current := start <= height && height < start+stored.GetBlocks() && !stored.GetClosed()
		if current && stored.GetHeader().GetId() == sessionID(group, start) {
			return start, true
		}
	}
	return 0, false
}

// lastEnd returns when the last session of a group ends, which one that was removed and is there again has to wait for.
func (n *Network) lastEnd(name string) (end int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.sessions {
		if s.GetHeader().GetRelayChain() == name {
			end = max(end, s.end())
		}
	}
	return end
}

func (n *Network) group(name string) (groups.Group, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	group, still := n.groups[name]
	return group, still
}

// prepared is a group that can be sampled: its targets, and what they said of themselves.
type prepared struct {
	groups.Group
	targets []*target
	said    []identified
	kind    question.ChainKind
	// fresh: all were asked just now.
	fresh bool
}

// prepare asks the targets of a group who they are. One whose URL cannot be read is left out.
func (n *Network) prepare(ctx context.Context, group groups.Group) *prepared {
	p := &prepared{Group: group, fresh: true}
	var configuredOf []groups.Target // of those that are not left out
	for _, configured := range group.Targets {
		made, err := newTarget(configured, n.throttleOf(group, configured.Name))
		if err != nil {
			n.config.Logger.Error("a target is left out", "group", group.Name, "error", err)
			continue
		}
		p.targets = append(p.targets, made)
		configuredOf = append(configuredOf, configured)
	}
	p.said = make([]identified, len(p.targets))
	ctx, cancel := context.WithTimeout(ctx, mostAsking)
	defer cancel()
	var asking sync.WaitGroup
	turns := make(chan struct{}, askingAtOnce)
	for i, t := range p.targets {
		if before, fresh := n.knownOf(group, configuredOf[i]); fresh && len(p.targets) >= leastCached {
			p.said[i], p.fresh = before, false
			continue
		}
		turns <- struct{}{}
		asking.Go(func() {
			defer func() { <-turns }()
			p.said[i] = n.identify(ctx, group, t)
			p.said[i].target, p.said[i].chain = configuredOf[i], group.Chain
			n.note(group.Name, t.name, p.said[i])
		})
	}
	asking.Wait()
	n.learn(p)
	for _, t := range p.targets {
		t.throttles = p.kind.Throttles
	}
	return p
}

// identify asks one target who it is.
func (n *Network) identify(ctx context.Context, group groups.Group, t *target) identified {
	ctx, cancel := context.WithTimeout(ctx, n.config.Patience)
	defer cancel()
	search, err := n.search(group)
	if err != nil {
		return identified{err: err}
	}
	who, err := t.identify(ctx, n.Dial, search)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = errNotInTime
	}
	if failure, theirs := errors.AsType[*wire.Failure](err); theirs {
		err = n.explain(ctx, t.origin, failure)
	}
	who.Client = t.conceal(who.Client)
	if err != nil {
		err = &concealedError{text.Line(t.conceal(err.Error()), mostReason), err}
		n.config.Logger.Info("a target does not say who it is", "group", group.Name, "target", t.name,
			"reason", err)
	}
	return identified{Identity: who, at: time.Now(), err: err, shown: t.conceal(who.Chain)}
}

// errNotInTime is of a target that did not say in time who it is.
var errNotInTime = errors.New("no complete answer in time")

// concealedError says what an error says without the target's secrets.
type concealedError struct {
	text  string
	cause error
}

func (e *concealedError) Error() string { return e.text }
func (e *concealedError) Unwrap() error { return e.cause }

// mostReason bounds the reason in a line of the log, in bytes.
const mostReason = 200

// search begins to ask a target of a group.
func (n *Network) search(group groups.Group) (*question.Search, error) {
	kind, err := question.ParseChainKind(group.Chain)
	if err != nil {
		return nil, err
	}
	if kind != question.ChainCustom {
		return question.NewSearch(kind), nil
	}
	catalogue, err := n.config.Catalogue(group.RelayChain(kind.String()))
	if err != nil {
		return nil, err
	}
	return question.NewHeadSearch(catalogue.Head), nil
}

// throttleOf returns the throttle of a target, which outlives its sessions.
func (n *Network) throttleOf(group groups.Group, target string) *throttle {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := [2]string{group.Name, target}
	if n.throttles[key] == nil {
		n.throttles[key] = newThrottle(group.Rate)
	}
	n.throttles[key].setRate(group.Rate)
	return n.throttles[key]
}

// knownOf returns what a target said of itself lately, unless it is configured otherwise since.
func (n *Network) knownOf(group groups.Group, target groups.Target) (identified, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	known, is := n.known[[2]string{group.Name, target.Name}]
	fresh := is && known.err == nil && time.Since(known.at) < identityFresh
	return known, fresh && known.chain == group.Chain && reflect.DeepEqual(known.target, target)
}

// note keeps what a target said of itself.
func (n *Network) note(group, target string, said identified) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known[[2]string{group, target}] = said
}

// Said is what a target said of itself when it was asked last, or why it said nothing: Err has no secret in it. The zero
// value is that of one that was not asked yet.
type Said struct {
	question.Identity
	At  time.Time
	Err error
}

// Said returns what the targets of a group said of themselves, by name. Those that have not been asked are left out.
func (n *Network) Said(group string) map[string]Said {
	n.mu.Lock()
	defer n.mu.Unlock()
	said := make(map[string]Said)
	for key, known := range n.known {
		if key[0] == group {
			shown := known.Identity
			shown.Chain = known.shown
			said[key[1]] = Said{Identity: shown, At: known.at, Err: known.err}
		}
	}
	return said
}

// learn decides which kind of chain the group is of: the one that is configured, that of most targets, or the one of before;
// ChainUnknown as long as there is none of these.
func (n *Network) learn(p *prepared) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p.kind, _ = question.ParseChainKind(p.Chain); p.kind != question.ChainUnknown {
		return
	}
	if p.kind = p.mostKind(); p.kind == question.ChainUnknown {
		p.kind = n.kinds[p.Name]
	}
	if p.kind != question.ChainUnknown {
		n.kinds[p.Name] = p.kind
	}
}

// questions are what a group is asked. Of one in which nobody has said of which kind it is, that is no more than whether
// there is anybody: what nodes say to a question that may not be theirs is held against none.
func (p *prepared) questions() configs.RelayChain {
	if p.kind == question.ChainUnknown && p.Catalogue == "" {
		asked := []configs.Question{{Method: "web3_clientVersion"}}
		for len(asked) < min(p.Checks(), question.MostTemplates) { // no question is asked twice
			params := fmt.Sprintf(`["0x%04x"]`, len(asked))
			asked = append(asked, configs.Question{Method: "web3_sha3", Params: configs.JSON(params)})
		}
		return configs.RelayChain{Catalogue: configs.CatalogueCustom, Questions: asked}
	}
	return p.RelayChain(p.kind.String())
}

// mostKind returns the kind that most voters have, of several the one of the first; ChainUnknown when none has said it.
func (p *prepared) mostKind() question.ChainKind {
	voters := make(map[question.ChainKind]map[string]bool)
	most := question.ChainUnknown
	for i, who := range p.said {
		if who.Kind == question.ChainUnknown {
			continue
		}
		if voters[who.Kind] == nil {
			voters[who.Kind] = make(map[string]bool)
		}
		voters[who.Kind][p.targets[i].voter()] = true
	}
	for _, who := range p.said {
		if len(voters[who.Kind]) > len(voters[most]) {
			most = who.Kind
		}
	}
	return most
}

// isNoNode reports whether a target has answered as no node of a known chain does.
func (i identified) isNoNode() bool { return errors.Is(i.err, question.ErrNotNode) }
