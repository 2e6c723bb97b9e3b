package utility

import (
	"context"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/utility/session"
)

// Fishing is the sessions of one fisherman, found block after block, which is cheap. Within a session those that may take
// part only become fewer. So a session is looked at again only when somebody of its place changed, and ranked again only
// when more of its members left than are kept to follow them. It may be used by one goroutine at a time.
type Fishing struct {
	module    *Module
	fisherman string
	// actors are those that the sessions were last found among.
	actors *roster
	catch
}

// catch is what was found.
type catch struct {
	// start is that of the sessions, height the block that they were last found for.
	start, height int64
	places        map[place]*fitting
	found         map[served]found
}

// NewFishing returns a Fishing that has found nothing yet, for the fisherman with an address.
func NewFishing(m *Module, fisherman string) *Fishing {
	return &Fishing{module: m, fisherman: fisherman}
}

// fitting is who of a crew may take part in the running sessions of its place.
type fitting struct {
	from                 *crew
	servicers, fishermen fit
}

// fit is who of one role may take part.
type fit struct {
	*session.Candidates
	byAddress map[string]*types.Actor
}

// served is an application on one of its chains.
type served struct {
	application *types.Actor
	chain       string
}

// found is the session of an application, as it was found among those that fit.
type found struct {
	*fitting
	header *types.SessionHeader
	// session is nil when the fisherman is not in it.
	session *types.Session
	// rankedServicers and rankedFishermen are the first by rank: the members of the session, and those who follow them.
	rankedServicers, rankedFishermen []*types.Actor
}

// Sessions returns the sessions of the block at height that have the fisherman in them, of the same heights and by the same
// states as Module.Session, ordered by application and relay chain. They share their actors with those of other blocks:
// nobody may change them. Errors: modules.ErrHeightUnavailable.
func (f *Fishing) Sessions(ctx context.Context, height int64) ([]*types.Session, error) {
	r, err := f.module.before(ctx, height)
	if err != nil {
		return nil, err
	}
	b, err := basisOf(r, height)
	if err != nil {
		return nil, err
	}
	if f.actors, err = readRoster(r, f.actors); err != nil {
		return nil, err
	}
	if start := session.StartHeight(height, b.Params.GetBlocksPerSession()); f.start != start || f.height > height {
		f.catch = catch{start: start}
	}
	return f.haul(b)
}

// Prepare finds the sessions that begin with the block after height, if any do: with the block at height their ids are known,
// and who may take part was fixed before. Sessions then finds them as quickly as in any other block. Errors:
// modules.ErrHeightUnavailable.
func (f *Fishing) Prepare(ctx context.Context, height int64) error {
	params, err := f.module.Params(ctx, height)
	if err != nil {
		return err
	}
	next := height + 1
	if f.height >= next || session.StartHeight(next, params.GetSession().GetBlocksPerSession()) != next {
		return nil
	}
	_, err = f.Sessions(ctx, next)
	return err
}

// haul finds the sessions among the actors, given what was found before.
func (f *Fishing) haul(b *basis) ([]*types.Session, error) {
	now := catch{start: f.start, height: b.Height, places: make(map[place]*fitting, len(f.places)), found: make(map[served]found, len(f.found))}
	fixedAt := b.fixedAt()
	var own []*types.Session
	for _, application := range f.actors.applications {
		for _, chain := range application.GetChains() {
			at := place{chain, application.GetGeoZone()}
			if !session.MayTakePart(application, at.chain, at.zone, fixedAt) {
				continue
			}
			if now.places[at] == nil {
				now.places[at] = f.places[at].fitted(f.actors.crew(at), at, fixedAt)
			}
			key := served{application, chain}
			b.Application, b.RelayChain = application, chain
			known, err := f.find(b, f.found[key], now.places[at])
			if err != nil {
				return nil, err
			}
			now.found[key] = known
			if s := known.session; s != nil {
				own = append(own, &types.Session{Header: s.Header, Blocks: s.Blocks, Height: b.Height, Application: s.Application,
					Servicers: s.Servicers, Fishermen: s.Fishermen})
			}
		}
	}
	f.catch = now
	return own, nil
}

// fitted returns who of a crew fits; f, which may be nil, if that is the crew it came from.
func (f *fitting) fitted(from *crew, at place, fixedAt int64) *fitting {
	if f != nil && f.from == from {
		return f
	}
	choose := func(actors []*types.Actor) fit {
		var chosen []*types.Actor
		byAddress := make(map[string]*types.Actor, len(actors))
		for _, actor := range actors {
			if session.MayTakePart(actor, at.chain, at.zone, fixedAt) {
				chosen, byAddress[actor.GetAddress()] = append(chosen, actor), actor
			}
		}
		return fit{session.NewCandidates(chosen), byAddress}
	}
	return &fitting{from: from, servicers: choose(from.servicers), fishermen: choose(from.fishermen)}
}

// find returns what is found for the basis among those that fit, given what was found for the block before.
func (f *Fishing) find(b *basis, before found, fit *fitting) (found, error) {
	if before.fitting == fit {
		return before, nil
	}
	now, err := found{fitting: fit, header: before.header}, error(nil)
	if now.header == nil {
		if now.header, err = b.Header(); err != nil {
			return found{}, err
		}
	}
	switch {
	case fit.fishermen.byAddress[f.fisherman] == nil:
		return now, nil
	case before.fitting != nil && before.session == nil && len(before.fishermen.byAddress) == len(fit.fishermen.byAddress):
		return now, nil // no fisherman left, so that none takes a place
	case before.session == nil && !fit.fishermen.Selects(now.header.GetId(), int(b.Params.GetFishermenPerSession()), f.fisherman):
		return now, nil
	}
	now.rankedServicers = stay(before.rankedServicers, now.header, fit.servicers, b.Params.GetServicersPerSession())
	now.rankedFishermen = stay(before.rankedFishermen, now.header, fit.fishermen, b.Params.GetFishermenPerSession())
	now.session = &types.Session{
		Header: now.header, Blocks: b.Params.GetBlocksPerSession(), Application: b.Application,
		Servicers: first(now.rankedServicers, b.Params.GetServicersPerSession()),
		Fishermen: first(now.rankedFishermen, b.Params.GetFishermenPerSession()),
	}
	return now, nil
}

// stay returns the first n by rank or more among those that fit, as they are now: those of before that are still there, who are
// the first of them, if they are enough, and otherwise twice as many as it takes, so that others may leave.
func stay(before []*types.Actor, header *types.SessionHeader, among fit, n uint32) []*types.Actor {
	now := make([]*types.Actor, 0, len(before))
	for _, member := range before {
		if actor := among.byAddress[member.GetAddress()]; actor != nil {
			now = append(now, actor)
		}
	}
	if len(now) < min(int(n), len(among.byAddress)) {
		return among.Select(header.GetId(), 2*int(n))
	}
	return now
}

// first returns the members among those that are ranked.
func first(ranked []*types.Actor, n uint32) []*types.Actor {
	return append(make([]*types.Actor, 0, min(len(ranked), int(n))), ranked[:min(len(ranked), int(n))]...)
}
