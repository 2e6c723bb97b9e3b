package consensus

import (
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/network/networktest"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/heads"
)

func TestHeadsKeepTheContract(t *testing.T) {
	networktest.RunHeads(t, func(*testing.T) (fisherman.Heads, func(types.Head)) {
		published := new(heads.Publisher)
		return published, published.Publish
	})
}
