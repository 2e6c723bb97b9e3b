package utility

import (
	"bytes"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// roster is the actors of one version of the state that take part in sessions, arranged as sessions look for them. It is
// made once from a version, and never changed.
type roster struct {
	// entries of the state, in the order of their keys: applications, servicers, fishermen.
	entries []entry
	// applications are ordered by address.
	applications []*types.Actor
	// places are the servicers and fishermen of each chain in each zone; nobody is for all other places.
	places map[place]*crew
	nobody *crew
}

// entry is an actor as it is in the state.
type entry struct {
	key, value []byte
	actor      *types.Actor
}

// place is where a session takes its members from.
type place struct{ chain, zone string }

// crew is who is staked for a place, ordered by address; also those that are paused or new.
type crew struct{ servicers, fishermen []*types.Actor }

// readRoster reads the actors of a state. It takes those that are the same as in an earlier roster from there, so that it
// decodes only what changed, and the crews without a change remain the same objects; before may be nil.
func readRoster(r Reader, before *roster) (*roster, error) {
	if before == nil {
		before = &roster{nobody: new(crew)}
	}
	made := &roster{entries: make([]entry, 0, len(before.entries)), places: make(map[place]*crew, len(before.places)), nobody: before.nobody}
	rest := before.entries
	for _, role := range roles[:3] {
		var failed error
		err := r.Iterate(actorsKey(role), func(key, value []byte) (stop bool) {
			for len(rest) > 0 && bytes.Compare(rest[0].key, key) < 0 {
				rest = rest[1:]
			}
			next := entry{key: key, value: value}
			if len(rest) > 0 && bytes.Equal(rest[0].key, key) && bytes.Equal(rest[0].value, value) {
				next = rest[0]
			} else {
				next.actor = new(types.Actor)
				failed = proto.Unmarshal(value, next.actor)
			}
			made.entries = append(made.entries, next)
			return failed != nil
		})
		if err != nil {
			return nil, fmt.Errorf("read %ss: %w", role.Label(), err)
		}
		if failed != nil {
			return nil, fmt.Errorf("decode a %s: %w", role.Label(), failed)
		}
	}
	made.arrange(before)
	return made, nil
}

// arrange sorts the entries into places. It keeps the crews that did not change.
func (r *roster) arrange(before *roster) {
	var manned []place
	for _, e := range r.entries {
		if e.actor.GetType() == types.ActorType_ACTOR_TYPE_APPLICATION {
			r.applications = append(r.applications, e.actor)
			continue
		}
		for _, chain := range e.actor.GetChains() {
			at := place{chain, e.actor.GetGeoZone()}
			c := r.places[at]
			if c == nil {
				c = new(crew)
				r.places[at], manned = c, append(manned, at)
			}
			if e.actor.GetType() == types.ActorType_ACTOR_TYPE_SERVICER {
				c.servicers = append(c.servicers, e.actor)
			} else {
				c.fishermen = append(c.fishermen, e.actor)
			}
		}
	}
	for _, at := range manned {
		old, c := before.places[at], r.places[at]
		if old != nil && slices.Equal(old.servicers, c.servicers) && slices.Equal(old.fishermen, c.fishermen) {
			r.places[at] = old
		}
	}
}

// crew returns who is staked for a place.
func (r *roster) crew(at place) *crew {
	if c := r.places[at]; c != nil {
		return c
	}
	return r.nobody
}
