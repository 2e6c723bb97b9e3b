package endpoints

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

const (
	// leastCompared is how many origins a majority is taken from: of two that differ, nobody knows which is right.
	leastCompared = 3
	// maxSkew bounds the skew of a check, and skewEach is added for each target: requests are written one after the other.
	maxSkew  = 50 * time.Millisecond
	skewEach = 100 * time.Microsecond
	// checksOnDemand of a session, beside its schedule.
	checksOnDemand = 20
)

// session is one that can be sampled.
type session struct {
	*types.Session
	policy   fisherman.Policy
	targets  map[string]*target
	redactor *redactor
}

func (s *session) start() int64 { return s.GetHeader().GetStartHeight() }
func (s *session) end() int64   { return s.start() + s.GetBlocks() }

// add makes a session of a group that starts at a height, and forgets those that are long over.
func (n *Network) add(p *prepared, start int64) *session {
	made := n.newSession(p, start)
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.sessions, func(_ string, old *session) bool { return old.end()+kept < start })
	n.sessions[made.GetHeader().GetId()] = made
	n.findPrivate()
	return made
}

// newSession makes a session of a group.
func (n *Network) newSession(p *prepared, start int64) *session {
	blocks := int64(p.Session / tick)
	made := &session{targets: make(map[string]*target), Session: &types.Session{
		Header: &types.SessionHeader{Id: sessionID(p.Group, start), StartHeight: start, RelayChain: p.Name, Application: p.Name},
		Blocks: blocks, Height: start,
		StartUnixNano: n.time(start).UnixNano(), EndUnixNano: n.time(start + blocks).UnixNano(),
	}}
	standings, chain := standingsOf(p)
	made.ChainIdentity = p.shownChain(chain)
	var secrets []string
	for i, t := range p.targets {
		made.targets[t.name] = t
		secrets = append(secrets, t.secrets...)
		made.Targets = append(made.Targets, &types.QoSServicer{Address: t.name, ServiceUrl: t.origin, Standing: standings[i],
			ChainIdentity: p.shownChain(p.said[i].Chain), ClientVersion: p.said[i].Client})
		if standings[i] != types.Standing_STANDING_OTHER_CHAIN {
			made.Servicers = append(made.Servicers, t.actor())
		}
	}
	if p.fresh {
		made.RelayHead = headOf(p.said, standings)
	}
	control := n.controlOf(p)
	if control != nil {
		secrets = append(secrets, control.secrets...)
	}
	made.redactor = n.redactorOf(secrets, append(p.public(), made.ChainIdentity))
	made.policy = n.policyOf(p, made, control)
	return made
}

