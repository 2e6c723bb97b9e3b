package consensus

import (
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/network/networktest"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestHeadsKeepTheContract(t *testing.T) {
	networktest.RunHeads(t, func(*testing.T) (fisherman.Heads, func(types.Head)) {
		heads := new(Heads)
		return heads, heads.publish
	})
}
