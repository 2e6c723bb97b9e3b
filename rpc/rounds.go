package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

const (
	// defaultRounds is how many rounds GET /v1/qos/rounds answers when it is not told; maximumRounds is the most.
	defaultRounds = 100
	maximumRounds = 1000
	// maximumRoundBytes is from how many bytes of rounds on a page ends.
	maximumRoundBytes = 4 << 20
)

func (s *Server) rounds(ctx context.Context, parameters query) (any, error) {
	session, err := parameters.required("session", s.network.Identifiers.Session)
	if err != nil {
		return nil, err
	}
	servicer, err := parameters.optional("servicer", s.network.Identifiers.Servicer)
	if err != nil {
		return nil, err
	}
	from, err := parameters.integer("from", 0, math.MaxUint32, 0)
	if err != nil {
		return nil, err
	}
	limit, err := parameters.integer("limit", 1, maximumRounds, defaultRounds)
	if err != nil {
		return nil, err
	}
	vantage, err := parameters.optional("vantage", short(validatePlace))
	if err != nil {
		return nil, err
	}
	if s.readers.Samples == nil {
		return nil, ErrNoFisherman
	}
	page, err := s.readers.Samples.Rounds(ctx, samples.RoundFilter{SessionID: session, Servicer: servicer, From: uint32(from), Limit: int(limit), Vantage: vantage})
	if err != nil {
		return nil, fmt.Errorf("read rounds: %w", err)
	}
	return bounded(page)
}

// validatePlace returns an error unless a text can name a vantage point.
func validatePlace(place string) error {
	if place == "" || text.Printable(place) != place {
		return fmt.Errorf("%s names no vantage point", shown(place))
	}
	return nil
}

// encodedPage is a page whose rounds are encoded already.
type encodedPage struct {
	api.RoundPage
	// Rounds stand in the place of the page's.
	Rounds []json.RawMessage `json:"rounds"`
}

// bounded encodes rounds until the page is full; one round always fits.
func bounded(page api.RoundPage) (encodedPage, error) {
	encoded, size := encodedPage{page, []json.RawMessage{}}, 0
	for _, round := range page.Rounds {
		if size >= maximumRoundBytes {
			encoded.Next = &round.Index
			break
		}
		form, err := json.Marshal(round)
		if err != nil {
			return encodedPage{}, fmt.Errorf("encode round %d of session %s: %w", round.Index, page.Session, err)
		}
		size += len(form)
		encoded.Rounds = append(encoded.Rounds, form)
	}
	return encoded, nil
}
