package fisherman

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// otherChain is a node of a relay chain with heights of its own, one a second from its start on.
type otherChain struct {
	started time.Time
	// silent is how long it does not answer at first, and silentFrom from when on it does not any more; 0 for never.
	silent, silentFrom time.Duration
}

func (o otherChain) probe(_ context.Context, payload types.Payload) (Answer, error) {
	age := time.Since(o.started)
	if age < o.silent || o.silentFrom > 0 && age >= o.silentFrom {
		return Answer{}, errors.New("refused")
	}
	if strings.Contains(string(payload.JSONRPC), "eth_blockNumber") {
		return Answer{Body: fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"result":"0x%x"}`, 1000+int64(age/time.Second))}, nil
	}
	return Answer{Body: []byte(`{"jsonrpc":"2.0","id":1,"result":1}`)}, nil
}

// asksOther makes the network's session one of another chain; probe asks a node of it.
func (n *network) asksOther(probe Probe) {
	n.catalogues[chain] = question.EVM(2)
	n.probe = probe
}

// Questions follow the other chain, not the network's own heights.
func TestHeadOfAnotherChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.asksOther(otherChain{started: time.Now()}.probe)
		asked := make(map[string]bool)
		n.while(t, func() { time.Sleep(time.Second); n.blocks(10, 21, time.Second) })
		_, rounds := n.record(t, 10)
		for _, round := range rounds {
			asked[strings.Fields(round.GetQuestion() + " ")[0]] = true
		}
		// The probe answers every question with another id than asked for, so that rounds are void.
		if statuses(rounds) != "vvvvvvvvvv" || len(asked) < 3 {
			t.Errorf("%s: %v", statuses(rounds), asked)
		}
	})
}

func TestChecksAreDroppedWhileTheHeadIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.asksOther(otherChain{started: time.Now(), silent: time.Hour}.probe)
		n.while(t, func() { time.Sleep(time.Second); n.blocks(10, 21, time.Second) })
		_, rounds := n.record(t, 10)
		if statuses(rounds) != "xxxxxxxxxx" || !strings.Contains(rounds[5].GetReason(), "the head of relay chain 0001 is not known") {
			t.Errorf("%s: %s", statuses(rounds), rounds[5].GetReason())
		}
	})
}

// Without a control probe the servicers are asked for the head, as long as nobody has said it.
func TestServicersAreAskedForTheHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.asksOther(nil)
		n.while(t, func() { time.Sleep(time.Second); n.blocks(10, 21, time.Second) })
		_, rounds := n.record(t, 10)
		for _, round := range rounds {
			if round.GetKind() != types.RoundKind_ROUND_KIND_HEAD {
				t.Errorf("asked %s", round.GetQuestion())
			}
		}
		n = newNetwork()
		n.asksOther(nil)
		n.relayHead = 5000
		n.while(t, func() { time.Sleep(time.Second); n.blocks(10, 21, time.Second) })
		_, rounds = n.record(t, 10)
		if !slices.ContainsFunc(rounds, func(r *types.QoSRound) bool { return r.GetKind() == types.RoundKind_ROUND_KIND_SETTLED }) {
			t.Errorf("with a known head nothing but heads was asked in %d checks", len(rounds))
		}
	})
}

// What servicers claim moves on with the blocks that they were seen to make, for a while.
func TestClaimedHead(t *testing.T) {
	heads, start := &relayHeads{}, time.Now()
	heads.learn(chain, 1000, start)
	if height, known := heads.claimed(chain, start.Add(time.Minute)); !known || height != 1000 {
		t.Errorf("without a block time: %d, %t", height, known)
	}
	if _, known := heads.claimed(chain, start.Add(referenceFresh+1)); known {
		t.Error("an old claim counts without a block time")
	}
	heads.learn(chain, 1010, start.Add(100*time.Second))
	heads.learn(chain, 1020, start.Add(200*time.Second))
	if height, known := heads.claimed(chain, start.Add(300*time.Second)); !known || height != 1030 {
		t.Errorf("ten blocks later: %d, %t", height, known)
	}
	if _, known := heads.claimed(chain, start.Add(200*time.Second+claimFresh+1)); known {
		t.Error("an old claim counts")
	}
	if _, known := heads.claimed("0002", start); known {
		t.Error("the head of one chain is that of another")
	}
}

// A head that was seen is used for a while after the node has gone, and no longer.
func TestHeadGetsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heads := &relayHeads{}
		node := otherChain{started: time.Now()}
		head := question.EVM(2).Head
		if _, known := heads.of(chain, time.Now()); known {
			t.Error("a head is known before the first look")
		}
		time.Sleep(5 * time.Second)
		if err := heads.look(t.Context(), chain, head, node.probe); err != nil {
			t.Fatal(err)
		}
		gone := otherChain{started: time.Now(), silent: time.Hour}
		if err := heads.look(t.Context(), chain, head, gone.probe); err == nil {
			t.Error("a look at a node that is gone succeeded")
		}
		if height, known := heads.of(chain, time.Now().Add(headFresh)); !known || height != 1005 {
			t.Errorf("height %d, known %t", height, known)
		}
		if _, known := heads.of(chain, time.Now().Add(headFresh+1)); known {
			t.Error("an old head counts")
		}
		if _, known := heads.of("0002", time.Now()); known {
			t.Error("the head of one chain is that of another")
		}
	})
}

// A node that is gone for a while costs nothing; one that comes back is heard again.
func TestHeadIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.asksOther(otherChain{started: time.Now(), silent: 5 * time.Second}.probe)
		made := n.fisherman(t)
		ctx, cancel := context.WithCancel(t.Context())
		wait := made.followHeads(ctx)
		time.Sleep(4500 * time.Millisecond)
		if _, err := made.headOf(chain, made.chains.of(chain), 7); err == nil {
			t.Error("the head of a silent chain is known")
		}
		time.Sleep(4100 * time.Millisecond) // looks at 6 s, soon after, and every two seconds from then on
		if height, err := made.headOf(chain, made.chains.of(chain), 7); err != nil || height != 1008 {
			t.Errorf("height %d, %v", height, err)
		}
		if height, err := made.headOf("0003", made.chains.of("0003"), 7); err != nil || height != 7 {
			t.Errorf("the network's own height is %d, %v", height, err)
		}
		cancel()
		wait()
	})
}

func TestExecuteCheckLooksAtTheOtherChainItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.asksOther(otherChain{started: time.Now()}.probe)
		ask := func() (round *types.QoSRound, err error) {
			n.while(t, func() { round, err = n.running.ExecuteCheck(t.Context(), sessionOf(10, 10, 12, actor("a")), 3) })
			return round, err
		}
		round, err := ask()
		if err != nil || !strings.HasPrefix(round.GetQuestion(), "eth_") || round.GetStatus() == types.RoundStatus_ROUND_STATUS_DROPPED {
			t.Errorf("%v, %v", round, err)
		}
		n.asksOther(otherChain{started: time.Now(), silent: time.Hour}.probe)
		if _, err := ask(); err == nil {
			t.Error("a check without a head was made")
		}
	})
}
