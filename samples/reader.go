package samples

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unique"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/shared/packed"
)

// Reader sums up what a store holds. It may be used by many goroutines at once.
type Reader struct {
	store  Store
	prover Prover
	now    func() time.Time
	// rolling has the newest checks of each servicer.
	rolling *Rolling
	digests *digests
}

// NewReader makes a reader of a store, and of the newest checks.
func NewReader(store Store, rolling *Rolling, prover Prover) *Reader {
	return &Reader{store: store, rolling: rolling, prover: prover, now: time.Now, digests: newDigests(store)}
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
	report := api.Report{Sessions: []api.SessionReport{}}
	err := r.admitted(ctx, filter, func(id string, made *digest) error {
		session, err := r.digests.reportOf(id, made)
		if err != nil {
			return err
		}
		if filter.Servicer != "" {
			session.Servicers = slices.DeleteFunc(slices.Clone(session.Servicers), func(s api.ServicerReport) bool { return s.Servicer != filter.Servicer })
		}
		report.Sessions = append(report.Sessions, session)
		return nil
	})
	if err != nil {
		return api.Report{}, err
	}
	report.Rolling = r.rollingOf(filter)
	return report, nil
}

// ReportText is Report with sessions that are encoded already, of closed ones once for all.
func (r *Reader) ReportText(ctx context.Context, filter ReportFilter) (ReportText, error) {
	var report ReportText
	err := r.admitted(ctx, filter, func(id string, made *digest) error {
		text, err := r.digests.encoded(made)
		if err != nil {
			return err
		}
		if filter.Servicer == "" {
			plain, err := r.digests.plainOf(made)
			if err != nil {
				return fmt.Errorf("report of session %s: %w", id, err)
			}
			report.Sessions = append(report.Sessions, EncodedSession{packed.Part{Piece: text.piece, Text: plain}, text.digest})
			return nil
		}
		plain, err := r.digests.unpacked(made)
		if err != nil {
			return fmt.Errorf("report of session %s: %w", id, err)
		}
		row := text.only(plain, filter.Servicer)
		report.Sessions = append(report.Sessions, EncodedSession{packed.Part{Text: row}, packed.Digest(row)})
		return nil
	})
	if err != nil {
		return ReportText{}, err
	}
	report.Rolling = r.rollingOf(filter)
	return report, nil
}

// rollingOf returns the rolling verdicts of a report; with a session there are none.
func (r *Reader) rollingOf(filter ReportFilter) []api.RollingReport {
	if filter.SessionID != "" {
		return []api.RollingReport{}
	}
	return r.Rolling(filter.Rolling, filter.Servicer)
}

// admitted calls take with the digest of each session that a filter admits, oldest first. Errors: modules.ErrUnknownSession,
// those of take.
func (r *Reader) admitted(ctx context.Context, filter ReportFilter, take func(id string, made *digest) error) error {
	list, err := r.list(ctx)
	if err == nil {
		list, err = only(list, filter.SessionID)
	}
	if err != nil {
		return err
	}
	if filter.Servicer != "" {
		servicer := unique.Make(filter.Servicer)
		list = slices.DeleteFunc(list, func(s modules.ListedSession) bool { return !s.HasMember(servicer) })
	}
	if filter.Last > 0 {
		list = list[max(0, len(list)-filter.Last):]
	}
	for i := range list {
		made, err := r.digests.of(ctx, &list[i])
		if errors.Is(err, modules.ErrUnknownSession) {
			continue // pruned since it was listed
		}
		if unreadable(ctx, err) && filter.SessionID == "" {
			continue // the status counts it
		}
		if err == nil {
			err = take(list[i].Session.GetHeader().GetId(), made)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Rolling returns each servicer's verdict over its newest checks. The zero span stands for qos.DefaultRolling. A servicer's
// rows are picked out at the end, so that its rank is that among all; empty admits all.
func (r *Reader) Rolling(span qos.RollingSpan, servicer string) []api.RollingReport {
	return onlyRolling(r.rolling.Report(cmp.Or(span, qos.DefaultRolling()), r.now()), servicer)
}

// Windows merges the sessions that the filter's span reaches. A servicer's rows are picked out at the end, so that its
// rank is that among all.
func (r *Reader) Windows(ctx context.Context, filter WindowFilter) (api.WindowsReport, error) {
	list, err := r.list(ctx)
	if err != nil {
		return api.WindowsReport{}, err
	}
	sessions, listed := make([]*types.QoSSession, len(list)), make(map[*types.QoSSession]*modules.ListedSession, len(list))
	for i := range list {
		sessions[i], listed[list[i].Session] = list[i].Session, &list[i]
	}
	report := api.WindowsReport{Window: filter.Span.String(), RelativeError: qos.RelativeError, Windows: []api.WindowReport{}}
	for _, window := range qos.PlanWindows(sessions, filter.Span, r.now()) {
		for _, session := range slices.Backward(window.Sessions) {
			part, err := r.digests.partOf(ctx, listed[session])
			if errors.Is(err, modules.ErrUnknownSession) {
				continue // pruned since it was listed
			}
			if unreadable(ctx, err) || err == nil && part == nil { // it was opened again since it was listed
				window.LeaveOut()
				continue
			}
			if err != nil {
				return api.WindowsReport{}, err
			}
			window.AddPart(part)
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

// list lists what is stored, and forgets the digests of what is not any more.
func (r *Reader) list(ctx context.Context) ([]modules.ListedSession, error) {
	list, err := r.store.List(ctx)
	if err != nil {
		return nil, err
	}
	r.digests.retain(list)
	return list, nil
}
