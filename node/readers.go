package node

import (
	"context"
	"errors"
	"slices"

	"github.com/pocket-fisherman/fisherman/consensus"
	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/utility"
)

// chainReader shows the chain to the API.
type chainReader struct {
	*utility.Module
	chainID string
}

// ChainID is the chain's name. It is known before the first block.
func (r chainReader) ChainID() string { return r.chainID }

// qosReader shows the fisherman's samples to the API.
type qosReader struct {
	fisherman *fisherman.Fisherman
}

// Report summarises the retained sessions that the filter admits, oldest first, one at a time: the rounds of one session
// are in memory at once. A session whose rounds cannot be read is left out unless it is asked for by its id.
func (r qosReader) Report(ctx context.Context, filter rpc.QoSFilter) (qos.Report, error) {
	if r.fisherman == nil {
		return qos.Report{}, rpc.ErrNoFisherman
	}
	sessions, err := r.fisherman.Sessions(ctx)
	if err != nil {
		return qos.Report{}, err
	}
	if filter.SessionID != "" {
		sessions = slices.DeleteFunc(sessions, func(s *types.QoSSession) bool { return s.GetHeader().GetId() != filter.SessionID })
		if len(sessions) == 0 {
			return qos.Report{}, modules.ErrUnknownSession
		}
	}
	if filter.Servicer != "" {
		sessions = slices.DeleteFunc(sessions, func(s *types.QoSSession) bool { return !hasMember(s, filter.Servicer) })
	}
	if filter.Last > 0 {
		sessions = sessions[max(0, len(sessions)-filter.Last):]
	}
	report := qos.Report{Sessions: []qos.SessionReport{}}
	for _, session := range sessions {
		rounds, err := r.fisherman.Rounds(ctx, session.GetHeader().GetId())
		if errors.Is(err, modules.ErrUnknownSession) {
			continue // pruned since it was listed
		}
		if unreadable(ctx, err) && filter.SessionID == "" {
			continue // the status counts it
		}
		if err != nil {
			return qos.Report{}, err
		}
		summary := qos.Summarize(session, rounds)
		if filter.Servicer != "" {
			summary.Servicers = slices.DeleteFunc(summary.Servicers, func(s qos.ServicerReport) bool { return s.Address != filter.Servicer })
		}
		report.Sessions = append(report.Sessions, summary)
	}
	return report, nil
}

// unreadable tells that a session cannot be read for what the store's disk does, while others perhaps can.
func unreadable(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, local.ErrClosed)
}

func hasMember(session *types.QoSSession, servicer string) bool {
	return slices.ContainsFunc(session.GetServicers(), func(s *types.QoSServicer) bool { return s.GetAddress() == servicer })
}

// statusReader shows the node to the API.
type statusReader struct {
	fisherman *FishermanRole
	samples   *local.Samples
}

// Fisherman is the address of the node's fisherman; empty for none.
func (r statusReader) Fisherman() string {
	if r.fisherman == nil {
		return ""
	}
	return r.fisherman.Key.Address()
}

// Store is where the fisherman's samples are held; nil without a fisherman.
func (r statusReader) Store() *rpc.Store {
	if r.samples == nil {
		return nil
	}
	health := r.samples.Health()
	return &rpc.Store{
		Durable:            health.Durable,
		Reason:             health.Reason,
		Since:              health.Since,
		Disk:               rpc.Held{Sessions: health.Disk.Sessions, Rounds: health.Disk.Rounds, Bytes: health.Disk.Bytes},
		Memory:             rpc.Held{Sessions: health.Memory.Sessions, Rounds: health.Memory.Rounds, Bytes: health.Memory.Bytes},
		EvictedSessions:    health.Disk.EvictedSessions + health.Memory.EvictedSessions,
		UnreadableSessions: health.UnreadableSessions,
		SetAside:           health.SetAside,
	}
}

// Version is the version of the program.
func (r statusReader) Version() string { return Version() }

// broadcast hands a transaction of the API's to the chain.
func (n *Node) broadcast(ctx context.Context, raw []byte, wait bool) (rpc.Receipt, error) {
	receipt, err := n.engine.Broadcast(ctx, raw, wait)
	for ours, theirs := range map[error]error{
		consensus.ErrNotReady:         rpc.ErrNotReady,
		consensus.ErrKnownTransaction: rpc.ErrKnownTransaction,
		consensus.ErrMempoolFull:      rpc.ErrMempoolFull,
	} {
		if errors.Is(err, ours) {
			return rpc.Receipt{}, theirs
		}
	}
	return rpc.Receipt(receipt), err
}
