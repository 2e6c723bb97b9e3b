package samples

import (
	"context"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
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
	stored, err := r.store.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	var running []Running
	shown := 0
	for _, session := range stored {
		if session.GetClosed() {
			continue
		}
		report := qos.Outline(session)
		if shown < servicers {
			if rounds, err := r.store.Outline(ctx, report.ID); err == nil {
				report = qos.Summarize(session, rounds)
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		members := len(session.GetServicers())
		shown += members
		running = append(running, Running{Report: report, Members: members})
	}
	return running, nil
}
