package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

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

// keptDigests bounds the closed sessions whose digests are kept: some 50 KiB each with 24 servicers.
const keptDigests = 256

// qosReader shows the fisherman's samples to the API.
type qosReader struct {
	fisherman *fisherman.Fisherman
	// digests of sessions that are closed, by id: nothing is added to these, so they are not read again at each request.
	digests *lru.Cache[string, qos.SessionDigest]
}

func newQoSReader(sampled *fisherman.Fisherman) qosReader {
	// The only error is a bound below one, and it is a constant.
	digests, _ := lru.New[string, qos.SessionDigest](keptDigests)
	return qosReader{fisherman: sampled, digests: digests}
}

// Report summarises the retained sessions that the filter admits, oldest first, one at a time: the rounds of one session
// are in memory at once. A session whose rounds cannot be read is left out unless it is asked for by its id.
func (r qosReader) Report(ctx context.Context, filter rpc.QoSFilter) (qos.Report, error) {
	sessions, err := r.sessions(ctx)
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
		digest, err := r.digest(ctx, session)
		if errors.Is(err, modules.ErrUnknownSession) {
			continue // pruned since it was listed
		}
		if unreadable(ctx, err) && filter.SessionID == "" {
			continue // the status counts it
		}
		if err != nil {
			return qos.Report{}, err
		}
		summary := digest.Report
		if filter.Servicer != "" {
			summary.Servicers = slices.DeleteFunc(slices.Clone(summary.Servicers), func(s qos.ServicerReport) bool { return s.Address != filter.Servicer })
		}
		report.Sessions = append(report.Sessions, summary)
	}
	return report, nil
}

// Windows merges the retained sessions that the filter's span reaches. A servicer's rows are picked out at the end, so
// that its rank is that among all.
func (r qosReader) Windows(ctx context.Context, filter rpc.WindowFilter) (qos.WindowsReport, error) {
	sessions, err := r.sessions(ctx)
	if err != nil {
		return qos.WindowsReport{}, err
	}
	report := qos.WindowsReport{Window: filter.Span.String(), RelativeError: qos.RelativeError, Windows: []qos.WindowReport{}}
	for _, window := range qos.PlanWindows(sessions, filter.Span, time.Now()) {
		for _, session := range window.Sessions {
			digest, err := r.digest(ctx, session)
			if errors.Is(err, modules.ErrUnknownSession) {
				continue // pruned since it was listed
			}
			if unreadable(ctx, err) {
				window.LeaveOut()
				continue
			}
			if err != nil {
				return qos.WindowsReport{}, err
			}
			window.Add(digest)
		}
		merged := window.Report()
		if filter.Servicer != "" {
			merged.Servicers = slices.DeleteFunc(merged.Servicers, func(s qos.WindowServicer) bool { return s.Address != filter.Servicer })
			if len(merged.Servicers) == 0 {
				continue
			}
		}
		report.Windows = append(report.Windows, merged)
	}
	return report, nil
}

func (r qosReader) sessions(ctx context.Context) ([]*types.QoSSession, error) {
	if r.fisherman == nil {
		return nil, rpc.ErrNoFisherman
	}
	return r.fisherman.Sessions(ctx)
}

// digest is a session's, kept or made of its rounds. Those who take it change nothing in it.
func (r qosReader) digest(ctx context.Context, session *types.QoSSession) (qos.SessionDigest, error) {
	id := session.GetHeader().GetId()
	if session.GetClosed() {
		if digest, kept := r.digests.Get(id); kept {
			return digest, nil
		}
	}
	rounds, err := r.fisherman.Rounds(ctx, id)
	if err != nil {
		return qos.SessionDigest{}, err
	}
	digest := qos.Digest(session, rounds)
	if session.GetClosed() {
		r.digests.Add(id, digest)
	}
	return digest, nil
}

// unreadable tells that a session cannot be read for what the store's disk does, while others perhaps can.
func unreadable(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, local.ErrClosed)
}

func hasMember(session *types.QoSSession, servicer string) bool {
	return slices.ContainsFunc(session.GetServicers(), func(s *types.QoSServicer) bool { return s.GetAddress() == servicer })
}

// roundReader shows the fisherman's rounds to the API.
type roundReader struct {
	// feed is nil without a fisherman.
	feed *feed
}

// Rounds reads a page of a session's rounds.
func (r roundReader) Rounds(ctx context.Context, filter rpc.RoundFilter) (rpc.RoundPage, error) {
	if r.feed == nil {
		return rpc.RoundPage{}, rpc.ErrNoFisherman
	}
	session, err := r.feed.store.Session(ctx, filter.SessionID)
	if err != nil {
		return rpc.RoundPage{}, err
	}
	if filter.Servicer != "" && !hasMember(session, filter.Servicer) {
		return rpc.RoundPage{}, rpc.ErrUnknownServicer
	}
	stored, err := r.feed.store.Rounds(ctx, filter.SessionID)
	if err != nil {
		return rpc.RoundPage{}, err
	}
	page := rpc.RoundPage{Stored: len(stored), Rounds: []qos.RoundReport{}}
	for _, round := range stored {
		if round.GetIndex() < filter.From {
			continue
		}
		if len(page.Rounds) == filter.Limit {
			next := round.GetIndex()
			page.Next = &next
			break
		}
		report := qos.ReportRound(round)
		if filter.Servicer != "" {
			report.Samples = slices.DeleteFunc(report.Samples, func(s qos.SampleReport) bool { return s.Servicer != filter.Servicer })
		}
		page.Rounds = append(page.Rounds, report)
	}
	return page, nil
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
	samples   *local.Samples
}

// Fisherman is the address of the node's fisherman; empty for none.
func (r statusReader) Fisherman() string {
	if r.fisherman == nil {
		return ""
	}
	return r.fisherman.Key.Address()
}

// Build is how the program was built.
func (r statusReader) Build() rpc.Build { return rpc.Build(ThisBuild()) }

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
