package samples

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// Reader sums up what a store holds. It may be used by many goroutines at once.
type Reader struct {
	store  Store
	prover Prover
	now    func() time.Time
	// rolling has the newest checks of each servicer.
	rolling *Rolling

	mu sync.Mutex
	// digests of sessions that are closed, by id: nothing is added to these, so their rounds are read once. There are those
	// of stored sessions only; with 24 servicers one takes some 50 KiB.
	digests map[string]qos.SessionDigest
}

// NewReader makes a reader of a store, and of the newest checks.
func NewReader(store Store, rolling *Rolling, prover Prover) *Reader {
	return &Reader{store: store, rolling: rolling, prover: prover, now: time.Now, digests: make(map[string]qos.SessionDigest)}
}

// ReportFilter narrows a report; its zero value admits every stored session.
type ReportFilter struct {
	// SessionID admits this session only; empty admits all.
	SessionID string
	// Servicer admits only sessions that this address is a member of, and in them only its own row; empty admits all.
	Servicer string
	// Last admits the newest N of what is left; 0 admits all.
	Last int
	// Rolling is how far back rolling verdicts reach; the zero value stands for qos.DefaultRolling. With a SessionID there
	// are none.
	Rolling qos.RollingSpan
}

// WindowFilter says what is merged and shown.
type WindowFilter struct {
	// Span of the windows.
	Span qos.Span
	// Servicer shows only this address's rows, and only windows that it is in; empty shows all. It changes no number.
	Servicer string
}

// Report summarises the sessions that the filter admits, oldest first, one at a time: the rounds of one session are in
// memory at once. A session whose rounds cannot be read is left out unless it is asked for by its id. Errors:
// modules.ErrUnknownSession.
func (r *Reader) Report(ctx context.Context, filter ReportFilter) (api.Report, error) {
	sessions, err := r.sessions(ctx)
	if err == nil {
		sessions, err = only(sessions, filter.SessionID)
	}
	if err != nil {
		return api.Report{}, err
	}
	if filter.Servicer != "" {
		sessions = slices.DeleteFunc(sessions, func(s *types.QoSSession) bool { return !hasMember(s, filter.Servicer) })
	}
	if filter.Last > 0 {
		sessions = sessions[max(0, len(sessions)-filter.Last):]
	}
	report := api.Report{Rolling: []api.RollingReport{}, Sessions: []api.SessionReport{}}
	for _, session := range sessions {
		digest, err := r.digest(ctx, session)
		if errors.Is(err, modules.ErrUnknownSession) {
			continue // pruned since it was listed
		}
		if unreadable(ctx, err) && filter.SessionID == "" {
			continue // the status counts it
		}
		if err != nil {
			return api.Report{}, err
		}
		summary := digest.Report
		if filter.Servicer != "" {
			summary.Servicers = slices.DeleteFunc(slices.Clone(summary.Servicers), func(s api.ServicerReport) bool { return s.Servicer != filter.Servicer })
		}
		report.Sessions = append(report.Sessions, summary)
	}
	if filter.SessionID == "" {
		report.Rolling = r.Rolling(filter.Rolling, filter.Servicer)
	}
	return report, nil
}

// Rolling returns each servicer's verdict over its newest checks. The zero span stands for qos.DefaultRolling. A servicer's
// rows are picked out at the end, so that its rank is that among all; empty admits all.
func (r *Reader) Rolling(span qos.RollingSpan, servicer string) []api.RollingReport {
	reports := r.rolling.Report(cmp.Or(span, qos.DefaultRolling()), r.now())
	if servicer == "" {
		return reports
	}
	others := func(s api.RollingServicer) bool { return s.Servicer != servicer }
	for i := range reports {
		reports[i].Servicers = slices.DeleteFunc(reports[i].Servicers, others)
	}
	return slices.DeleteFunc(reports, func(r api.RollingReport) bool { return len(r.Servicers) == 0 })
}

// Windows merges the sessions that the filter's span reaches. A servicer's rows are picked out at the end, so that its
// rank is that among all.
func (r *Reader) Windows(ctx context.Context, filter WindowFilter) (api.WindowsReport, error) {
	sessions, err := r.sessions(ctx)
	if err != nil {
		return api.WindowsReport{}, err
	}
	report := api.WindowsReport{Window: filter.Span.String(), RelativeError: qos.RelativeError, Windows: []api.WindowReport{}}
	for _, window := range qos.PlanWindows(sessions, filter.Span, r.now()) {
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
				return api.WindowsReport{}, err
			}
			window.Add(digest)
		}
		merged := window.Report()
		if filter.Servicer != "" {
			merged.Servicers = slices.DeleteFunc(merged.Servicers, func(s api.WindowServicer) bool { return s.Servicer != filter.Servicer })
			if len(merged.Servicers) == 0 {
				continue
			}
		}
		report.Windows = append(report.Windows, merged)
	}
	return report, nil
}

// sessions lists what is stored, and forgets the digests of what is not any more.
func (r *Reader) sessions(ctx context.Context) ([]*types.QoSSession, error) {
	sessions, err := r.store.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	stored := make(map[string]bool, len(sessions))
	for _, session := range sessions {
		stored[session.GetHeader().GetId()] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.digests, func(id string, _ qos.SessionDigest) bool { return !stored[id] })
	return sessions, nil
}

// digest is a session's, kept or made of its rounds. Those who take it change nothing in it.
func (r *Reader) digest(ctx context.Context, session *types.QoSSession) (qos.SessionDigest, error) {
	id := session.GetHeader().GetId()
	r.mu.Lock()
	digest, kept := r.digests[id]
	r.mu.Unlock()
	if kept {
		return digest, nil
	}
	rounds, err := r.store.Outline(ctx, id)
	if err != nil {
		return qos.SessionDigest{}, err
	}
	digest = qos.Digest(session, rounds)
	if session.GetClosed() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.digests[id] = digest
	}
	return digest, nil
}
