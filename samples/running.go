package samples

import (
	"context"
	"errors"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// Running is a session that is being sampled.
type Running struct {
	// Report of the session so far.
	Report api.SessionReport
	// Members is the number of its servicers, those that Report leaves out included.
	Members int
}

// Running returns the sessions that are being sampled, oldest first. Rounds are read only until the sessions have the
// given number of servicers; a session behind that, or whose rounds cannot be read, is shown without its servicers.
func (r *Reader) Running(ctx context.Context, servicers int) ([]Running, error) {
	list, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	var running []Running
	shown := 0
	for i := range list {
		if list[i].Session.GetClosed() {
			continue
		}
		report, err := r.running(ctx, &list[i], shown < servicers)
		if errors.Is(err, modules.ErrUnknownSession) {
			continue // pruned since it was listed
		}
		if err != nil {
			return nil, err
		}
		members := len(list[i].Members)
		shown += members
		running = append(running, Running{Report: report, Members: members})
	}
	return running, nil
}

// running returns the report of a session; without its servicers if its rounds cannot be read, or are not wanted.
func (r *Reader) running(ctx context.Context, listed *modules.ListedSession, whole bool) (api.SessionReport, error) {
	if whole {
		if made, err := r.digests.of(ctx, listed); err == nil {
			return r.digests.reportOf(listed.Session.GetHeader().GetId(), made)
		}
	}
	if ctx.Err() != nil {
		return api.SessionReport{}, ctx.Err()
	}
	session, err := r.store.Session(ctx, listed.Session.GetHeader().GetId())
	if err != nil {
		return api.SessionReport{}, err
	}
	return qos.Outline(session), nil
}
