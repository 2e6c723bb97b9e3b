package rpc

import (
	"context"
	"fmt"
	"math"
	"net/http"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// defaultSessions is how many sessions GET /v1/qos and /v1/relays answer when they are not told; maximumSessions is the most.
	defaultSessions = 100
	maximumSessions = 1000
	// defaultEvidence is how many checks GET /v1/evidence answers when it is not told; maximumEvidence is the most.
	defaultEvidence = 20
	maximumEvidence = 100
)

// endpoint answers one path: a body to encode, or a refusal or reader's error.
type endpoint struct {
	// chain: it reads our own chain, or writes to it.
	chain      bool
	parameters []string
	answer     func(ctx context.Context, parameters query) (any, error)
	// submit takes the body of a POST; it is set instead of answer.
	submit func(ctx context.Context, parameters query, body []byte) (any, error)
	// act does something for a POST without a body; it is set instead of answer.
	act func(ctx context.Context, parameters query) (any, error)
	// stream answers by itself, for as long as the client takes it; it is set instead of answer. An error means that
	// nothing was sent.
	stream func(ctx context.Context, w http.ResponseWriter, r *http.Request, parameters query) error
}

func (s *Server) endpoints() map[string]endpoint {
	return map[string]endpoint{
		"/v1/health":       {answer: s.health},
		"/v1/ready":        {answer: s.ready},
		"/v1/version":      {answer: s.version},
		"/v1/openapi.yaml": {stream: s.openapi},
		"/v1/status":       {answer: s.status},
		"/v1/params":       {chain: true, parameters: []string{"height"}, answer: s.params},
		"/v1/block":        {chain: true, parameters: []string{"height"}, answer: s.block},
		"/v1/blocks":       {chain: true, parameters: []string{"from", "limit"}, answer: s.blocks},
		"/v1/transaction":  {chain: true, parameters: []string{"hash", "height"}, answer: s.oneTransaction},
		"/v1/session":      {chain: true, parameters: []string{"application", "relay_chain", "height"}, answer: s.session},
		"/v1/actors":       {chain: true, parameters: []string{"type", "height"}, answer: s.actors},
		"/v1/account":      {chain: true, parameters: []string{"address", "height"}, answer: s.account},
		"/v1/addresses":    {parameters: []string{"prefix", "role", "limit"}, answer: s.inTurn(s.addresses)},
		"/v1/qos":          {parameters: []string{"session", "servicer", "last", "window", "rolling"}, answer: s.inTurn(s.qos)},
		"/v1/qos/rounds":   {parameters: []string{"session", "servicer", "from", "limit", "vantage"}, answer: s.inTurn(s.rounds)},
		"/v1/qos/events":   {stream: s.events},
		"/v1/qos/history": {parameters: []string{"servicer", "relay_chain", "geo_zone", "from", "to", "last", "step"},
			answer: s.inTurnOf(make(chan struct{}, mostHistories), s.history)},
		"/v1/evidence": {parameters: []string{"session", "servicer", "check", "before_session", "before_check", "before_vantage", "limit"},
			answer: s.inTurn(s.evidence)},
		"/v1/check":          {parameters: []string{"servicer", "application", "relay_chain"}, act: s.check},
		"/v1/relays":         {parameters: []string{"last"}, answer: s.inTurn(s.relays)},
		"/v1/relays/session": {parameters: []string{"session", "from", "limit"}, answer: s.inTurn(s.sessionRelays)},
		"/v1/tx":             {chain: true, parameters: []string{"wait"}, submit: s.transaction},
	}
}

// status answers before the first block too, with height 0: it is how a client learns that the node is starting.
func (s *Server) status(ctx context.Context, _ query) (any, error) {
	kind, groups := s.network.sampled()
	view := api.Status{
		Network:   kind,
		Groups:    groups,
		Fisherman: api.Optional(s.readers.Status.Fisherman()),
		Version:   s.readers.Status.Build().Version,
		Store:     s.readers.Status.Store(),
		Controls:  s.readers.Status.Controls(),
		Relays:    s.readers.Relays != nil,
	}
	if s.readers.Vantages != nil {
		view.Vantages = s.readers.Vantages()
	}
	if s.readers.Collector != nil {
		view.Collector = new(s.readers.Collector())
	}
	if s.readers.Feed != nil {
		view.Feed = s.readers.Feed(ctx)
	}
	if chain := s.readers.Chain; chain != nil {
		view.ChainID, view.Height = chain.ChainID(), chain.Height()
	}
	return view, nil
}

func (s *Server) session(ctx context.Context, parameters query) (any, error) {
	application, err := parameters.required("application", s.network.Identifiers.Application)
	if err != nil {
		return nil, err
	}
	chain, err := parameters.required("relay_chain", s.network.Identifiers.RelayChain)
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
	return api.Actors{Height: height, Actors: viewActors(actors)}, nil
}

