package rpc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

const (
	// defaultRelays is how many relays GET /v1/relays/session answers when it is not told; maximumRelays is the most.
	defaultRelays = 100
	maximumRelays = 1000
)

// ErrNoServicer is why a node that runs no servicer cannot answer.
var ErrNoServicer = errors.New("this node runs no servicer")

// RelayReader reads the volume-applicable relays that the node's servicers keep. Errors on which the server decides:
// modules.ErrUnknownSession.
type RelayReader interface {
	// Kept returns what is kept, with the last sessions, oldest first.
	Kept(ctx context.Context, last int) (api.KeptRelays, error)
	// Relays returns at most limit relays of a session from a place on (the first is 0), fewer when they are large, and how
	// many the session has.
	Relays(ctx context.Context, session string, from uint32, limit int) (relays []api.KeptRelay, kept int, err error)
}

func (s *Server) relays(ctx context.Context, parameters query) (any, error) {
	last, err := parameters.integer("last", 1, maximumSessions, defaultSessions)
	if err != nil {
		return nil, err
	}
	if s.readers.Relays == nil {
		return nil, ErrNoServicer
	}
	kept, err := s.readers.Relays.Kept(ctx, int(last))
	if err != nil {
		return nil, fmt.Errorf("read sessions of relays: %w", err)
	}
	return kept, nil
}

func (s *Server) sessionRelays(ctx context.Context, parameters query) (any, error) {
	session, err := parameters.required("session", short(types.ValidateSessionID))
	if err != nil {
		return nil, err
	}
	from, err := parameters.integer("from", 0, math.MaxUint32, 0)
	if err != nil {
		return nil, err
	}
	limit, err := parameters.integer("limit", 1, maximumRelays, defaultRelays)
	if err != nil {
		return nil, err
	}
	if s.readers.Relays == nil {
		return nil, ErrNoServicer
	}
	relays, kept, err := s.readers.Relays.Relays(ctx, session, uint32(from), int(limit))
	if errors.Is(err, modules.ErrUnknownSession) {
		return nil, &refusal{http.StatusNotFound, api.ErrorCodeUnknownSession, "no relay of a session of that id is kept"}
	}
	if err != nil {
		return nil, fmt.Errorf("read relays: %w", err)
	}
	page := api.RelayPage{Session: session, Kept: kept, Relays: relays}
	if next := from + int64(len(relays)); len(relays) > 0 && next < int64(kept) {
		page.Next = &next
	}
	return page, nil
}
