package utility

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// roles are all types of actors, in the order of their numbers.
var roles = [...]types.ActorType{
	types.ActorType_ACTOR_TYPE_APPLICATION,
	types.ActorType_ACTOR_TYPE_SERVICER,
	types.ActorType_ACTOR_TYPE_FISHERMAN,
	types.ActorType_ACTOR_TYPE_VALIDATOR,
}

// Actor returns the actor that staked as actorType under address. Errors: modules.ErrUnknownActor, whose text names the
// other roles in which the address is staked.
func Actor(r Reader, actorType types.ActorType, address string) (*types.Actor, error) {
	if err := validateRole(actorType); err != nil {
		return nil, err
	}
	actor, err := lookUp(r, actorType, address)
	if err != nil {
		return nil, err
	}
	if actor != nil {
		return actor, nil
	}
	others, err := rolesOf(r, address)
	if err != nil {
		return nil, err
	}
	hint := ""
	if len(others) > 0 {
		hint = fmt.Sprintf(" (the address is staked as %s)", strings.Join(others, ", "))
	}
	return nil, fmt.Errorf("%w: no %s %s%s", modules.ErrUnknownActor, actorType.Label(), address, hint)
}

// Actors returns the staked actors of one type, ordered by address. It is not an error if there are none.
func Actors(r Reader, actorType types.ActorType) ([]*types.Actor, error) {
	if err := validateRole(actorType); err != nil {
		return nil, err
	}
	var actors []*types.Actor
	var failed error
	err := r.Iterate(actorsKey(actorType), func(_, value []byte) (stop bool) {
		actor := new(types.Actor)
		failed = proto.Unmarshal(value, actor)
		actors = append(actors, actor)
		return failed != nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %ss: %w", actorType.Label(), err)
	}
	if failed != nil {
		return nil, fmt.Errorf("decode a %s: %w", actorType.Label(), failed)
	}
	return actors, nil
}

// MostValidators is the maximum number of validators that take part in consensus. A block has a signature of each, so
// thousands of small stakes would leave no room for anything else in it, and end the chain.
const MostValidators = 256

// ActiveValidators returns the validators that take part in consensus, ordered by address: those with the highest stakes,
// up to MostValidators, that are not paused; of equal stakes those with the lower addresses. There is always at least one.
func ActiveValidators(r Reader) ([]*types.Actor, error) {
	validators, err := Actors(r, types.ActorType_ACTOR_TYPE_VALIDATOR)
	if err != nil {
		return nil, err
	}
	active := slices.DeleteFunc(validators, func(v *types.Actor) bool { return v.GetPausedHeight() != 0 })
	if len(active) <= MostValidators {
		return active, nil
	}
	slices.SortStableFunc(active, func(a, b *types.Actor) int { return cmp.Compare(b.GetStakeUpokt(), a.GetStakeUpokt()) })
	active = active[:MostValidators]
	slices.SortFunc(active, func(a, b *types.Actor) int { return strings.Compare(a.GetAddress(), b.GetAddress()) })
	return active, nil
}

// setActor stores an actor under its type and address.
func setActor(store Store, actor *types.Actor) error {
	key, err := actorKey(actor.GetType(), actor.GetAddress())
	if err != nil {
		return err
	}
	return setMessage(store, key, actor)
}

// lookUp returns nil, nil if there is no such actor.
func lookUp(r Reader, actorType types.ActorType, address string) (*types.Actor, error) {
	key, err := actorKey(actorType, address)
	if err != nil {
		return nil, err
	}
	value, err := r.Get(key)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", actorType.Label(), address, err)
	}
	if value == nil {
		return nil, nil
	}
	actor := new(types.Actor)
	if err := proto.Unmarshal(value, actor); err != nil {
		return nil, fmt.Errorf("decode %s %s: %w", actorType.Label(), address, err)
	}
	return actor, nil
}

// rolesOf returns the names of the roles that an address is staked in.
func rolesOf(r Reader, address string) ([]string, error) {
	var names []string
	for _, role := range roles {
		actor, err := lookUp(r, role, address)
		if err != nil {
			return nil, err
		}
		if actor != nil {
			names = append(names, role.Label())
		}
	}
	return names, nil
}

func validateRole(actorType types.ActorType) error {
	for _, role := range roles {
		if actorType == role {
			return nil
		}
	}
	return fmt.Errorf("%s is not a type of actor that can stake", actorType)
}