func (s *Server) account(ctx context.Context, parameters query) (any, error) {
	address, err := parameters.required("address", short(types.ValidateAddress))
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
		return nil, &refusal{http.StatusBadRequest, api.ErrorCodeBadRequest, "the body is empty; it is the envelope of a transaction"}
	}
	receipt, err := s.readers.Broadcast(ctx, body, wait == "true")
	if err != nil {
		return nil, fmt.Errorf("hand in a transaction: %w", err)
	}
	return viewReceipt(receipt), nil
}

func (s *Server) qos(ctx context.Context, parameters query) (any, error) {
	session, err := parameters.optional("session", s.network.Identifiers.Session)
	if err != nil {
		return nil, err
	}
	servicer, err := parameters.optional("servicer", s.network.Identifiers.Servicer)
	if err != nil {
		return nil, err
	}
	last, err := parameters.integer("last", 1, maximumSessions, defaultSessions)
	if err != nil {
		return nil, err
	}
	if _, given := parameters["window"]; given {
		return s.windows(ctx, parameters, servicer)
	}
	rolling, err := parameters.rolling("rolling")
	if err != nil {
		return nil, err
	}
	if _, given := parameters["rolling"]; given && session != "" {
		return nil, badParameter("rolling and session exclude each other")
	}
	if err := s.measures(); err != nil {
		return nil, err
	}
	report, err := s.readers.Samples.Report(ctx, samples.ReportFilter{SessionID: session, Servicer: servicer, Last: int(last), Rolling: rolling})
	if err != nil {
		return nil, fmt.Errorf("read quality of service: %w", err)
	}
	if servicer != "" && len(report.Sessions) == 0 && len(report.Rolling) == 0 {
		return nil, &refusal{http.StatusNotFound, api.ErrorCodeUnknownServicer, "the servicer is in no session that the fisherman holds"}
	}
	return countOutcomes(report), nil
}

// windows answers GET /v1/qos with a window.
func (s *Server) windows(ctx context.Context, parameters query, servicer string) (any, error) {
	for _, other := range []string{"session", "last", "rolling"} {
		if _, given := parameters[other]; given {
			return nil, badParameter("window and %s exclude each other", other)
		}
	}
	span, err := parameters.span("window")
	if err != nil {
		return nil, err
	}
	if err := s.measures(); err != nil {
		return nil, err
	}
	report, err := s.readers.Samples.Windows(ctx, samples.WindowFilter{Span: span, Servicer: servicer})
	if err != nil {
		return nil, fmt.Errorf("read quality of service: %w", err)
	}
	if servicer != "" && len(report.Windows) == 0 {
		return nil, &refusal{http.StatusNotFound, api.ErrorCodeUnknownServicer, "the servicer is in no complete session of the window"}
	}
	return countWindowOutcomes(report), nil
}

func (s *Server) evidence(ctx context.Context, parameters query) (any, error) {
	filter, err := parameters.evidence(s.network.Identifiers)
	if err != nil {
		return nil, err
	}
	if err := s.measures(); err != nil {
		return nil, err
	}
	page, err := s.readers.Samples.Evidence(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	return page, nil
}

// measures is nil when the node has a fisherman, and its chain, if it has one, a block.
func (s *Server) measures() error {
	if err := s.begun(); err != nil {
		return err
	}
	if s.readers.Samples == nil {
		return ErrNoFisherman
	}
	return nil
}

// begun is nil unless the node's chain has no block yet.
func (s *Server) begun() error {
	if s.readers.Chain != nil && s.readers.Chain.Height() == 0 {
		return notReady()
	}
	return nil
}

// check has the node's fisherman ask a servicer, and all others of its session, now.
func (s *Server) check(ctx context.Context, parameters query) (any, error) {
	var wanted CheckRequest
	var err error
	if wanted.Servicer, err = parameters.required("servicer", s.network.Identifiers.Servicer); err != nil {
		return nil, err
	}
	if wanted.Application, err = parameters.optional("application", s.network.Identifiers.Application); err != nil {
		return nil, err
	}
	if wanted.RelayChain, err = parameters.optional("relay_chain", s.network.Identifiers.RelayChain); err != nil {
		return nil, err
	}
	if err := s.begun(); err != nil {
		return nil, err
	}
	report, err := s.readers.Check(ctx, wanted)
	if err != nil {
		return nil, fmt.Errorf("check servicer: %w", err)
	}
	report.Network = s.network.of(report.Session.RelayChain)
	if report.Network == api.NetworkEndpoints {
		for i := range report.Samples { // there are no signatures
			report.Samples[i].Signature = api.FindingNone
		}
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
