package samples

import (
	"context"
	"errors"
	"slices"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// mostPageBytes is about how many bytes of envelopes a page of evidence holds; one piece may be more.
const mostPageBytes = 2 << 20

// Sentinels of Prover.Of.
var (
	// ErrNoDisagreement is returned when nobody contradicted a majority in the round.
	ErrNoDisagreement = errors.New("no disagreement")
	// ErrUnkept is returned when somebody did, but what proves it is not there.
	ErrUnkept = errors.New("what proves the disagreement is not kept")
)

// Prover makes evidence by the rules of the network that the samples are of.
type Prover struct {
	// Of makes the evidence of a stored round. Errors: ErrNoDisagreement, ErrUnkept.
	Of func(session *types.QoSSession, round *types.QoSRound) (api.Evidence, error)
	// Sign puts the fisherman's signature under a piece; nil for a network whose servicers sign nothing, of which Of makes
	// the whole piece.
	Sign func(piece *api.Evidence) error
}

// EvidenceFilter narrows evidence; but for Limit its zero value admits every check in which servicers disagreed.
type EvidenceFilter struct {
	// SessionID admits this session only; empty admits all.
	SessionID string
	// Servicer admits only checks in which this address is on a side; empty admits all.
	Servicer string
	// Check admits only this place in a session's plan; nil admits all.
	Check *uint32
	// Before admits only checks that are older; nil admits all.
	Before *api.EvidencePlace
	// Limit is the most checks of a page, 1 or more.
	Limit int
}

// Evidence collects the checks that the filter admits, from the newest session's last one on. Errors:
// modules.ErrUnknownSession.
func (r *Reader) Evidence(ctx context.Context, filter EvidenceFilter) (api.EvidencePage, error) {
	sessions, err := r.store.Sessions(ctx)
	if err == nil {
		sessions, err = only(sessions, filter.SessionID)
	}
	if err != nil {
		return api.EvidencePage{}, err
	}
	c := &collector{filter: filter, prover: r.prover, page: api.EvidencePage{Evidence: []api.Evidence{}}}
	for _, session := range slices.Backward(upTo(sessions, filter.Before)) {
		rounds, err := r.store.Outline(ctx, session.GetHeader().GetId())
		if errors.Is(err, modules.ErrUnknownSession) {
			continue // pruned since it was listed
		}
		if err != nil {
			return api.EvidencePage{}, err
		}
		for _, round := range slices.Backward(rounds) {
			if !c.mayAdmit(round) {
				continue
			}
			if round, err = r.proven(ctx, round); err != nil {
				return api.EvidencePage{}, err
			}
			if round == nil {
				continue // pruned since it was listed
			}
			if err := c.take(session, round); err != nil {
				return api.EvidencePage{}, err
			}
			if c.page.Next != nil {
				return c.page, nil
			}
		}
	}
	return c.page, nil
}

// proven reads a round with the envelopes that prove it; nil when it is not stored any more.
func (r *Reader) proven(ctx context.Context, round *types.QoSRound) (*types.QoSRound, error) {
	page, _, err := r.store.Page(ctx, round.GetSessionId(), round.GetIndex(), 1)
	if errors.Is(err, modules.ErrUnknownSession) || err == nil && (len(page) == 0 || page[0].GetIndex() != round.GetIndex()) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return page[0], nil
}

// upTo leaves the sessions up to that of a place. Of a place whose session was pruned nothing is older: the oldest are
// pruned first.
func upTo(sessions []*types.QoSSession, place *api.EvidencePlace) []*types.QoSSession {
	if place == nil {
		return sessions
	}
	at := slices.IndexFunc(sessions, func(s *types.QoSSession) bool { return s.GetHeader().GetId() == place.Session })
	return sessions[:at+1]
}

// collector makes one page of rounds, which it is shown newest first.
type collector struct {
	filter EvidenceFilter
	prover Prover
	size   int
	page   api.EvidencePage
}

// mayAdmit reports whether a round, whose envelopes are not read, has to be looked at: it is at a place that is asked for, and
// somebody contradicted a majority in it.
func (c *collector) mayAdmit(round *types.QoSRound) bool {
	if before := c.filter.Before; before != nil && before.Session == round.GetSessionId() && round.GetIndex() >= before.Check {
		return false
	}
	if c.filter.Check != nil && *c.filter.Check != round.GetIndex() {
		return false
	}
	return slices.ContainsFunc(round.GetSamples(), func(s *types.QoSSample) bool { return s.GetConsistency() == types.Consistency_CONSISTENCY_DISAGREE })
}

// admits reports whether the filter takes a round into account.
func (c *collector) admits(round *types.QoSRound) bool {
	return c.filter.Servicer == "" || slices.ContainsFunc(round.GetSamples(), func(s *types.QoSSample) bool {
		return s.GetServicer() == c.filter.Servicer &&
			(s.GetConsistency() == types.Consistency_CONSISTENCY_DISAGREE || len(s.GetResponseEnvelope()) > 0)
	})
}

// take adds the evidence of a round, if the filter admits it. When the page is full it says where the next one begins.
func (c *collector) take(session *types.QoSSession, round *types.QoSRound) error {
	if !c.admits(round) {
		return nil
	}
	piece, err := c.prover.Of(session, round)
	switch {
	case errors.Is(err, ErrNoDisagreement):
		return nil
	case errors.Is(err, ErrUnkept):
		c.page.Unkept++
		return nil
	case err != nil:
		return err
	}
	if pieces := c.page.Evidence; len(pieces) == c.filter.Limit || c.size > mostPageBytes {
		last := pieces[len(pieces)-1]
		c.page.Next = &api.EvidencePlace{Session: last.Session.ID, Check: last.Check}
		return nil
	}
	for _, side := range piece.Sides {
		c.size += len(side.RequestEnvelope) + len(side.ResponseEnvelope)
	}
	if c.prover.Sign != nil {
		if err := c.prover.Sign(&piece); err != nil {
			return err
		}
	}
	c.page.Evidence = append(c.page.Evidence, piece)
	return nil
}
