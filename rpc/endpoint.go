package rpc

import (
	"context"
	"fmt"
	"math"
	"net/http"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// defaultSessions is how many sessions GET /v1/qos and /v1/relays answer when they are not told; maximumSessions is the most.
	defaultSessions = 100
	maximumSessions = 1000
)

// endpoint answers one path: a body to encode, or a refusal or reader's error.
type endpoint struct {
	parameters []string
	answer     func(ctx context.Context, parameters query) (any, error)
	// submit takes the body of a POST; it is set instead of answer.
	submit func(ctx context.Context, parameters query, body []byte) (any, error)
}

func (s *Server) endpoints() map[string]endpoint {
	return map[string]endpoint{
		"/v1/status":         {answer: s.status},
		"/v1/health":         {answer: s.health},
		"/v1/ready":          {answer: s.ready},
		"/v1/session":        {[]string{"application", "relay_chain", "height"}, s.session, nil},
		"/v1/actors":         {[]string{"type", "height"}, s.actors, nil},
		"/v1/account":        {[]string{"address", "height"}, s.account, nil},
		"/v1/qos":            {[]string{"session", "servicer", "last"}, s.qos, nil},
		"/v1/relays":         {[]string{"last"}, s.relays, nil},
		"/v1/relays/session": {[]string{"session", "from", "limit"}, s.sessionRelays, nil},
		"/v1/tx":             {[]string{"wait"}, nil, s.transaction},
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

// health answers as long as the node answers at all: who restarts a node that does not needs to know no more.
func (s *Server) health(context.Context, query) (any, error) {
	return healthView{Status: "alive"}, nil
}

// ready answers 200 while the node is level with the chain, and else 503 and why it is not.
func (s *Server) ready(context.Context, query) (any, error) {
	if why := s.readers.Status.NotReady(); why != "" {
		return nil, &refusal{http.StatusServiceUnavailable, codeNotReady, why}
	}
	return healthView{Status: "ready"}, nil
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

func (s *Server) account(ctx context.Context, parameters query) (any, error) {
	address, err := parameters.required("address", types.ValidateAddress)
	if err != nil {
		return nil, err
	}
	height, err := s.height(parameters)
	if err != nil {
		return nil, err
	}
	account, err := s.readers.Accounts.Account(ctx, height, address)
	if err != nil {
		return nil, err
	}
	unbonding, err := s.readers.Accounts.Unbondings(ctx, height, address)
	if err != nil {
		return nil, err
	}
	return viewAccount(height, account, unbonding), nil
}

// transaction hands one in. The time that an answer may take bounds the wait for a block too.
func (s *Server) transaction(ctx context.Context, parameters query, body []byte) (any, error) {
	wait, given := parameters["wait"]
	if given && wait != "true" && wait != "false" {
		return nil, badParameter("wait: %s is neither true nor false", shown(wait))
	}
	if len(body) == 0 {
		return nil, &refusal{http.StatusBadRequest, codeBadRequest, "the body is empty; it is the envelope of a transaction"}
	}
	receipt, err := s.readers.Broadcast(ctx, body, wait == "true")
	if err != nil {
		return nil, fmt.Errorf("hand in a transaction: %w", err)
	}
	return viewReceipt(receipt), nil
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