// sessionID returns the id of a group's session: SHA-256 over length-prefixed fields. A group that is configured otherwise
// has other sessions; one of which only secrets are others has the same.
func sessionID(group groups.Group, start int64) string {
	hash := sha256.New()
	field := func(text string) {
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		hash.Write([]byte(text))
	}
	field("pocket/endpoints-session/v1")
	field(strconv.FormatInt(start, 10))
	configured, _ := json.Marshal(group) // numbers, texts and secrets, which show themselves as such, always encode
	field(string(configured))
	for _, t := range group.Targets {
		field(t.Origin())
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// standingsOf decides who is asked: those of the relay chain that most votes are for, and those that have not said of which
// they are. Of chains with as many votes that of the first target counts. Each origin and each operator has one vote.
func standingsOf(p *prepared) (standings []types.Standing, chain string) {
	type identity struct {
		kind  question.ChainKind
		chain string
	}
	voted := make(map[[2]string]bool)
	votes := make(map[identity]int)
	var most identity
	of := func(i int) identity { return identity{p.said[i].Kind, p.said[i].Chain} }
	has := func(i int) bool { return p.said[i].Kind != question.ChainUnknown }
	for i, t := range p.targets {
		if vote := [2]string{t.voter(), of(i).kind.String() + "/" + of(i).chain}; has(i) && !voted[vote] {
			voted[vote] = true
			votes[of(i)]++
		}
	}
	for i := range p.targets {
		if has(i) && of(i).kind == p.kind && votes[of(i)] > votes[most] {
			most = of(i)
		}
	}
	standings = make([]types.Standing, len(p.targets))
	for i := range p.targets {
		switch who := p.said[i]; {
		case has(i) && of(i) != most:
			standings[i] = types.Standing_STANDING_OTHER_CHAIN
		case errors.Is(who.err, wire.ErrHTTP2Only):
			standings[i] = types.Standing_STANDING_HTTP2_ONLY
		case who.isNoNode():
			standings[i] = types.Standing_STANDING_NO_NODE
		case !has(i):
			standings[i] = types.Standing_STANDING_UNIDENTIFIED
		}
	}
	return standings, most.chain
}

// voter is what a target's vote is counted by.
func (t *target) voter() string {
	if t.operator != "" {
		return "operator " + t.operator
	}
	return t.origin
}

// headOf returns the height that most of the targets that are asked have reached; 0 when none has said one.
func headOf(said []identified, standings []types.Standing) int64 {
	var heights []int64
	for i, who := range said {
		if standings[i] == types.Standing_STANDING_UNSPECIFIED && who.Head > 0 {
			heights = append(heights, who.Head)
		}
	}
	if len(heights) == 0 {
		return 0
	}
	slices.Sort(heights)
	slices.Reverse(heights)
	return heights[len(heights)/2]
}

// DistributionOf returns how a spread of a configuration places checks.
func DistributionOf(spread groups.Spread) schedule.Distribution { return distributions[spread] }

var distributions = map[groups.Spread]schedule.Distribution{
	groups.SpreadStratifiedJitter: schedule.StratifiedJitter,
	groups.SpreadEven:             schedule.Even,
	groups.SpreadUniformRandom:    schedule.UniformRandom,
}

// policyOf returns how a session of a group is sampled and judged.
func (n *Network) policyOf(p *prepared, s *session, control *target) fisherman.Policy {
	policy := fisherman.Policy{
		Rules:                judge.Rules{Timeout: p.Timeout, LatencySLA: p.SLA, MaxSkew: maxSkew + time.Duration(len(s.GetServicers()))*skewEach, Quorum: p.Quorum, Direct: true},
		Chain:                &fisherman.Chain{IgnoredFields: p.IgnoredFields},
		Checks:               p.Checks(),
		Distribution:         distributions[p.Spread],
		NullSamplesAllowed:   uint32(p.NullsAllowed),
		DisagreementsAllowed: uint32(p.DisagreementsAllowed),
		LaggingAllowed:       uint32(p.LaggingAllowed),
		SessionsRetained:     n.retained(),
		SamplesRequired:      uint32(p.SamplesRequired),
		ChecksOnDemand:       checksOnDemand,
	}
	if !bunched(p.Rate, p.Interval) {
		policy.Distribution = schedule.Even // others would now and then be above the rate
	}
	voters := make(map[string]bool)
	for _, servicer := range s.GetServicers() {
		voters[s.targets[servicer.GetAddress()].voter()] = true
	}
	if len(voters) < leastCompared {
		policy.Quorum = max(policy.Quorum, len(voters)+1)
	}
	catalogue, err := n.config.Catalogue(p.questions())
	if err != nil {
		n.config.Logger.Error("a group has no questions", "group", p.Name, "error", err)
	}
	policy.Chain.Catalogue = catalogue
	if control != nil {
		dial := n.dialPrivate
		if p.Control.Target != "" {
			dial = n.Dial
		}
		policy.Chain.Probe = control.probe(dial)
	}
	return policy
}

// controlOf returns the control of a group, which shares the throttle of the target that it is; nil for none.
func (n *Network) controlOf(p *prepared) *target {
	for _, t := range p.targets {
		if p.Control.Target != "" && t.name == p.Control.Target {
			return t
		}
	}
	if p.Control.URL.Reveal() == "" {
		return nil
	}
	made, err := newTarget(groups.Target{Name: "control", URL: p.Control.URL, Private: true}, n.throttleOf(p.Group, ofControl))
	if err != nil {
		n.config.Logger.Error("a group has no control probe", "group", p.Name, "error", err)
		return nil
	}
	made.throttles = p.kind.Throttles
	return made
}

// ofControl is the name of a control that is no target: no target has it.
const ofControl = ""

// retained is how many sessions the store keeps: those of all groups.
func (n *Network) retained() (sessions int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, group := range n.groups {
		sessions += group.SessionsRetained
	}
	return sessions
}
