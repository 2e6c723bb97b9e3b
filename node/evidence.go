package node

import (
	"context"
	"errors"
	"slices"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/evidence"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// mostPageBytes is about how many bytes of envelopes a page of evidence holds; one piece may be more.
const mostPageBytes = 2 << 20

// evidenceReader shows the fisherman's evidence to the API, each piece signed by the fisherman.
type evidenceReader struct {
	fisherman *fisherman.Fisherman
	key       crypto.PrivateKey
}

// page collects the checks that the filter admits, from the newest session's last one on.
func (r evidenceReader) page(ctx context.Context, filter rpc.EvidenceFilter) (qos.EvidencePage, error) {
	if r.fisherman == nil {
		return qos.EvidencePage{}, rpc.ErrNoFisherman
	}
	sessions, err := r.fisherman.Sessions(ctx)
	if err != nil {
		return qos.EvidencePage{}, err
	}
	if filter.SessionID != "" {
		sessions = slices.DeleteFunc(sessions, func(s *types.QoSSession) bool { return s.GetHeader().GetId() != filter.SessionID })
		if len(sessions) == 0 {
			return qos.EvidencePage{}, modules.ErrUnknownSession
		}
	}
	c := &collector{filter: filter, key: r.key, page: qos.EvidencePage{Evidence: []qos.Evidence{}}}
	for _, session := range slices.Backward(upTo(sessions, filter.Before)) {
		rounds, err := r.fisherman.Rounds(ctx, session.GetHeader().GetId())
		if errors.Is(err, modules.ErrUnknownSession) {
			continue // pruned since it was listed
		}
		if err != nil {
			return qos.EvidencePage{}, err
		}
		for _, round := range slices.Backward(rounds) {
			if err := c.take(session, round); err != nil {
				return qos.EvidencePage{}, err
			}
			if c.page.Next != nil {
				return c.page, nil
			}
		}
	}
	return c.page, nil
}

// upTo leaves the sessions up to that of a place. Of a place whose session was pruned nothing is older: the oldest are
// pruned first.
func upTo(sessions []*types.QoSSession, place *qos.EvidencePlace) []*types.QoSSession {
	if place == nil {
		return sessions
	}
	at := slices.IndexFunc(sessions, func(s *types.QoSSession) bool { return s.GetHeader().GetId() == place.Session })
	return sessions[:at+1]
}

// collector makes one page of rounds, which it is shown newest first.
type collector struct {
	filter rpc.EvidenceFilter
	key    crypto.PrivateKey
	size   int
	page   qos.EvidencePage
}

// admits tells whether the filter takes a round into account.
func (c *collector) admits(round *types.QoSRound) bool {
	if before := c.filter.Before; before != nil && before.Session == round.GetSessionId() && round.GetIndex() >= before.Check {
		return false
	}
	if c.filter.Check != nil && *c.filter.Check != round.GetIndex() {
		return false
	}
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
	piece, err := evidence.Of(session, round)
	switch {
	case errors.Is(err, evidence.ErrNoDisagreement):
		return nil
	case errors.Is(err, evidence.ErrUnkept):
		c.page.Unkept++
		return nil
	case err != nil:
		return err
	}
	if pieces := c.page.Evidence; len(pieces) == c.filter.Limit || c.size > mostPageBytes {
		last := pieces[len(pieces)-1]
		c.page.Next = &qos.EvidencePlace{Session: last.Session.ID, Check: last.Check}
		return nil
	}
	for _, side := range piece.Sides {
		c.size += len(side.RequestEnvelope) + len(side.ResponseEnvelope)
	}
	if err := evidence.Sign(c.key, &piece); err != nil {
		return err
	}
	c.page.Evidence = append(c.page.Evidence, piece)
	return nil
}
