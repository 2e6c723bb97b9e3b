package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// defaultRounds is how many rounds GET /v1/qos/rounds answers when it is not told; maximumRounds is the most.
	defaultRounds = 100
	maximumRounds = 1000
	// maximumRoundBytes is from how many bytes of rounds on a page ends.
	maximumRoundBytes = 4 << 20
)

// ErrUnknownServicer is returned by a RoundReader when the servicer is no member of the session.
var ErrUnknownServicer = errors.New("the servicer is no member of the session")

// RoundReader reads the checks that the node's fisherman stored. Errors on which the server decides: ErrNoFisherman,
// modules.ErrUnknownSession, ErrUnknownServicer.
type RoundReader interface {
	Rounds(ctx context.Context, filter RoundFilter) (RoundPage, error)
}

// RoundFilter says which rounds of which session are asked for.
type RoundFilter struct {
	SessionID string
	// Servicer narrows the samples to those of this address; empty admits all.
	Servicer string
	// From is the least index, Limit the most rounds.
	From  uint32
	Limit int
}

// RoundPage are rounds of a session, ordered by index.
type RoundPage struct {
	// Stored is how many rounds the session has in all.
	Stored int
	Rounds []qos.RoundReport
	// Next is the index of the first round behind them; nil when there is none.
	Next *uint32
}

func (s *Server) rounds(ctx context.Context, parameters query) (any, error) {
	session, err := parameters.required("session", types.ValidateSessionID)
	if err != nil {
		return nil, err
	}
	servicer, err := parameters.optional("servicer", types.ValidateAddress)
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
	page, err := s.readers.Rounds.Rounds(ctx, RoundFilter{SessionID: session, Servicer: servicer, From: uint32(from), Limit: int(limit)})
	if errors.Is(err, ErrUnknownServicer) {
		return nil, &refusal{http.StatusNotFound, codeUnknownServicer, ErrUnknownServicer.Error()}
	}
	if err != nil {
		return nil, fmt.Errorf("read rounds: %w", err)
	}
	return viewRounds(session, page)
}

// roundsView is the body of GET /v1/qos/rounds; next is null on the last page. Each round is a qos.RoundReport.
type roundsView struct {
	Session string            `json:"session"`
	Stored  int               `json:"stored"`
	Next    *uint32           `json:"next"`
	Rounds  []json.RawMessage `json:"rounds"`
}

// viewRounds encodes rounds until the page is full; one round always fits.
func viewRounds(session string, page RoundPage) (roundsView, error) {
	view := roundsView{Session: session, Stored: page.Stored, Next: page.Next, Rounds: []json.RawMessage{}}
	size := 0
	for _, round := range page.Rounds {
		if size >= maximumRoundBytes {
			view.Next = &round.Index
			break
		}
		encoded, err := json.Marshal(round)
		if err != nil {
			return roundsView{}, fmt.Errorf("encode round %d of session %s: %w", round.Index, session, err)
		}
		size += len(encoded)
		view.Rounds = append(view.Rounds, encoded)
	}
	return view, nil
}
