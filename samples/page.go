package samples

import (
	"context"
	"errors"
	"math"
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
	// Vantage is the place whose rounds are asked for; empty for the first that has the session. A Reader knows no place.
	Vantage string
}

// mostAtOnce bounds the rounds that are read at once, with their evidence, which is not shown.
const mostAtOnce = 32

// Rounds reads a page of a session's rounds, and from the store no more than the page needs. Errors: modules.ErrUnknownSession, ErrUnknownServicer,
// ErrUnknownPlace.
func (r *Reader) Rounds(ctx context.Context, filter RoundFilter) (api.RoundPage, error) {
	if filter.Vantage != "" {
		return api.RoundPage{}, ErrUnknownPlace
	}
	session, err := r.store.Session(ctx, filter.SessionID)
	if err != nil {
		return api.RoundPage{}, err
	}
	if filter.Servicer != "" && !hasMember(session, filter.Servicer) {
		return api.RoundPage{}, ErrUnknownServicer
	}
	page := api.RoundPage{Session: filter.SessionID, Rounds: []api.Round{}}
	for from := filter.From; ; {
		// One more than is shown, to know whether there is a next page.
		wanted := min(filter.Limit-len(page.Rounds)+1, mostAtOnce)
		rounds, stored, err := r.store.Page(ctx, filter.SessionID, from, wanted)
		if err != nil {
			return api.RoundPage{}, err
		}
		page.Stored = stored
		for _, round := range rounds {
			if len(page.Rounds) == filter.Limit {
				next := round.GetIndex()
				page.Next = &next
				return page, nil
			}
			shown := Round(round)
			if filter.Servicer != "" {
				shown.Samples = slices.DeleteFunc(shown.Samples, func(s api.Sample) bool { return s.Servicer != filter.Servicer })
			}
			page.Rounds = append(page.Rounds, shown)
			from = round.GetIndex()
		}
		if len(rounds) < wanted || from == math.MaxUint32 {
			return page, nil
		}
		from++
	}
}
