package rpc

import (
	"context"
	"fmt"
	"math"
	"net/http"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// defaultSessions is how many sessions GET /v1/qos answers when it is not told; maximumSessions is the most.
	defaultSessions = 100
	maximumSessions = 1000
)

// endpoint answers one path: a body to encode, or a refusal or reader's error.
type endpoint struct {
	parameters []string
	answer     func(ctx context.Context, parameters query) (any, error)
}

func (s *Server) endpoints() map[string]endpoint {
	return map[string]endpoint{
		"/v1/status":  {nil, s.status},
		"/v1/session": {[]string{"application", "relay_chain", "height"}, s.session},
		"/v1/actors":  {[]string{"type", "height"}, s.actors},
		"/v1/qos":     {[]string{"session", "servicer", "last"}, s.qos},
	}
}

// status answers before the first block too, with height 0: it is how a client learns that the node is starting.
func (s *Server) status(context.Context, query) (any, error) {
	view := statusView{
		ChainID: s.readers.Chain.ChainID(),
		Height:  s.readers.Chain.Height(),
		Version: s.readers.Status.Version(),
	}
	if address := s.readers.Status.Fisherman(); address != "" {
		view.Fisherman = &address
	}
	return view, nil
}

func (s *Server) session(ctx context.Context, parameters query) (any, error) {
	application, err := parameters.required("application", types.ValidateAddress)
	if err != nil {
		return nil, err
	}
	chain, err := parameters.required("relay_chain", types.ValidateRelayChain)
	if err != nil {
		return nil, err
	}
	height, err := s.height(parameters)
	if err != nil {
		return nil, err
	}
	session, err := s.readers.Chain.Session(ctx, height, application, chain)
	if err != nil {
		return nil, err
	}
	return viewSession(session), nil
}

func (s *Server) actors(ctx context.Context, parameters query) (any, error) {
	actorType, err := parameters.actorType()
	if err != nil {
		return nil, err
	}
	height, err := s.height(parameters)
	if err != nil {
		return nil, err
	}
	actors, err := s.readers.Chain.Actors(ctx, height, actorType)
	if err != nil {
		return nil, err
	}
	return actorsView{Height: height, Actors: viewActors(actors)}, nil
}

func (s *Server) qos(ctx context.Context, parameters query) (any, error) {
	session, err := parameters.optional("session", types.ValidateSessionID)
	if err != nil {
		return nil, err
	}
	servicer, err := parameters.optional("servicer", types.ValidateAddress)
	if err != nil {
		return nil, err
	}
	last, err := parameters.integer("last", 1, maximumSessions, defaultSessions)
	if err != nil {
		return nil, err
	}
	if s.readers.Chain.Height() == 0 {
		return nil, notReady()
	}
	report, err := s.readers.QoS.Report(ctx, QoSFilter{SessionID: session, Servicer: servicer, Last: int(last)})
	if err != nil {
		return nil, fmt.Errorf("read quality of service: %w", err)
	}
	if servicer != "" && len(report.Sessions) == 0 {
		return nil, &refusal{http.StatusNotFound, codeUnknownServicer, "the servicer is in no session that the fisherman holds"}
	}
	return report, nil
}

// height is the height that a request asks for: the last committed one unless it says otherwise.
func (s *Server) height(parameters query) (int64, error) {
	height, err := parameters.integer("height", 1, math.MaxInt64, 0)
	if err != nil {
		return 0, err
	}
	latest := s.readers.Chain.Height()
	if latest == 0 {
		return 0, notReady()
	}
	if height == 0 {
		height = latest
	}
	return height, nil
}
