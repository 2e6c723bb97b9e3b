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
	list, err := r.store.List(ctx)
	if err == nil {
		list, err = only(list, filter.SessionID)
	}
	if err != nil {
		return api.EvidencePage{}, err
	}
	c := &collector{filter: filter, prover: r.prover, page: api.EvidencePage{Evidence: []api.Evidence{}}}
	list = upTo(list, filter.Before)
	for i := len(list) - 1; i >= 0 && c.page.Next == nil; i-- {
		err := r.collect(ctx, c, &list[i])
		if errors.Is(err, modules.ErrUnknownSession) {
			continue // pruned since it was listed
		}
		if err != nil {
			return api.EvidencePage{}, err
		}
	}
	return c.page, nil
}

// collect collects the checks of a session, from the last one on, until the page is full. Errors: modules.ErrUnknownSession.
func (r *Reader) collect(ctx context.Context, c *collector, listed *modules.ListedSession) error {
	id := listed.Session.GetHeader().GetId()
	indices, err := r.disputed(ctx, listed)
	if err != nil {
		return err
	}
	var session *types.QoSSession
	for _, index := range slices.Backward(indices) {
		if !c.mayAdmit(id, index) {
			continue
		}
		if session == nil {
			if session, err = r.store.Session(ctx, id); err != nil {
				return err
			}
		}
		round, err := r.proven(ctx, id, index)
		if err != nil {
			return err
		}
		if round == nil || !disputed(round) {
			continue // it was pruned since it was listed, or is not what is shown of both stores
		}
		if err := c.take(session, round); err != nil || c.page.Next != nil {
			return err
		}
	}
	return nil
}

// disputed returns the indices of the rounds in which somebody contradicted a majority, ascending.
func (r *Reader) disputed(ctx context.Context, listed *modules.ListedSession) (indices []uint32, err error) {
	if listed.Searched {
		return listed.Disputed, nil
	}
	rounds, err := r.store.Outline(ctx, listed.Session.GetHeader().GetId())
	for _, round := range rounds {
		if disputed(round) {
			indices = append(indices, round.GetIndex())
		}
	}
	return indices, err
}

// disputed reports whether somebody contradicted a majority in a round.
func disputed(round *types.QoSRound) bool {
	return slices.ContainsFunc(round.GetSamples(), func(s *types.QoSSample) bool { return s.GetConsistency() == types.Consistency_CONSISTENCY_DISAGREE })
}

// proven reads a round with the envelopes that prove it; nil when it is not stored any more.
func (r *Reader) proven(ctx context.Context, id string, index uint32) (*types.QoSRound, error) {
	page, _, err := r.store.Page(ctx, id, index, 1)
	if errors.Is(err, modules.ErrUnknownSession) || err == nil && (len(page) == 0 || page[0].GetIndex() != index) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return page[0], nil
}

// upTo leaves the sessions up to that of a place. Of a place whose session was pruned nothing is older: the oldest are
// pruned first.
func upTo(list []modules.ListedSession, place *api.EvidencePlace) []modules.ListedSession {
	if place == nil {
		return list
	}
	at := slices.IndexFunc(list, func(s modules.ListedSession) bool { return s.Session.GetHeader().GetId() == place.Session })
	return list[:at+1]
}

// collector makes one page of rounds, which it is shown newest first.
type collector struct {
	filter EvidenceFilter
	prover Prover
	size   int
	page   api.EvidencePage
}

// mayAdmit reports whether a round has to be looked at: it is at a place that is asked for.
func (c *collector) mayAdmit(session string, index uint32) bool {
	if before := c.filter.Before; before != nil && before.Session == session && index >= before.Check {
		return false
	}
	return c.filter.Check == nil || *c.filter.Check == index
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
