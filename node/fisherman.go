package node

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/utility"
)

// NativeChain is the relay chain that is served by CometBFT nodes: this network's own.
const NativeChain = types.NativeRelayChain

func (n *Node) buildFisherman() error {
	role := n.config.Fisherman
	if role == nil {
		return nil
	}
	catalogues, err := catalogues(role.RelayChains)
	if err != nil {
		return err
	}
	logger := n.config.Logger.With("part", "fisherman")
	options := local.DefaultOptions()
	options.Logger = logger
	if n.samples, err = local.OpenSamples(filepath.Join(n.config.Home, "samples"), options); err != nil {
		return fmt.Errorf("open sample store: %w", err)
	}
	n.feed = newFeed(n.samples, logger)
	observed := observedStore{Store: n.samples, observers: []observer{n.feed.observer()}}
	protocol := &relay.Protocol{Key: role.Key, Now: time.Now}
	dialer := &relay.Dialer{AllowPrivate: role.AllowPrivate}
	n.fisherman, err = fisherman.New(fisherman.Config{
		Secret:        secretOf(role),
		Catalogues:    catalogues,
		Probes:        probes(role.ControlProbes),
		IgnoredFields: role.IgnoredFields,
		BlockInterval: n.config.BlockTime,
		MostRequests:  mostRequests(),
		Logger:        logger,
		Hooks:         fisherman.Hooks{Round: n.observeRound},
	}, n.engine.Heads(), ownSessions{utility: n.utility, address: role.Key.Address()}, protocol.Seal, dialer.Dial, observed)
	if err != nil {
		return fmt.Errorf("make fisherman: %w", err)
	}
	return nil
}

// secretOf derives the seed of schedules and questions from the fisherman's key.
func secretOf(role *FishermanRole) [32]byte {
	return sha256.Sum256(append([]byte("pocket/fisherman-secret/v1\x00"), role.Key.Bytes()...))
}

// ownSessions finds a fisherman's sessions in the chain's state.
type ownSessions struct {
	utility *utility.Module
	address string
}

// Sessions of the block at a committed height that the fisherman is a member of.
func (s ownSessions) Sessions(ctx context.Context, height int64) ([]*types.Session, error) {
	applications, err := s.utility.Actors(ctx, height, types.ActorType_ACTOR_TYPE_APPLICATION)
	if err != nil {
		return nil, fmt.Errorf("read applications: %w", err)
	}
	var own []*types.Session
	for _, application := range applications {
		for _, chain := range application.GetChains() {
			session, err := s.utility.Session(ctx, height, application.GetAddress(), chain)
			if noSession(err) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("read session of %s on %s: %w", application.GetAddress(), chain, err)
			}
			if slices.ContainsFunc(session.GetFishermen(), func(a *types.Actor) bool { return a.GetAddress() == s.address }) {
				own = append(own, session)
			}
		}
	}
	return own, nil
}

// noSession tells that an application has no session at a height at which it is staked: it was paused, or staked in the
// block itself, so that its sessions begin with the next.
func noSession(err error) bool {
	return errors.Is(err, modules.ErrUnknownActor) || errors.Is(err, modules.ErrChainNotStaked) || errors.Is(err, modules.ErrApplicationPaused)
}

// Policy is made of the parameters as of the block before the session.
func (s ownSessions) Policy(ctx context.Context, session *types.Session) (fisherman.Policy, error) {
	params, err := s.utility.Params(ctx, max(1, session.GetHeader().GetStartHeight()-1))
	if err != nil {
		return fisherman.Policy{}, err
	}
	qos := params.GetQos()
	// Servicers reserve so many relays for each planned check; half of the others are left to a fisherman that is started
	// again and repeats its checks.
	spare := qos.GetChecksPerSession() * (params.GetRelay().GetReservePerCheck() - 1)
	distribution, ok := distributions[qos.GetDistribution()]
	if !ok {
		return fisherman.Policy{}, fmt.Errorf("unknown distribution %v", qos.GetDistribution())
	}
	return fisherman.Policy{
		Checks:             int(qos.GetChecksPerSession()),
		Distribution:       distribution,
		Timeout:            qos.GetTimeout().AsDuration(),
		LatencySLA:         qos.GetLatencySla().AsDuration(),
		ServicerOffset:     qos.GetServicerOffset().AsDuration(),
		MaxSkew:            qos.GetMaxSkew().AsDuration(),
		NullSamplesAllowed: qos.GetNullSamplesAllowed(),
		Quorum:             int(qos.GetConsistencyQuorum()),
		Reserve:            reserveOf(params),
		SessionsRetained:   int(qos.GetSessionsRetained()),
		SamplesRequired:    qos.GetSamplesRequired(),
		ChecksOnDemand:     int(spare / 2),
	}, nil
}

var distributions = map[genesis.CheckDistribution]schedule.Distribution{
	genesis.CheckDistribution_CHECK_DISTRIBUTION_EVEN:              schedule.Even,
	genesis.CheckDistribution_CHECK_DISTRIBUTION_STRATIFIED_JITTER: schedule.StratifiedJitter,
	genesis.CheckDistribution_CHECK_DISTRIBUTION_UNIFORM_RANDOM:    schedule.UniformRandom,
}
