package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/consensus"
	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/servicer"
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

// Report summarises the retained sessions that the filter admits, oldest first.
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

func hasMember(session *types.QoSSession, servicer string) bool {
	return slices.ContainsFunc(session.GetServicers(), func(s *types.QoSServicer) bool { return s.GetAddress() == servicer })
}

// relayReader shows to the API what the servicers keep.
type relayReader struct {
	servicers []*servicer.Servicer
	// store is nil without a servicer.
	store *local.RelayStore
}

// Kept tells what is kept, and what became of the rest.
func (r relayReader) Kept(ctx context.Context, last int) (rpc.KeptRelays, error) {
	if r.store == nil {
		return rpc.KeptRelays{}, rpc.ErrNoServicer
	}
	sessions, err := r.store.Sessions(ctx, last)
	if err != nil {
		return rpc.KeptRelays{}, err
	}
	stats := r.store.Stats()
	kept := rpc.KeptRelays{AllSessions: stats.Sessions, AllRelays: stats.Relays, Bytes: stats.Bytes,
		EvictedSessions: stats.EvictedSessions, Failures: stats.Failures}
	for _, session := range sessions {
		kept.Sessions = append(kept.Sessions, rpc.SessionRelays(session))
	}
	for _, servicer := range r.servicers {
		counted := servicer.VolumeStats()
		kept.Servicers = append(kept.Servicers, rpc.ServicerRelays{Address: servicer.Address(),
			Stored: counted.Stored, Dropped: counted.Dropped, Failed: counted.Failed})
	}
	return kept, nil
}

// Relays reads a page of a session's relays. Each is verified once more.
func (r relayReader) Relays(ctx context.Context, session string, from uint32, limit int) ([]rpc.KeptRelay, int, error) {
	if r.store == nil {
		return nil, 0, rpc.ErrNoServicer
	}
	stored, all, err := r.store.Relays(ctx, session, from, limit)
	if err != nil {
		return nil, 0, err
	}
	relays := make([]rpc.KeptRelay, len(stored))
	for i, s := range stored {
		opened, err := relay.OpenExchanged(s.GetRequest(), s.GetResponse())
		if err != nil {
			return nil, 0, fmt.Errorf("open relay %d of session %s: %w", int(from)+i, session, err)
		}
		relays[i] = rpc.KeptRelay{
			RequestHash:    opened.RequestHash,
			Servicer:       opened.Request.GetServicer(),
			Application:    opened.Request.GetSession().GetApplication(),
			Signer:         opened.Signer,
			Received:       time.Unix(0, opened.Response.GetReceivedUnixNano()),
			Answered:       time.Unix(0, opened.Response.GetAnsweredUnixNano()),
			UpstreamStatus: opened.Response.GetUpstreamStatus(),
			Request:        s.GetRequest(),
			Response:       s.GetResponse(),
		}
	}
	return relays, all, nil
}

// statusReader shows the node to the API.
type statusReader struct {
	fisherman *FishermanRole
	heads     *consensus.Heads
	blockTime time.Duration
}

// Fisherman is the address of the node's fisherman; empty for none.
func (r statusReader) Fisherman() string {
	if r.fisherman == nil {
		return ""
	}
	return r.fisherman.Key.Address()
}

// Version is the version of the program.
func (r statusReader) Version() string { return ThisBuild().Version }

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
