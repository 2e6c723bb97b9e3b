package genesis

import (
	"fmt"
	"math"
	"regexp"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// MaximumVotingPower is the maximum sum of the stakes of all validators, in uPOKT. A validator's stake is its voting
// power, and consensus (CometBFT) allows no larger sum: an eighth of the largest signed 64-bit number.
const MaximumVotingPower = math.MaxInt64 / 8

var chainIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,50}$`)

// Validate checks the whole genesis: every parameter against its range, every actor against its form and the
// parameters, and the actors together. The error, if any, is one line and wraps a FieldError for each violation,
// up to ten.
func (g *Genesis) Validate() error {
	var v violations
	if g == nil {
		v.add("genesis", "missing", "an object")
		return v.err()
	}
	if !chainIDForm.MatchString(g.ChainId) {
		v.add("chain_id", quoted(g.ChainId), "1 to 50 characters of A-Z, a-z, 0-9, '.', '_' and '-'")
	}
	checkTime(&v, g.GenesisTime)
	g.Params.check(&v)
	for i, actor := range g.Actors {
		checkActor(&v, actorPath(i), actor, g.GetParams().GetStake())
	}
	checkUnique(&v, g.Actors)
	checkAccounts(&v, g.Accounts)
	checkSupply(&v, g)
	return v.err()
}

// checkTime refuses invalid times and the distant past: consensus treats the zero time as "unset" and would use each
// node's clock instead.
func checkTime(v *violations, genesisTime *timestamppb.Timestamp) {
	const allowed = "an RFC 3339 time after 1970-01-01T00:00:00Z"
	switch {
	case genesisTime == nil:
		v.add("genesis_time", "missing", allowed)
	case !genesisTime.IsValid():
		v.add("genesis_time", "not a time", allowed)
	case genesisTime.AsTime().Unix() <= 0:
		v.add("genesis_time", genesisTime.AsTime().Format(time.RFC3339Nano), allowed)
	}
}

// checkUnique refuses a second stake of an address in the same role.
func checkUnique(v *violations, actors []*types.Actor) {
	type identity struct {
		actorType types.ActorType
		address   string
	}
	first := make(map[identity]int, len(actors))
	for i, actor := range actors {
		id := identity{actor.GetType(), actor.GetAddress()}
		if earlier, seen := first[id]; seen && actor != nil {
			v.add(actorPath(i), fmt.Sprintf("%s %s", id.actorType.Label(), quoted(id.address)),
				fmt.Sprintf("each type and address once; it is %s already", actorPath(earlier)))
			continue
		}
		first[id] = i
	}
}

// checkAccounts refuses malformed and repeated accounts, and accounts that have signed before the chain began.
func checkAccounts(v *violations, accounts []*types.Account) {
	first := make(map[string]int, len(accounts))
	for i, account := range accounts {
		path := accountPath(i)
		earlier, seen := first[account.GetAddress()]
		switch {
		case account == nil:
			v.add(path, "missing", "an object")
			continue
		case types.ValidateAddress(account.Address) != nil:
			v.add(path+".address", quoted(account.Address), "40 lower-case hex digits")
		case seen:
			v.add(path+".address", quoted(account.Address), "each address once; it is "+accountPath(earlier)+" already")
		default:
			first[account.Address] = i
		}
		if account.Sequence != 0 {
			v.add(path+".sequence", fmt.Sprint(account.Sequence), "0: nobody has signed yet")
		}
	}
}

// checkSupply refuses stakes and balances whose sum overflows, and a chain that could not make a block.
func checkSupply(v *violations, g *Genesis) {
	var total, power uint64
	add := func(field string, amount uint64) bool {
		if amount > math.MaxUint64-total {
			v.add(field, fmt.Sprint(amount),
				fmt.Sprintf("all stakes and balances together at most %d", uint64(math.MaxUint64)))
			return false
		}
		total += amount
		return true
	}
	validators := 0
	for i, actor := range g.Actors {
		stake := actor.GetStakeUpokt()
		if !add(actorPath(i)+".stake_upokt", stake) {
			return
		}
		if actor.GetType() != types.ActorType_ACTOR_TYPE_VALIDATOR {
			continue
		}
		validators++
		if power += stake; power > MaximumVotingPower {
			v.add(actorPath(i)+".stake_upokt", fmt.Sprint(stake),
				fmt.Sprintf("the stakes of all validators together at most %d", uint64(MaximumVotingPower)))
			return
		}
	}
	for i, account := range g.Accounts {
		if !add(accountPath(i)+".balance_upokt", account.GetBalanceUpokt()) {
			return
		}
	}
	if validators == 0 {
		v.add("actors", "without a validator", "at least one validator")
	}
}

func accountPath(i int) string { return fmt.Sprintf("accounts[%d]", i) }

func actorPath(i int) string { return fmt.Sprintf("actors[%d]", i) }
