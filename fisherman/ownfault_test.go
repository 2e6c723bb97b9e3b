package fisherman

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// dialerOf reaches a servicer's names by a name server.
func dialerOf(secured *fakes.Servicer, names *fakes.Names) *relay.Dialer {
	return &relay.Dialer{AllowPrivate: true, RootCAs: secured.Roots(), Resolver: names.Resolver()}
}

// named lets rounds reach their servicers by name.
func named(r *rounds, names *fakes.Names) {
	for _, actor := range r.actors {
		actor.ServiceUrl = strings.Replace(actor.ServiceUrl, "127.0.0.1", "servicer.example", 1)
	}
	r.dial = (&relay.Dialer{AllowPrivate: true, Resolver: names.Resolver()}).Dial
}

// Our name server goes down: who has to be connected to anew is not blamed, who has a connection is measured.
func TestNamesDown(t *testing.T) {
	names := fakes.StartNames(t)
	closing, kept := fakes.Start(t, fakes.Closing()), fakes.Start(t, fakes.Honest())
	r := newRounds(t, closing, kept)
	named(r, names)
	for _, sample := range undisturbed(t, r.run).GetSamples() {
		isOK(t, sample)
	}
	closing.AwaitOpen(t, 0)
	names.Stop()
	record := undisturbed(t, r.run)
	isNull(t, sampleOf(t, record, closing), types.Outcome_OUTCOME_VOID, blamesUnknown)
	isOK(t, sampleOf(t, record, kept))

	r.actors = r.actors[:1] // with nobody else
	isVoid(t, undisturbed(t, r.run), "none of its samples counts")
}

// wire is a proxy of ours that everything goes through, until it is cut.
type wire struct {
	mu      sync.Mutex
	ends    []net.Conn
	cut     bool
	running sync.WaitGroup
}

func (w *wire) dial(ctx context.Context, dial Dial, serviceURL string) (*relay.Conn, error) {
	target := strings.TrimPrefix(serviceURL, "http://")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	w.running.Go(func() { w.carry(listener, target) })
	return dial(ctx, "http://"+listener.Addr().String())
}

// carry takes one connection and joins it to its target. A cut wire breaks it at once.
func (w *wire) carry(listener net.Listener, target string) {
	near, err := listener.Accept()
	if err != nil {
		return
	}
	far, err := net.Dial("tcp", target)
	if err != nil {
		near.Close()
		return
	}
	if !w.hold(near, far) {
		return
	}
	w.running.Go(func() { _, _ = io.Copy(far, near); far.Close() })
	_, _ = io.Copy(near, far)
	near.Close()
}

// hold remembers the ends of a connection; false when the wire is cut.
func (w *wire) hold(near, far net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends = append(w.ends, near, far)
	if w.cut {
		near.Close()
		far.Close()
	}
	return !w.cut
}

func (w *wire) sever() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for _, end := range w.ends {
		end.Close()
	}
}

// The one wire to everybody is cut while they are asked: nobody is blamed, since the control probe does not get through
// either. When it does, over another wire, the nulls stand.
func TestCutWire(t *testing.T) {
	for name, test := range map[string]struct {
		probe Probe
		void  string
	}{
		"the probe as well": {func(context.Context, types.Payload) (Answer, error) { return Answer{}, errors.New("cut") }, "neither did the control probe: cut"},
		"but not the probe": {newNetwork().probe, ""},
	} {
		t.Run(name, func(t *testing.T) {
			servicers := []*fakes.Servicer{fakes.Start(t, fakes.Hanging()), fakes.Start(t, fakes.Sleepy(time.Minute)), fakes.Start(t, fakes.Hanging())}
			r := newRounds(t, servicers...)
			r.policy.Timeout = 30 * time.Second
			r.probe = test.probe
			through := &wire{}
			dial := r.dial
			r.dial = func(ctx context.Context, serviceURL string) (*relay.Conn, error) {
				return through.dial(ctx, dial, serviceURL)
			}
			go func() {
				for _, servicer := range servicers {
					servicer.AwaitRequests(t, 1)
				}
				through.sever()
			}()
			record := r.run()
			through.running.Wait()
			if disturbed(record) {
				t.Skip("this machine is too busy")
			}
			if test.void != "" {
				isVoid(t, record, test.void)
				return
			}
			for _, servicer := range servicers {
				isNull(t, sampleOf(t, record, servicer), types.Outcome_OUTCOME_RESET, blamesServicer)
			}
		})
	}
}

// What a fisherman was stopped in is stored with its reason, counted in the session's report, and nobody's fault there.
func TestStopIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.interval = 10 * time.Second
		answer := n.dial
		var hang atomic.Bool
		n.dial = func(ctx context.Context, serviceURL string) (*relay.Conn, error) {
			if hang.Load() {
				<-ctx.Done()
				return nil, ownFailure("connect", ctx.Err())
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
		if report.ChecksVoid != 1 || report.ChecksDone != 9 || !strings.Contains(rounds[1].GetReason(), "stopped") {
			t.Errorf("%d void, %d done: %s", report.ChecksVoid, report.ChecksDone, rounds[1].GetReason())
		}
		for _, servicer := range report.Servicers {
			if servicer.Void != 1 || servicer.Samples != 9 || servicer.Outcomes["VOID"] != 1 || servicer.NullSamples != 9 {
				t.Errorf("%+v", servicer)
			}
		}
	})
}
