package servicer

import (
	"context"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// admit returns what a well-formed request costs its signer, or why it is refused. The checks run in order of cost:
//
//	addressed to me          compare
//	height known, not ahead  compare
//	chain served             map
//	application staked       state, once per block
//	session current          state, once per block; its bounds are in state, hence after the application
//	header right, I am in it compare
//	nonce unseen             map
//	signer allowed           one SHA-256
//	signature                ed25519 over the body
//	payload well-formed      parse; dearer than the signature when it is large
//	tokens left              state, once per session; map (spent later, with the nonce)
//
// State is never read at a height that the request chose, so a stranger cannot make the servicer read old state.
func (s *Servicer) admit(ctx context.Context, opened *relay.OpenedRequest) (expense, *refusal) {
	request := opened.Request
	header := request.GetSession()
	if request.GetServicer() != s.address {
		return expense{}, refuse(types.RelayErrorCode_RELAY_ERROR_CODE_WRONG_SERVICER, "the request is addressed to another servicer")
	}
	committed := s.sessions.source.Height()
	if committed < 1 {
		return expense{}, refuse(types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY, "the servicer has no committed block yet")
	}
	if header.GetStartHeight() > committed+1 {
		return expense{}, notCurrent()
	}
	if !s.executor.serves(header.GetRelayChain()) {
		return expense{}, refuse(types.RelayErrorCode_RELAY_ERROR_CODE_CHAIN_NOT_SERVED, "the servicer does not serve relay chain "+header.GetRelayChain())
	}
	claimed, refused := s.claimedSession(ctx, committed, header)
	if refused != nil {
		return expense{}, refused
	}
	mine := claimed.of(s.address)
	if mine == nil {
		return expense{}, refuse(types.RelayErrorCode_RELAY_ERROR_CODE_NOT_IN_SESSION, "the servicer is not in the session, or the session's id or zone is another")
	}
	if s.nonces.seen(header.GetId(), [relay.NonceSize]byte(request.GetNonce())) {
		return expense{}, replayed()
	}
	return s.admitSigner(ctx, opened, claimed, mine)
}

// admitSigner checks the signer and the signature. The allowance is computed from the first view that contains the
// servicer: the application's stake and the number of servicers at that height.
func (s *Servicer) admitSigner(ctx context.Context, opened *relay.OpenedRequest, claimed views, mine *types.Session) (expense, *refusal) {
	cost := expense{signer: opened.SignerAddress()}
	if cost.signer != opened.Request.GetSession().GetApplication() {
		if cost.sender = fisherman; !claimed.hasFisherman(cost.signer) {
			return expense{}, refuse(types.RelayErrorCode_RELAY_ERROR_CODE_SIGNER_NOT_ALLOWED, "the signer is neither the application nor a fisherman of the session")
		}
	}
	if !opened.VerifySignatureBy(s.signers.of(opened.Signature.GetPublicKey())) {
		return expense{}, refuse(types.RelayErrorCode_RELAY_ERROR_CODE_BAD_SIGNATURE, "the signature does not fit the body")
	}
	requests, err := relay.ValidatePayload(types.PayloadOf(opened.Request))
	if err == nil {
		err = s.executor.takes(opened.Request)
	}
	if err != nil {
		return expense{}, refuse(types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED, err.Error())
	}
	policy, err := s.policies.of(ctx, mine)
	if err != nil {
		return expense{}, s.unreadable(err)
	}
	cost.tokens, cost.allowance = uint64(requests), policy.Allowance(mine)
	if cost.sender == fisherman {
		cost.allowance = policy.Reserve
	}
	cost.difficultyBits = policy.DifficultyBits
	return cost, nil
}

// claimedSession returns the session that a header names, as state knows it: the current one, the one before it
// (grace), or the next one when it starts with the next block.
func (s *Servicer) claimedSession(ctx context.Context, committed int64, header *types.SessionHeader) (views, *refusal) {
	current, err := s.sessions.at(ctx, committed, committed, header)
	if err != nil {
		return nil, s.unreadable(err)
	}
	start := current.GetHeader().GetStartHeight()
	s.nonces.advance(start)
	switch named := header.GetStartHeight(); {
	case named == start:
		return s.viewsAt(ctx, committed, header, start, committed)
	case named == committed+1 && named == start+current.GetBlocks():
		return s.viewsAt(ctx, committed, header, named)
	case named < start:
		previous, err := s.sessions.at(ctx, committed, start-1, header)
		if err != nil && !absent(err) {
			return nil, s.unreadable(err)
		}
		if err == nil && previous.GetHeader().GetStartHeight() == named {
			return s.viewsAt(ctx, committed, header, named, start-1)
		}
	}
	return nil, notCurrent()
}

// viewsAt reads a session at its first and its last height so far, because members may be replaced in between: an actor
// that is a member in either view is a member. Views with another header are left out. The session that starts with the
// chain has start height 0, and block 1 as its first.
func (s *Servicer) viewsAt(ctx context.Context, committed int64, header *types.SessionHeader, heights ...int64) (views, *refusal) {
	var found views
	for _, height := range heights {
		session, err := s.sessions.at(ctx, committed, max(height, 1), header)
		if absent(err) {
			continue
		}
		if err != nil {
			return nil, s.unreadable(err)
		}
		if sameHeader(session.GetHeader(), header) {
			found = append(found, session)
		}
	}
	return found, nil
}

// sameHeader reports whether two headers without unknown fields are the same.
func sameHeader(a, b *types.SessionHeader) bool {
	return a.GetId() == b.GetId() && a.GetStartHeight() == b.GetStartHeight() && a.GetRelayChain() == b.GetRelayChain() &&
		a.GetGeoZone() == b.GetGeoZone() && a.GetApplication() == b.GetApplication()
}

// views are one session as it stood at different heights.
type views []*types.Session

// of returns the first view that contains a servicer; nil if none does.
func (v views) of(servicer string) *types.Session {
	for _, session := range v {
		if hasActor(session.GetServicers(), servicer) {
			return session
		}
	}
	return nil
}

func (v views) hasFisherman(address string) bool {
	for _, session := range v {
		if hasActor(session.GetFishermen(), address) {
			return true
		}
	}
	return false
}

func hasActor(actors []*types.Actor, address string) bool {
	for _, actor := range actors {
		if actor.GetAddress() == address {
			return true
		}
	}
	return false
}

func notCurrent() *refusal {
	return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT, "the session is neither the current one nor the one before it")
}

func replayed() *refusal {
	return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_REPLAYED, "the nonce was seen before in this session")
}
