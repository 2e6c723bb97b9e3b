package consensus

import (
	"math"
	"slices"
	"strings"
	"testing"

	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestVotingPower(t *testing.T) {
	tests := []struct {
		stake uint64
		want  int64
	}{
		{0, 1}, {1, 1}, {999_999, 1}, {1_000_000, 1}, {1_999_999, 1}, {2_000_000, 2},
		{15_000_000_000, 15_000}, {math.MaxUint64, 18_446_744_073_709},
	}
	for _, test := range tests {
		if got := votingPower(test.stake); got != test.want {
			t.Errorf("a stake of %d uPOKT has power %d, want %d", test.stake, got, test.want)
		}
	}
}

func TestValidatorUpdates(t *testing.T) {
	actor := func(number byte, stake uint64) *types.Actor {
		return &types.Actor{Address: key(number).Address(), PublicKey: key(number).PublicKeyHex(), StakeUpokt: stake}
	}
	updates, err := validatorUpdates([]*types.Actor{actor(2, 5_000_000), actor(1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	validators, err := cmttypes.PB2TM.ValidatorUpdates(updates)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		number byte
		power  int64
	}{{2, 5}, {1, 1}} {
		got := validators[i]
		if string(got.PubKey.Bytes()) != string(key(want.number).PublicKey()) || got.VotingPower != want.power {
			t.Errorf("validator %d is %v, want key %d with power %d", i, got, want.number, want.power)
		}
	}
}

func TestValidatorUpdatesRefuse(t *testing.T) {
	rich := &types.Actor{PublicKey: key(1).PublicKeyHex(), StakeUpokt: math.MaxUint64}
	tooMany := slices.Repeat([]*types.Actor{rich}, 70_000)
	tests := map[string]struct {
		actors []*types.Actor
		want   string
	}{
		"none":        {nil, "nobody could make a block"},
		"no hex":      {[]*types.Actor{{Address: "a", PublicKey: "xyz"}}, `validator a: "xyz" is not an ed25519 public key`},
		"short key":   {[]*types.Actor{{Address: "a", PublicKey: "00ff"}}, `"00ff" is not an ed25519 public key`},
		"total power": {tooMany, "total voting power exceeds"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := validatorUpdates(test.actors)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
		})
	}
}
