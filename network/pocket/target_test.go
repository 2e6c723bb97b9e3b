package pocket

import (
	"fmt"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

func servicerOf(seed byte, serviceURL string) *types.Actor {
	key := crypto.KeyFromSeed([32]byte{seed})
	return &types.Actor{Address: key.Address(), PublicKey: key.PublicKeyHex(), ServiceUrl: serviceURL}
}

// A servicer that moves, or takes another key, is another target; what cannot be asked is not kept.
func TestTargetsAreKeptByKeyAndAddress(t *testing.T) {
	var known targets
	of := func(servicer *types.Actor) *target {
		t.Helper()
		made, err := known.of(servicer)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	first := of(servicerOf(1, "http://a.example"))
	if of(servicerOf(1, "http://a.example")) != first {
		t.Error("a servicer's target is made twice")
	}
	if of(servicerOf(1, "http://b.example")) == first || of(servicerOf(2, "http://a.example")) == first {
		t.Error("another servicer has the target of the first")
	}
	for _, unusable := range []*types.Actor{servicerOf(1, "http://[::1"), {PublicKey: "no hex", ServiceUrl: "http://a.example"}} {
		if _, err := known.of(unusable); err == nil {
			t.Errorf("%v can be asked", unusable)
		}
	}
	if len(known.kept) != 3 {
		t.Errorf("%d targets, want 3", len(known.kept))
	}
}

func TestTargetsAreBounded(t *testing.T) {
	var known targets
	for i := range mostTargets + 10 {
		known.keep(targetKey{serviceURL: fmt.Sprint(i)}, &target{})
	}
	if len(known.kept) != mostTargets {
		t.Errorf("%d targets, more than %d", len(known.kept), mostTargets)
	}
	if known.kept[targetKey{serviceURL: fmt.Sprint(mostTargets + 9)}] == nil {
		t.Error("the newest one is not kept")
	}
}
