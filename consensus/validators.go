package consensus

import (
	"encoding/hex"
	"errors"
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/crypto/ed25519"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// upoktPerPower is the stake of one unit of voting power: 1 POKT.
const upoktPerPower = 1_000_000

// votingPower returns a stake's voting power: whole POKT, at least 1.
func votingPower(stakeUPOKT uint64) int64 {
	return max(1, int64(stakeUPOKT/upoktPerPower))
}

// validatorUpdates turns staked validators into CometBFT's validator set, in the order given. It refuses an empty set,
// a malformed key, and a total voting power above CometBFT's maximum.
func validatorUpdates(actors []*types.Actor) ([]abci.ValidatorUpdate, error) {
	if len(actors) == 0 {
		return nil, errors.New("no validator is staked, so nobody could make a block")
	}
	updates := make([]abci.ValidatorUpdate, 0, len(actors))
	var total int64
	for _, actor := range actors {
		key, err := hex.DecodeString(actor.GetPublicKey())
		if err != nil || len(key) != ed25519.PubKeySize {
			return nil, fmt.Errorf("validator %s: %q is not an ed25519 public key in hex", actor.GetAddress(), actor.GetPublicKey())
		}
		power := votingPower(actor.GetStakeUpokt())
		if power > cmttypes.MaxTotalVotingPower-total {
			return nil, fmt.Errorf("validator %s: total voting power exceeds %d", actor.GetAddress(), cmttypes.MaxTotalVotingPower)
		}
		total += power
		updates = append(updates, abci.Ed25519ValidatorUpdate(key, power))
	}
	return updates, nil
}

// validatorChanges returns the difference between two sets of active validators, both ordered by address: new powers,
// and power 0 for those that left.
func validatorChanges(before, after []*types.Actor) ([]abci.ValidatorUpdate, error) {
	now, err := validatorUpdates(after)
	if err != nil {
		return nil, err
	}
	powers := make(map[string]int64, len(before))
	for _, validator := range before {
		powers[validator.GetAddress()] = votingPower(validator.GetStakeUpokt())
	}
	var changes []abci.ValidatorUpdate
	stays := make(map[string]bool, len(after))
	for i, validator := range after {
		stays[validator.GetAddress()] = true
		if powers[validator.GetAddress()] != now[i].Power {
			changes = append(changes, now[i])
		}
	}
	for _, validator := range before {
		if stays[validator.GetAddress()] {
			continue
		}
		key, err := hex.DecodeString(validator.GetPublicKey())
		if err != nil {
			return nil, fmt.Errorf("validator %s: decode public key: %w", validator.GetAddress(), err)
		}
		changes = append(changes, abci.Ed25519ValidatorUpdate(key, 0))
	}
	return changes, nil
}
