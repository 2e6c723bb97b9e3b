package shannon

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/network/shannon/chain"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// session is one that can be sampled. It does not change.
type session struct {
	*types.Session
	// header is the chain's.
	header *protocol.SessionHeader
	chain  *protocol.Session
	signer *protocol.Signer
	policy fisherman.Policy
	// members are the suppliers that are asked, by address.
	members map[string]member
	// readAt is the height at which the suppliers' keys were read.
	readAt                    int64
	unverifiable, unreachable int
	price, stake, minStake    uint64
	stakeLow                  bool
	estimate                  Estimate
	// account is what its money is counted by, allowance what a supplier serves of it for the stake, in uPOKT.
	account   string
	allowance uint64
	// graceEnd is the last height at which suppliers answer its relays; blockTime is how long blocks take.
	graceEnd  int64
	blockTime time.Duration
}

// member is a supplier that is asked.
type member struct {
	rpcType protocol.RPCType
	// keyHeight is where the chain had its key.
	keyHeight int64
	// unusable: its URL is not shown as it is, and is not connected to.
	unusable bool
}

// isComplete reports whether nothing about the session has to be read anew at a height. Keys that were missing are looked
// for once in each block.
func (s *session) isComplete(height int64) bool { return s.unverifiable == 0 || s.readAt >= height }

const (
	// defaultBlockTime is that of the network, for chains whose blocks are too few or too old to tell.
	defaultBlockTime = time.Minute
	// leastBlockTime and mostBlockTime bound what a block is believed to take.
	leastBlockTime = 10 * time.Millisecond
	mostBlockTime  = time.Hour
)

// read reads the session at a height. known is the same one as it was read before; nil for none: then only keys are read.
func (g *group) read(ctx context.Context, height int64, known *session) (*session, error) {
	if known != nil {
		renewed := *known
		renewed.readAt = height
		return &renewed, g.fill(ctx, &renewed)
	}
	found, err := g.network.Client.Session(ctx, g.Application, g.Service, height)
	if err != nil {
		return nil, err
	}
	if len(found.GetSuppliers()) == 0 {
		return nil, errNoSuppliers
	}
	s := &session{header: found.GetHeader(), chain: found, readAt: height}
	if s.signer, err = signerOf(ctx, &g.network.keys, g.Signer, found, height); err != nil {
		return nil, err
	}
	if err := g.fill(ctx, s); err != nil {
		return nil, err
	}
	return s, g.price(ctx, s, height)
}

// signerOf makes a key's signer for a session's ring. Gateways without a key on the chain are left out of it: nobody could
// have signed with them.
func signerOf(ctx context.Context, keys *keys, signer *protocol.PrivateKey, found *protocol.Session, height int64) (*protocol.Signer, error) {
	var ring [][]byte
	for i, address := range protocol.RingAddresses(found.GetApplication(), found.GetHeader().GetSessionEndBlockHeight()) {
		if len(ring) == protocol.MaxRing {
			break
		}
		key, err := keys.of(ctx, address, height)
		switch {
		case err == nil:
			ring = append(ring, key.key)
		case !errors.Is(err, chain.ErrNoKey):
			return nil, err
		case i == 0:
			return nil, errNoKeyOfApplication
		}
	}
	if len(ring) == 1 {
		ring = append(ring, ring[0])
	}
	return protocol.NewSigner(signer, ring)
}

// fill makes the members of a session: of those that have an endpoint of the kind, those with a key are asked.
func (g *group) fill(ctx context.Context, s *session) error {
	header := s.header
	made := &types.Session{
		Header: &types.SessionHeader{Id: header.GetSessionId(), StartHeight: header.GetSessionStartBlockHeight(), RelayChain: g.Name, Application: g.Application},
		Blocks: header.GetSessionEndBlockHeight() - header.GetSessionStartBlockHeight() + 1, Height: header.GetSessionStartBlockHeight(),
	}
	s.members, s.unverifiable, s.unreachable = make(map[string]member), 0, 0
	g.network.keys.readAll(ctx, s.chain.GetSuppliers(), s.readAt)
	for _, supplier := range s.chain.GetSuppliers() {
		address := supplier.GetOperatorAddress()
		endpoint := endpointOf(supplier, g.Service, g.RPCTypes)
		if endpoint == nil {
			s.unreachable++
			continue
		}
		shown := text.Line(endpoint.GetUrl(), mostURL)
		stake, _ := amountOf(supplier.GetStake())
		target := &types.QoSServicer{Address: address, ServiceUrl: shown, Owner: ownerOf(supplier), StakeUpokt: stake}
		made.Targets = append(made.Targets, target)
		key, err := g.network.keys.of(ctx, address, s.readAt)
		switch {
		case errors.Is(err, chain.ErrNoKey):
			s.unverifiable++
			target.Standing = types.Standing_STANDING_UNVERIFIABLE
			continue
		case err != nil:
			return err
		}
		s.members[address] = member{rpcType: endpoint.GetRpcType(), keyHeight: key.height, unusable: shown != endpoint.GetUrl()}
		made.Servicers = append(made.Servicers, &types.Actor{Type: types.ActorType_ACTOR_TYPE_SERVICER, Address: address,
			PublicKey: hex.EncodeToString(key.key), ServiceUrl: shown, StakeUpokt: stake, Operator: target.GetOwner()})
	}
	s.Session = made
	return nil
}

// mostURL bounds a staked URL, in bytes. A supplier with a longer one, or one that does not print, is not connected to.
const mostURL = 512

// ownerOf returns who runs a supplier, so that all of one owner have one vote; empty when that is not an address.
func ownerOf(supplier *protocol.Supplier) string {
	if protocol.CheckAddress(supplier.GetOwnerAddress()) != nil {
		return ""
	}
	return supplier.GetOwnerAddress()
}

