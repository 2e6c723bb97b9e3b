package fisherman

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/network/networktest/memory"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// A control probe that hangs ends with the check's timeout, and the check is void.
func TestControlProbeHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.policy.Checks = 1
		var took time.Duration
		n.probe = func(ctx context.Context, _ types.Payload) (Answer, error) {
			started := time.Now()
			<-ctx.Done()
			took = max(took, time.Since(started)) // the last one ends with the fisherman
			return Answer{}, ctx.Err()
		}
		n.while(t, func() { n.blocks(10, 25, time.Second) })
		_, rounds := n.record(t, 10)
		if took != n.policy.Timeout || rounds[0].GetCause() != types.Cause_CAUSE_OFFLINE {
			t.Errorf("after %v: %v", took, rounds[0])
		}
	})
}

// The control probe is asked the servicers' own question, by REST when that is REST, and only when no servicer answered.
func TestControlProbeIsAskedTheSame(t *testing.T) {
	for name, test := range map[string]struct {
		catalogue question.Catalogue
		rest      bool
		faults    memory.Servicers
		asked     bool
	}{
		"JSON-RPC":         {own(question.CometBFT()), false, nil, true},
		"REST":             {own(question.CometBFTURI()), true, nil, true},
		"one has answered": {own(question.CometBFT()), false, memory.Servicers{"alice": memory.Honest()}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.catalogues[chain], n.dial = test.catalogue, test.faults.Dial
				n.members = func(int64) []*types.Actor { return []*types.Actor{memory.Actor("alice"), memory.Actor("bob")} }
				asked := false
				n.probe = func(_ context.Context, payload types.Payload) (Answer, error) {
					asked = true
					if (payload.REST != nil) != test.rest || (payload.JSONRPC != nil) == test.rest {
						t.Errorf("asked %+v", payload)
					}
					return Answer{Status: 200, Body: []byte("{}")}, nil
				}
				n.while(t, func() { n.blocks(10, 21, time.Second) })
				if asked != test.asked {
					t.Errorf("asked: %t", asked)
				}
			})
		})
	}
}

// A check that the fisherman's own stop cut off is void in the report, and speaks against nobody.
func TestStopIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.interval = 10 * time.Second
		answer := n.dial
		var hang atomic.Bool
		n.dial = func(ctx context.Context, serviceURL string) (*wire.Conn, error) {
			if hang.Load() {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return answer(ctx, serviceURL)
		}
		n.while(t, func() {
			n.head(10)
			time.Sleep(10 * time.Second)
			hang.Store(true)
			n.head(11)
			time.Sleep(5500 * time.Millisecond)
		})
		hang.Store(false)
		time.Sleep(4 * time.Second)
		n.while(t, func() { n.blocks(12, 20, 10*time.Second) })
		session, rounds := n.record(t, 10)
		if statuses(rounds) != "dvdddddddd" {
			t.Fatalf("%s", statuses(rounds))
		}
		report := qos.Summarize(session, rounds)
		if report.ChecksVoid != 1 || report.ChecksDone != 9 || rounds[1].GetCause() != types.Cause_CAUSE_STOPPED {
			t.Errorf("%d void, %d done: %s", report.ChecksVoid, report.ChecksDone, rounds[1].GetReason())
		}
		for _, servicer := range report.Servicers {
			if servicer.Void != 1 || servicer.Samples != 9 || servicer.Outcomes["VOID"] != 1 || servicer.NullSamples != 9 {
				t.Errorf("%+v", servicer)
			}
		}
	})
}
