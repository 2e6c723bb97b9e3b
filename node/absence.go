package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/utility/session"
)

// check has the fisherman check a servicer on demand. If the servicer is in none of its sessions, the error says why not,
// as far as the chain's state knows.
func (n *Node) check(ctx context.Context, wanted rpc.CheckRequest) (api.CheckReport, error) {
	report, err := n.sampling.check(ctx, wanted)
	if errors.Is(err, rpc.ErrNotInSession) {
		if why := n.absence(ctx, wanted); why != "" {
			err = fmt.Errorf("%w: %s", err, why)
		}
	}
	return report, err
}

// absence says why a servicer is in no session, and from which block on it may be in one; empty if that cannot be said.
func (n *Node) absence(ctx context.Context, wanted rpc.CheckRequest) string {
	height := n.utility.Height()
	servicers, err := n.utility.Actors(ctx, height, types.ActorType_ACTOR_TYPE_SERVICER)
	if err != nil {
		return ""
	}
	params, err := n.utility.Params(ctx, height)
	if err != nil {
		return ""
	}
	index := slices.IndexFunc(servicers, func(s *types.Actor) bool { return s.GetAddress() == wanted.Servicer })
	if index < 0 {
		return fmt.Sprintf("at block %d nobody is staked as a servicer under this address", height)
	}
	return absenceOf(servicers[index], wanted.RelayChain, height, params.GetSession().GetBlocksPerSession())
}

// absenceOf is absence of a staked servicer, with n blocks in a session. No relay chain stands for any of its own.
func absenceOf(servicer *types.Actor, relayChain string, height, n int64) string {
	if paused := servicer.GetPausedHeight(); paused != 0 {
		return fmt.Sprintf("it is paused since block %d; unpaused, it may be in sessions again after a whole one", paused)
	}
	first := int64(-1)
	for _, chain := range servicer.GetChains() {
		if since, staked := servicer.SinceOn(chain); staked && (relayChain == "" || relayChain == chain) {
			if from := session.FirstStart(since, n); first < 0 || from < first {
				first = from
			}
		}
	}
	switch {
	case first < 0:
		return "it is not staked for relay chain " + relayChain
	case first > height:
		return fmt.Sprintf("it is staked as it is now since less than a whole session, and may be in sessions from block %d on (now at %d)", first, height)
	}
	return fmt.Sprintf("it may be in sessions since block %d; each session chooses its members anew (now at %d)", first, height)
}
