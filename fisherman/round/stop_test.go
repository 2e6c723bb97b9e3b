package round_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Stopping the fisherman ends a round at once, whatever it is doing, and blames nobody.
func TestShutdown(t *testing.T) {
	for name, test := range map[string]struct {
		faults []fakes.Fault
		offset time.Duration
		// due is when the round is, stop when the fisherman is stopped; from now on.
		due, stop time.Duration
		// asked is how many requests have been read by then.
		asked int
	}{
		"while asking":                        {faults: []fakes.Fault{fakes.Honest(), fakes.Hanging()}, stop: time.Second, asked: 2},
		"before the release":                  {faults: []fakes.Fault{fakes.Honest()}, due: time.Hour, stop: time.Second},
		"while connecting":                    {faults: []fakes.Fault{fakes.Mute(), fakes.Honest()}, stop: round.LongestLead / 2},
		"while waiting for a late connection": {faults: []fakes.Fault{fakes.Mute(), fakes.Honest()}, stop: 2 * round.LongestLead, asked: 1},
		"between offsets":                     {faults: []fakes.Fault{fakes.Honest(), fakes.Honest()}, offset: 1000 * time.Hour, stop: time.Second},
	} {
		virtually(t, name, func(t *testing.T) {
			servicers := piped(t, test.faults...)
			r := overPipes(t, servicers...)
			r.spec.Timeout, r.spec.Offset = time.Minute, test.offset
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			started := time.Now()
			time.AfterFunc(test.stop, cancel)
			observed := r.observe(ctx, started.Add(test.due))
			if lasted := time.Since(started); lasted != test.stop || !observed.Stopped {
				t.Errorf("stopped after %v: %t after %v", test.stop, observed.Stopped, lasted)
			}
			record := r.judge(observed)
			isVoid(t, record, types.Cause_CAUSE_STOPPED)
			isStorable(t, record)
			r.Pool.Close()
			asked := 0
			for _, servicer := range servicers {
				servicer.AwaitOpen(t, 0)
				asked += servicer.Requests()
			}
			if asked != test.asked {
				t.Errorf("%d were asked", asked)
			}
		})
	}
}

// lingering is a stream that takes its time to be closed.
type lingering struct{ net.Conn }

func (l lingering) Close() error {
	time.Sleep(time.Second)
	return l.Conn.Close()
}

// Who is stopped asks nobody more, though all connections stand yet.
func TestStopAsksNobodyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Honest(), fakes.Honest(), fakes.Honest())
		r := overPipes(t, servicers...)
		r.Dial = func(ctx context.Context, serviceURL string) (*wire.Conn, error) {
			stream, err := among(servicers, serviceURL).Connect(ctx)
			return wire.Over(lingering{stream}), err
		}
		r.spec.Offset = 1000 * time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		isVoid(t, r.judge(r.observe(ctx, time.Now())), types.Cause_CAUSE_STOPPED)
		for _, servicer := range servicers {
			if servicer.Requests() > 0 {
				t.Error("asked")
			}
		}
	})
}

// A stop ends what waits on sockets as well.
func TestShutdownOverSockets(t *testing.T) {
	for name, offset := range map[string]time.Duration{"while asking": 0, "between offsets": 1000 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			honest, hanging := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Hanging())
			r := overSockets(t, honest, hanging).connect()
			r.spec.Timeout, r.spec.Offset = time.Minute, offset
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			observing := make(chan *judge.Observation, 1)
			go func() { observing <- r.observe(ctx, time.Now()) }()
			for _, servicer := range []*fakes.Servicer{honest, hanging} {
				if servicer.AwaitAccepted(t, 1); offset == 0 {
					servicer.AwaitRequests(t, 1)
				}
			}
			cancel()
			isVoid(t, r.judge(<-observing), types.Cause_CAUSE_STOPPED)
			r.Pool.Close()
			honest.AwaitOpen(t, 0)
			hanging.AwaitOpen(t, 0)
		})
	}
}

// The one wire to everybody is cut while they are asked: nobody is blamed, since the control probe does not get through
// either. When it does, over another wire, the nulls stand.
func TestCutWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Hanging(), fakes.Sleepy(time.Minute), fakes.Hanging())
		r := overPipes(t, servicers...)
		r.spec.Timeout = 30 * time.Second
		time.AfterFunc(time.Second, func() {
			for _, servicer := range servicers {
				if servicer.Requests() != 1 {
					t.Error("not asked")
				}
				servicer.HangUp()
			}
		})
		observed := r.observe(t.Context(), time.Now())
		isVoid(t, r.judge(observed), types.Cause_CAUSE_NO_CONTROL_PROBE)
		observed.Control = answering(observed)
		record := r.judge(observed)
		isDone(t, record)
		for _, servicer := range servicers {
			isNull(t, sampleOf(t, record, servicer), types.Outcome_OUTCOME_RESET, blamesServicer)
		}
		observed.Control.Err = errOffline
		isVoid(t, r.judge(observed), types.Cause_CAUSE_OFFLINE)
	})
}
