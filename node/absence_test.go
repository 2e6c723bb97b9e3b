package node

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestAbsence(t *testing.T) {
	staked := func(since ...int64) *types.Actor {
		return &types.Actor{Type: types.ActorType_ACTOR_TYPE_SERVICER, Chains: []string{"0001", "0021"}[:len(since)], SinceHeights: since}
	}
	paused := staked(12)
	paused.PausedHeight = 14
	for name, test := range map[string]struct {
		servicer *types.Actor
		chain    string
		want     string
	}{
		"just staked":          {staked(12), "", "from block 30 on (now at 17)"},
		"at a session's start": {staked(10), "0001", "from block 30 on (now at 17)"},
		"a block before":       {staked(9), "", "from block 20 on (now at 17)"},
		"one chain is older":   {staked(12, 3), "", "from block 20 on (now at 17)"},
		"that chain is not":    {staked(12, 3), "0001", "from block 30 on (now at 17)"},
		"of the genesis":       {staked(0), "", "since block 0; each session chooses its members anew (now at 17)"},
		"paused":               {paused, "", "paused since block 14"},
		"not for the chain":    {staked(12), "0021", "not staked for relay chain 0021"},
	} {
		if got := absenceOf(test.servicer, test.chain, 17, 10); !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
