package rpc

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

const (
	// defaultRelays is how many relays GET /v1/relays/session answers when it is not told; maximumRelays is the most.
	defaultRelays = 100
	maximumRelays = 1000
)

// ErrNoServicer is returned by a RelayReader on a node that runs no servicer.
var ErrNoServicer = errors.New("this node runs no servicer")

// RelayReader reads the volume-applicable relays that the node's servicers keep. Errors on which the server decides:
// ErrNoServicer, modules.ErrUnknownSession.
type RelayReader interface {
	// Kept tells what is kept, with the newest sessions, at most so many, oldest first.
	Kept(ctx context.Context, last int) (KeptRelays, error)
	// Relays are those of a session, from a place on (the first is 0), at most so many, and fewer when they are large. It
	// also tells how many the session has.
	Relays(ctx context.Context, session string, from uint32, limit int) (relays []KeptRelay, kept int, err error)
}

// KeptRelays is what a node keeps of relays, and what became of those that it wanted to keep.
type KeptRelays struct {
	// Servicers of the node, in the order of its configuration.
	Servicers []ServicerRelays
	// AllSessions and AllRelays that are kept, and the Bytes that they take.
	AllSessions, AllRelays int
	Bytes                  int64
	// EvictedSessions were removed by the store's caps since the node began to run; Failures counts how often the disk
	// failed the store.
	EvictedSessions, Failures int64
	// Sessions are those that were asked for.
	Sessions []SessionRelays
}

// ServicerRelays count what became of the volume-applicable relays of a servicer since the node began to run.
type ServicerRelays struct {
	Address string
	// Stored are on the disk; Dropped found the queue full; Failed were refused by the store.
	Stored, Dropped, Failed uint64
}

// SessionRelays is a session, and how many relays of it are kept.
type SessionRelays struct {
	Header *types.SessionHeader
	Relays int
}

// KeptRelay is a relay as it travelled.
type KeptRelay struct {
	// RequestHash is the SHA-256 of the request's body.
	RequestHash [32]byte
	// Servicer that answered, Application that the session is of, and Signer of the request, by address.
	Servicer, Application, Signer string
	// Received and Answered are the servicer's clock.
	Received, Answered time.Time
	// UpstreamStatus is the HTTP status of the node behind the servicer.
	UpstreamStatus uint32
	// Request and Response are the envelopes, each with its signature.
	Request, Response []byte
}

func (s *Server) relays(ctx context.Context, parameters query) (any, error) {
	last, err := parameters.integer("last", 1, maximumSessions, defaultSessions)
	if err != nil {
		return nil, err
	}
	kept, err := s.readers.Relays.Kept(ctx, int(last))
	if err != nil {
		return nil, fmt.Errorf("read sessions of relays: %w", err)
	}
	return viewKept(kept), nil
}

func (s *Server) sessionRelays(ctx context.Context, parameters query) (any, error) {
	session, err := parameters.required("session", types.ValidateSessionID)
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
	relays, kept, err := s.readers.Relays.Relays(ctx, session, uint32(from), int(limit))
	if errors.Is(err, modules.ErrUnknownSession) {
		return nil, &refusal{http.StatusNotFound, codeUnknownSession, "no relay of a session of that id is kept"}
	}
	if err != nil {
		return nil, fmt.Errorf("read relays: %w", err)
	}
	return viewRelays(session, from, relays, kept), nil
}

// relaysView is the body of GET /v1/relays.
type relaysView struct {
	Servicers []servicerRelaysView `json:"servicers"`
	Store     relayStoreView       `json:"store"`
	Sessions  []sessionRelaysView  `json:"sessions"`
}

type servicerRelaysView struct {
	Address string `json:"address"`
	Stored  uint64 `json:"stored"`
	Dropped uint64 `json:"dropped"`
	Failed  uint64 `json:"failed"`
}

type relayStoreView struct {
	Sessions        int   `json:"sessions"`
	Relays          int   `json:"relays"`
	Bytes           int64 `json:"bytes"`
	EvictedSessions int64 `json:"evicted_sessions"`
	Failures        int64 `json:"failures"`
}

type sessionRelaysView struct {
	ID          string `json:"id"`
	StartHeight int64  `json:"start_height"`
	RelayChain  string `json:"relay_chain"`
	GeoZone     string `json:"geo_zone"`
	Application string `json:"application"`
	Relays      int    `json:"relays"`
}

// relayPageView is the body of GET /v1/relays/session; next is null on the last page.
type relayPageView struct {
	Session string      `json:"session"`
	Kept    int         `json:"kept"`
	Next    *int64      `json:"next"`
	Relays  []relayView `json:"relays"`
}

// relayView is one relay; the envelopes are in base64.
type relayView struct {
	Place          int64     `json:"place"`
	RequestHash    string    `json:"request_hash"`
	Servicer       string    `json:"servicer"`
	Application    string    `json:"application"`
	Signer         string    `json:"signer"`
	Received       time.Time `json:"received"`
	Answered       time.Time `json:"answered"`
	UpstreamStatus uint32    `json:"upstream_status"`
	Request        []byte    `json:"request"`
	Response       []byte    `json:"response"`
}

func viewKept(kept KeptRelays) relaysView {
	view := relaysView{
		Servicers: []servicerRelaysView{},
		Store:     relayStoreView{kept.AllSessions, kept.AllRelays, kept.Bytes, kept.EvictedSessions, kept.Failures},
		Sessions:  []sessionRelaysView{},
	}
	for _, servicer := range kept.Servicers {
		view.Servicers = append(view.Servicers, servicerRelaysView(servicer))
	}
	for _, session := range kept.Sessions {
		header := session.Header
		view.Sessions = append(view.Sessions, sessionRelaysView{header.GetId(), header.GetStartHeight(), header.GetRelayChain(),
			header.GetGeoZone(), header.GetApplication(), session.Relays})
	}
	return view
}

func viewRelays(session string, from int64, relays []KeptRelay, kept int) relayPageView {
	view := relayPageView{Session: session, Kept: kept, Relays: []relayView{}}
	for i, r := range relays {
		view.Relays = append(view.Relays, relayView{
			Place: from + int64(i), RequestHash: hex.EncodeToString(r.RequestHash[:]),
			Servicer: r.Servicer, Application: r.Application, Signer: r.Signer,
			Received: r.Received.UTC(), Answered: r.Answered.UTC(), UpstreamStatus: r.UpstreamStatus,
			Request: r.Request, Response: r.Response,
		})
	}
	if next := from + int64(len(relays)); len(relays) > 0 && next < int64(kept) {
		view.Next = &next
	}
	return view
}
