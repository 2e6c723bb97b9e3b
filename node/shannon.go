package node

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/network/endpoints"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/telemetry"
)

// Of the requests that may be under way, each chain's fisherman may have a share, and what two rounds of a session take.
const (
	shannonShare = 8
	leastShannon = 128
)

// shannonBlockTime is the time between blocks that is expected until some were seen.
const shannonBlockTime = time.Minute

// spendingsName is the file, below the data directory, that remembers what was spent on a chain.
const spendingsName = "spendings"

// ownStore is the samples as one of several fishermen sees them: sessions of its own groups. What is retained is decided for
// all of them together.
type ownStore struct {
	*local.Samples
	owns   func(group string) bool
	retain func() int
}

// Sessions returns the fisherman's own.
func (s ownStore) Sessions(ctx context.Context) ([]*types.QoSSession, error) {
	sessions, err := s.Samples.Sessions(ctx)
	return slices.DeleteFunc(sessions, func(session *types.QoSSession) bool { return !s.owns(session.GetHeader().GetRelayChain()) }), err
}

// Prune keeps the newest sessions of all fishermen.
func (s ownStore) Prune(ctx context.Context, _ int) (evicted int, err error) {
	return s.Samples.Prune(ctx, s.retain())
}

// split returns the groups of endpoints, and those of the live Pocket network by where their chain is read.
func split(configured []groups.Group) (lists []groups.Group, chains [][]groups.Group) {
	places := make(map[string]int)
	for _, group := range groups.OfSuppliers(configured) {
		where := place(group.Shannon)
		at, known := places[where]
		if !known {
			at, chains = len(chains), append(chains, nil)
			places[where] = at
		}
		chains[at] = append(chains[at], group)
	}
	return groups.OfTargets(configured), chains
}

// place is what groups have in common that are of one chain, read at the same nodes.
func place(s *groups.Shannon) string {
	parts := []string{s.ChainID, fmt.Sprint(s.AllowPrivate)}
	for _, rpc := range s.RPC {
		parts = append(parts, rpc.Reveal())
	}
	return strings.Join(parts, "\n")
}

// buildShannon makes the fisherman of the groups of one chain.
func (e *Endpoints) buildShannon(logger *slog.Logger, secret [secretSize]byte, at int, members []groups.Group) error {
	first := members[0].Shannon
	config := shannon.Config{ChainID: first.ChainID, AllowPrivate: first.AllowPrivate, RootCAs: e.config.RootCAs, Logger: logger,
		Spendings: filepath.Join(e.config.Data, fmt.Sprintf("%s-%d", spendingsName, at+1))}
	for _, rpc := range first.RPC {
		config.RPC = append(config.RPC, rpc.Reveal())
	}
	names := make(map[string]bool)
	for _, group := range members {
		made, err := e.shannonGroup(group)
		if err != nil {
			return err
		}
		config.Groups = append(config.Groups, made)
		names[group.Name] = true
	}
	network, err := shannon.New(config)
	if err != nil {
		return fmt.Errorf("make network of group %s: %w", members[0].Name, err)
	}
	e.shannons = append(e.shannons, network)
	return e.add(fisherman.Config{
		Secret:        secret,
		BlockInterval: shannonBlockTime,
		MostRequests:  max(e.budget.requests/shannonShare, leastShannon),
		Logger:        logger,
		Hooks:         e.hooks(),
	}, network, network.Dial, ownStore{e.samples, func(group string) bool { return names[group] }, e.retained})
}

// shannonGroup is a group of the live Pocket network as its network takes it.
func (e *Endpoints) shannonGroup(group groups.Group) (shannon.Group, error) {
	catalogue, err := endpointsCatalogue(group.RelayChain(group.Chain))
	if err != nil {
		return shannon.Group{}, fmt.Errorf("group %s: %w", group.Name, err)
	}
	made := shannon.Group{
		Name:        group.Name,
		Application: group.Shannon.Application,
		Service:     group.Shannon.Service,
		Signer:      e.config.Signers[group.Name],
		Limits:      shannon.Limits{PerSession: group.Shannon.MaxUpoktPerSession, PerDay: group.Shannon.MaxUpoktPerDay},
		Chain:       fisherman.Chain{Catalogue: catalogue, IgnoredFields: group.IgnoredFields},
		Interval:    group.Interval,
		Spread:      endpoints.DistributionOf(group.Spread),
		SLA:         group.SLA,
		Timeout:     group.Timeout,
		Quorum:      group.Quorum,

		NullsAllowed:         group.NullsAllowed,
		DisagreementsAllowed: group.DisagreementsAllowed,
		LaggingAllowed:       group.LaggingAllowed,
		SamplesRequired:      group.SamplesRequired,
		SessionsRetained:     group.SessionsRetained,
	}
	if group.RelayChain(group.Chain).REST() {
		made.RPCTypes = []protocol.RPCType{protocol.RPCType_RPC_TYPE_REST}
	}
	return made, nil
}

// retained is how many sessions of all groups the store keeps.
func (e *Endpoints) retained() (sessions int) {
	for _, group := range e.network.Groups() {
		sessions += group.SessionsRetained
	}
	for _, group := range e.config.Groups {
		if group.Shannon != nil {
			sessions += group.SessionsRetained
		}
	}
	return max(sessions, e.kept.Sessions)
}

// states are those of the groups of the live Pocket network, by name.
func (e *Endpoints) states() map[string]shannon.State {
	states := make(map[string]shannon.State)
	for _, network := range e.shannons {
		for _, state := range network.States() {
			states[state.Group] = state
		}
	}
	return states
}

// shannonGroups are the groups of the live Pocket network, for the API.
func (e *Endpoints) shannonGroups() (shown []api.Group) {
	states := e.states()
	for _, group := range e.config.Groups {
		if group.Shannon == nil {
			continue
		}
		state, catalogue := states[group.Name], group.RelayChain(group.Chain).Catalogue
		shown = append(shown, api.Group{Name: group.Name, Chain: &group.Chain, Catalogue: &catalogue, Targets: state.Suppliers,
			Network: api.NetworkShannon, Application: &group.Shannon.Application, Service: &group.Shannon.Service, Budget: budgetOf(state)})
	}
	return shown
}

// budgetOf is what a group may spend, and what it has.
func budgetOf(state shannon.State) *api.Budget {
	spent := state.Spent
	budget := &api.Budget{SpentSessionUPOKT: api.UPOKTOf(spent.Session), SpentDayUPOKT: api.UPOKTOf(spent.Day)}
	amount := func(of uint64) *api.UPOKT {
		shown := api.UPOKTOf(of)
		return &shown
	}
	if spent.SessionLeft != nil {
		budget.MaxUPOKTPerSession, budget.LeftSessionUPOKT = amount(spent.PerSession), amount(*spent.SessionLeft)
	}
	if spent.DayLeft != nil {
		budget.MaxUPOKTPerDay, budget.LeftDayUPOKT = amount(spent.PerDay), amount(*spent.DayLeft)
	}
	if state.Session != "" {
		budget.CostPerCheckUPOKT = amount(state.Estimate.Check)
	}
	return budget
}

// budgets are those of the groups of the live Pocket network, for the metrics.
func (e *Endpoints) budgets() (budgets []telemetry.Budget) {
	for name, state := range e.states() {
		budgets = append(budgets, telemetry.Budget{RelayChain: name, Spent: state.Spent.Total,
			SessionLeft: state.Spent.SessionLeft, DayLeft: state.Spent.DayLeft})
	}
	return budgets
}