// endpointOf returns a supplier's endpoint of the best of kinds; nil for none.
func endpointOf(supplier *protocol.Supplier, service string, kinds []protocol.RPCType) *protocol.SupplierEndpoint {
	for _, wanted := range kinds {
		for _, staked := range supplier.GetServices() {
			if staked.GetServiceId() != service {
				continue
			}
			for _, endpoint := range staked.GetEndpoints() {
				if endpoint.GetRpcType() == wanted && endpoint.GetUrl() != "" {
					return endpoint
				}
			}
		}
	}
	return nil
}

// price computes what a relay costs, and how the session is sampled for that.
func (g *group) price(ctx context.Context, s *session, height int64) error {
	terms, err := readTerms(ctx, g.network.Client, s.chain.GetApplication(), g.Service, height)
	if err != nil {
		return err
	}
	s.price, s.stake, s.minStake = terms.Price, terms.Stake, terms.MinStake
	s.account, s.allowance = g.account(), terms.allowance(len(s.chain.GetSuppliers()))
	s.graceEnd = s.header.GetSessionEndBlockHeight() + terms.Grace
	s.blockTime = blockTime(ctx, g.network.Client, s.header)
	checks := g.rules.checksOf(s.Blocks, s.blockTime)
	s.estimate = EstimateOf(s.price, len(s.GetServicers()), checks, time.Duration(s.Blocks)*min(s.blockTime, dayLength), g.rules.Limits)
	s.policy = g.policyOf(s, checks)
	s.stakeLow = terms.StakeLow(s.estimate.Day)
	g.tell(s)
	return nil
}

// tell logs what a session costs, and what is wrong with it if that was not so of the one before.
func (g *group) tell(s *session) {
	short, low := s.estimate.Paid < s.estimate.Checks, s.stakeLow
	defer func() { g.toldShort, g.toldLow = short, low }()
	logger := g.logger.With("session", s.header.GetSessionId())
	logger.Info("session read", "suppliers", len(s.GetServicers()), "unverifiable", s.unverifiable, "without_endpoint", s.unreachable,
		"upokt_per_relay", s.price, "upokt_per_session", s.estimate.Session, "upokt_per_day", s.estimate.Day)
	if short && !g.toldShort {
		logger.Warn("the budget does not pay for all checks of a session", "checks", s.estimate.Checks, "paid", s.estimate.Paid)
	}
	if low && !g.toldLow {
		logger.Warn("the application's stake is near the least that it may be, below which it is unstaked", "stake", s.stake, "least", s.minStake)
	}
}

// lowDays is for how many days of sampling a stake has to last, and lowShare which part of the least stake has to be left, so
// that it is not near its least.
const (
	lowDays  = 3
	lowShare = 20
)

// isLow reports whether a stake is near the least that it may be.
func isLow(stake, least, perDay uint64) bool {
	return leftOf(stake, least) < max(times(perDay, lowDays), least/lowShare)
}

// blockTime returns how long blocks take, by those of the session before: the same whenever it is asked within a session.
func blockTime(ctx context.Context, client *chain.Client, header *protocol.SessionHeader) time.Duration {
	start := header.GetSessionStartBlockHeight()
	first := max(1, start-(header.GetSessionEndBlockHeight()-start+1))
	if start-first < 1 {
		return defaultBlockTime
	}
	from, err := client.BlockTime(ctx, first)
	if err != nil {
		return defaultBlockTime
	}
	until, err := client.BlockTime(ctx, start)
	if err != nil {
		return defaultBlockTime
	}
	return min(max(until.Sub(from)/time.Duration(start-first), leastBlockTime), mostBlockTime)
}

// checksOf returns how many checks a session of a number of blocks has.
func (g *Group) checksOf(blocks int64, blockTime time.Duration) int {
	if g.Checks > 0 {
		return g.Checks
	}
	whole := float64(blocks) * float64(blockTime) / float64(g.Interval)
	return int(min(max(whole, 1), mostChecks))
}

// policyOf returns how a session is sampled and judged.
func (g *group) policyOf(s *session, checks int) fisherman.Policy {
	allowed := func(configured, share int) uint32 {
		if configured < 0 {
			configured = checks / share
		}
		return uint32(configured)
	}
	rules := &g.rules
	relayChain := rules.Chain
	policy := fisherman.Policy{
		Rules:                judge.Rules{Timeout: rules.Timeout, LatencySLA: rules.SLA, MaxSkew: maxSkew, Quorum: rules.Quorum},
		Chain:                &relayChain,
		Checks:               checks,
		Distribution:         rules.Spread,
		NullSamplesAllowed:   allowed(rules.NullsAllowed, 10),
		DisagreementsAllowed: allowed(rules.DisagreementsAllowed, mostChecks+1),
		LaggingAllowed:       allowed(rules.LaggingAllowed, 20),
		MaxLag:               rules.MaxLag,
		SessionsRetained:     rules.SessionsRetained,
		SamplesRequired:      uint32(min(rules.SamplesRequired, checks)),
		ChecksOnDemand:       checksOnDemand,
		Budget:               &purse{spending: g.network.spent, account: g.account(), session: s.header.GetSessionId(), price: s.price},
	}
	if rules.SamplesRequired == 0 {
		policy.SamplesRequired = uint32(min(3, checks))
	}
	return policy
}

// denomination of all amounts.
const denomination = "upokt"

// amountOf reads an amount of uPOKT; none is 0.
func amountOf(coin *protocol.Coin) (uint64, error) {
	if coin == nil {
		return 0, nil
	}
	amount, err := strconv.ParseUint(coin.GetAmount(), 10, 64)
	if err != nil || coin.GetDenom() != denomination {
		return 0, errAmount
	}
	return amount, nil
}
