package samples

import (
	"context"
	"errors"
	"slices"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// ErrUnknownServicer is returned when the servicer is no member of the session.
var ErrUnknownServicer = errors.New("the servicer is no member of the session")

// RoundFilter says which rounds of which session are asked for.
type RoundFilter struct {
	SessionID string
	// Servicer narrows the samples to those of this address; empty admits all.
	Servicer string
	// From is the least index, Limit the most rounds.
	From  uint32
	Limit int
}

// Rounds reads a page of a session's rounds. Errors: modules.ErrUnknownSession, ErrUnknownServicer.
func (r *Reader) Rounds(ctx context.Context, filter RoundFilter) (api.RoundPage, error) {
	session, err := r.store.Session(ctx, filter.SessionID)
	if err != nil {
		return api.RoundPage{}, err
	}
	if filter.Servicer != "" && !hasMember(session, filter.Servicer) {
		return api.RoundPage{}, ErrUnknownServicer
	}
	stored, err := r.store.Rounds(ctx, filter.SessionID)
	if err != nil {
		return api.RoundPage{}, err
	}
	page := api.RoundPage{Session: filter.SessionID, Stored: len(stored), Rounds: []api.Round{}}
	for _, round := range stored {
		if round.GetIndex() < filter.From {
			continue
		}
		if len(page.Rounds) == filter.Limit {
			next := round.GetIndex()
			page.Next = &next
			break
		}
		shown := Round(round)
		if filter.Servicer != "" {
			shown.Samples = slices.DeleteFunc(shown.Samples, func(s api.Sample) bool { return s.Servicer != filter.Servicer })
		}
		page.Rounds = append(page.Rounds, shown)
	}
	return page, nil
}
