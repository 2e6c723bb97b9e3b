package round_test

import (
	"context"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
)

// Whatever becomes of a connection, the pool learns that it is gone: a fault that loses one in each check uses up no place, and
// its neighbour's connection is kept.
func TestLostConnectionsTakeNoPlace(t *testing.T) {
	const most, checks = 3, 12
	for name, fault := range map[string]fakes.Fault{
		"Down": fakes.Down(), "Mute": fakes.Mute(), "Hanging": fakes.Hanging(), "Resetting": fakes.Resetting(), "Closing": fakes.Closing(),
		"Garbled": fakes.Garbled(), "Anticipating": fakes.Anticipating(), "Slamming": fakes.Slamming(), "Curt": fakes.Curt(time.Millisecond),
		"late": fakes.Curt(round.LongestLead + time.Millisecond), "Bomb": fakes.Bomb(), "Fickle": fakes.Fickle(1), "Honest": fakes.Honest(),
	} {
		virtually(t, name, func(t *testing.T) {
			servicers := piped(t, fault, fakes.Honest())
			r := overPipes(t, servicers...)
			r.Pool.Most = most
			r.spec.Timeout = 700 * time.Millisecond
			for i := range checks {
				r.spec.Cold = i == checks/2
				record := r.judge(r.observe(t.Context(), time.Now().Add(time.Second)))
				honest := sampleOf(t, record, servicers[1])
				isOK(t, honest)
				if cold := i == 0 || r.spec.Cold; honest.GetReusedConnection() == cold {
					t.Errorf("check %d: reused %t", i, honest.GetReusedConnection())
				}
			}
			for range most { // those that are stopped while they connect, and while they ask
				for _, soon := range []time.Duration{round.LongestLead + time.Second, 0} {
					ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
					r.observe(ctx, time.Now().Add(soon))
					cancel()
				}
			}
			r.observe(t.Context(), time.Now().Add(time.Second))
			if honest := sampleOf(t, r.judge(r.observe(t.Context(), time.Now().Add(time.Second))), servicers[1]); !honest.GetReusedConnection() {
				t.Error("no place is left")
			}
			r.Pool.Close()
		})
	}
}

// Checks whose leads overlap share a connection, as long as one has its answer before the other's moment.
func TestChecksShareAConnection(t *testing.T) {
	virtually(t, "", func(t *testing.T) {
		servicers := piped(t, fakes.Sleepy(50*time.Millisecond), fakes.Honest())
		r := overPipes(t, servicers...)
		r.run()
		due := time.Now().Add(round.LongestLead)
		const checks = 4
		done := make(chan *rig, checks)
		for i := range checks {
			go func() {
				one := *r
				one.spec.Lead = round.LongestLead
				isDone(t, one.judge(one.observe(t.Context(), due.Add(time.Duration(i)*150*time.Millisecond))))
				done <- &one
			}()
		}
		for range checks {
			<-done
		}
		for _, servicer := range servicers {
			if servicer.Accepted() != 1 {
				t.Errorf("%d connections", servicer.Accepted())
			}
		}
		r.Pool.Close()
	})
}
