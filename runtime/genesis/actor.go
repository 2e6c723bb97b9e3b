package genesis

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// checkActor checks a single actor against the parameters.
func checkActor(v *violations, path string, actor *types.Actor, stake *StakeParams) {
	if actor == nil {
		v.add(path, "missing", "an object")
		return
	}
	checkIdentity(v, path, actor)
	checkService(v, path, actor, stake.GetMaximumChains())
	if actor.PausedHeight != 0 {
		v.add(path+".paused_height", fmt.Sprint(actor.PausedHeight), "0: no actor starts paused")
	}
	if len(actor.SinceHeights) != 0 {
		v.add(path+".since_heights", fmt.Sprintf("a list of %d", len(actor.SinceHeights)), "none: all actors of a genesis begin with it")
	}
	minimum, known := stake.MinimumFor(actor.Type)
	if !known {
		v.add(path+".type", actor.Type.String(),
			"ACTOR_TYPE_APPLICATION, ACTOR_TYPE_SERVICER, ACTOR_TYPE_FISHERMAN or ACTOR_TYPE_VALIDATOR")
		return
	}
	if actor.StakeUpokt < minimum {
		v.add(path+".stake_upokt", fmt.Sprint(actor.StakeUpokt), fmt.Sprintf(
			"%d or more (params.stake.%s_minimum_upokt)", minimum, actor.Type.Label()))
	}
}

// MinimumFor returns the minimum stake of a type of actor, in uPOKT; false if actors of that type cannot stake.
func (s *StakeParams) MinimumFor(actorType types.ActorType) (minimum uint64, known bool) {
	switch actorType {
	case types.ActorType_ACTOR_TYPE_APPLICATION:
		return s.GetApplicationMinimumUpokt(), true
	case types.ActorType_ACTOR_TYPE_SERVICER:
		return s.GetServicerMinimumUpokt(), true
	case types.ActorType_ACTOR_TYPE_FISHERMAN:
		return s.GetFishermanMinimumUpokt(), true
	case types.ActorType_ACTOR_TYPE_VALIDATOR:
		return s.GetValidatorMinimumUpokt(), true
	default:
		return 0, false
	}
}

// UnbondingBlocksFor returns the number of blocks for which the stake of a type of actor is held back after unstaking;
// 0 if actors of that type cannot stake.
func (s *StakeParams) UnbondingBlocksFor(actorType types.ActorType) int64 {
	switch actorType {
	case types.ActorType_ACTOR_TYPE_APPLICATION:
		return s.GetApplicationUnbondingBlocks()
	case types.ActorType_ACTOR_TYPE_SERVICER:
		return s.GetServicerUnbondingBlocks()
	case types.ActorType_ACTOR_TYPE_FISHERMAN:
		return s.GetFishermanUnbondingBlocks()
	case types.ActorType_ACTOR_TYPE_VALIDATOR:
		return s.GetValidatorUnbondingBlocks()
	default:
		return 0
	}
}

// ValidateService checks what an actor serves and where, as required for its type: at most maximumChains chains, geo
// zone, service URL, operator. The error, if any, is one line and wraps a FieldError for each violation, up to ten.
func ValidateService(actor *types.Actor, maximumChains uint32) error {
	var v violations
	checkService(&v, actor.GetType().Label(), actor, maximumChains)
	return v.err()
}

// checkIdentity checks the public key, and the address that follows from it.
func checkIdentity(v *violations, path string, actor *types.Actor) {
	if types.ValidatePublicKey(actor.PublicKey) != nil {
		v.add(path+".public_key", quoted(actor.PublicKey), "64 lower-case hex digits")
		if types.ValidateAddress(actor.Address) != nil {
			v.add(path+".address", quoted(actor.Address), "40 lower-case hex digits")
		}
		return
	}
	publicKey, err := hex.DecodeString(actor.PublicKey)
	if want := crypto.Address(publicKey); err != nil || actor.Address != want {
		v.add(path+".address", quoted(actor.Address), want+", the address of its public key")
	}
}

// checkService checks what an actor serves and where: chains, geo zone, service URL, operator.
func checkService(v *violations, path string, actor *types.Actor, maximumChains uint32) {
	if actor.Type == types.ActorType_ACTOR_TYPE_VALIDATOR {
		if len(actor.Chains) > 0 {
			v.add(path+".chains", quoted(strings.Join(actor.Chains, ",")), "none for a validator")
		}
		if actor.GeoZone != "" {
			v.add(path+".geo_zone", quoted(actor.GeoZone), "none for a validator")
		}
	} else {
		checkChains(v, path+".chains", actor.Chains, maximumChains)
		if types.ValidateGeoZone(actor.GeoZone) != nil {
			v.add(path+".geo_zone", quoted(actor.GeoZone), "1 to 32 characters of a-z, 0-9 and '-'")
		}
	}
	required := actor.Type == types.ActorType_ACTOR_TYPE_SERVICER
	if (required || actor.ServiceUrl != "") && types.ValidateServiceURL(actor.ServiceUrl) != nil {
		v.add(path+".service_url", quoted(actor.ServiceUrl), types.ServiceURLForm)
	}
	switch {
	case actor.Operator == "":
	case actor.Type != types.ActorType_ACTOR_TYPE_SERVICER:
		v.add(path+".operator", quoted(actor.Operator), "none, except for a servicer")
	case types.ValidateOperator(actor.Operator) != nil:
		v.add(path+".operator", quoted(actor.Operator), types.OperatorForm)
	}
}

// checkChains checks that chains are well-formed, sorted and unique, and that there is at least one and not more than
// the maximum. A maximum of 0 is itself out of range and is not held against the actor.
func checkChains(v *violations, field string, chains []string, maximum uint32) {
	if len(chains) == 0 || maximum > 0 && len(chains) > int(maximum) {
		v.add(field, fmt.Sprintf("a list of %d", len(chains)),
			fmt.Sprintf("1 to %d relay chains (params.stake.maximum_chains)", maximum))
	}
	for i, chain := range chains {
		switch {
		case types.ValidateRelayChain(chain) != nil:
			v.add(fmt.Sprintf("%s[%d]", field, i), quoted(chain), "four upper-case hex digits, as in 0001")
		case i > 0 && chain <= chains[i-1]:
			v.add(fmt.Sprintf("%s[%d]", field, i), quoted(chain), "sorted relay chains without repeats")
		}
	}
}
