package wire

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

var (
	six  = netip.MustParseAddrPort("[2001:4860::1]:443")
	six2 = netip.MustParseAddrPort("[2001:4860::2]:443")
	four = netip.MustParseAddrPort("8.8.8.8:443")
	far  = netip.MustParseAddrPort("8.8.4.4:443")
)

func TestInterleave(t *testing.T) {
	for name, test := range map[string]struct{ given, want []netip.AddrPort }{
		"none":            {nil, nil},
		"one":             {[]netip.AddrPort{four}, []netip.AddrPort{four}},
		"IPv6 first":      {[]netip.AddrPort{four, six}, []netip.AddrPort{six, four}},
		"in their order":  {[]netip.AddrPort{far, four, six2, six}, []netip.AddrPort{six2, far, six, four}},
		"more of IPv6":    {[]netip.AddrPort{six, six2, four}, []netip.AddrPort{six, four, six2}},
		"more of IPv4":    {[]netip.AddrPort{four, far, six}, []netip.AddrPort{six, four, far}},
		"of one family":   {[]netip.AddrPort{far, four}, []netip.AddrPort{far, four}},
		"IPv6 of its own": {[]netip.AddrPort{six2, six}, []netip.AddrPort{six2, six}},
	} {
		if got := interleave(test.given); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// Both families are among the addresses that are tried, however many there are of one.
func TestManyAddressesLeaveRoomForBothFamilies(t *testing.T) {
	_, resolver := resolveBy(t, func(string, int) []string {
		return []string{"2606:4700::1", "2606:4700::2", "2606:4700::3", "2606:4700::4", "2606:4700::5", "8.8.8.8"}
	})
	got, err := (&Dialer{Resolver: resolver}).resolve(t.Context(), parsed(t, "http://many.example"))
	if err != nil || len(got) != mostAddresses || !got[0].Addr().Is6() || got[1].Addr().String() != "8.8.8.8" {
		t.Errorf("%v, %v", got, err)
	}
}

// fate is what becomes of an attempt: after a while it connects, or fails. Without either it ends with its context.
type fate struct {
	after    time.Duration
	connects bool
	err      error
}

// track stands in for the network in a race.
type track struct {
	fates map[netip.AddrPort]fate

	mu      sync.Mutex
	started []time.Duration // of the attempts, in their order
	open    map[netip.AddrPort]net.Conn
	began   time.Time
}

func newTrack(fates map[netip.AddrPort]fate) *track {
	return &track{fates: fates, open: make(map[netip.AddrPort]net.Conn), began: time.Now()}
}

func (r *track) dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	r.mu.Lock()
	r.started = append(r.started, time.Since(r.began))
	r.mu.Unlock()
	fate := r.fates[address]
	var ends <-chan time.Time
	if fate.connects || fate.err != nil {
		ends = time.After(fate.after)
	}
	select {
	case <-ends:
	case <-ctx.Done():
		if !fate.connects {
			return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
		}
	}
	if fate.err != nil {
		return nil, &net.OpError{Op: "dial", Addr: net.TCPAddrFromAddrPort(address), Err: os.NewSyscallError("connect", fate.err)}
	}
	near, distant := net.Pipe()
	r.mu.Lock()
	r.open[address] = distant
	r.mu.Unlock()
	return near, nil
}

// closed reports whether this program's end of a connection that was made is closed.
func (r *track) closed(address netip.AddrPort) bool {
	distant := r.open[address]
	_ = distant.SetReadDeadline(time.Now().Add(time.Second))
	_, err := distant.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestRace(t *testing.T) {
	const refused, noRoute = syscall.ECONNREFUSED, syscall.ENETUNREACH
	const ms = time.Millisecond
	swallows, soon := fate{}, fate{after: 10 * ms, connects: true}
	for name, test := range map[string]struct {
		fates   []fate // of six, four, six2, far
		within  time.Duration
		winner  netip.AddrPort // or none:
		outcome types.Outcome
		blame   types.Blame
		took    time.Duration
		started []time.Duration
	}{
		"the first":                  {fates: []fate{soon, soon}, winner: six, took: 10 * ms, started: []time.Duration{0}},
		"dead IPv6":                  {fates: []fate{swallows, soon}, winner: four, took: 260 * ms, started: []time.Duration{0, 250 * ms}},
		"no IPv6 here":               {fates: []fate{{err: noRoute}, soon}, winner: four, took: 10 * ms, started: []time.Duration{0, 0}},
		"refused, then at once":      {fates: []fate{{err: refused, after: 20 * ms}, soon}, winner: four, took: 30 * ms, started: []time.Duration{0, 20 * ms}},
		"slow, but first":            {fates: []fate{{after: 300 * ms, connects: true}, {after: 100 * ms, connects: true}}, winner: six, took: 300 * ms, started: []time.Duration{0, 250 * ms}},
		"overtaken":                  {fates: []fate{{after: 400 * ms, connects: true}, soon}, winner: four, took: 260 * ms, started: []time.Duration{0, 250 * ms}},
		"a failure starts one early": {fates: []fate{swallows, {err: refused}, soon}, winner: six2, took: 260 * ms, started: []time.Duration{0, 250 * ms, 250 * ms}},
		"the last of four":           {fates: []fate{swallows, swallows, swallows, soon}, winner: far, took: 760 * ms, started: []time.Duration{0, 250 * ms, 500 * ms, 750 * ms}},
		"a near deadline": {fates: []fate{swallows, swallows, swallows, soon}, within: 200 * ms, winner: far, took: 160 * ms,
			started: []time.Duration{0, 50 * ms, 100 * ms, 150 * ms}},
		"all refused": {fates: []fate{{err: refused}, {err: refused}, {err: refused}, {err: refused}},
			outcome: types.Outcome_OUTCOME_CONNECT, blame: types.Blame_BLAME_SERVICER, started: []time.Duration{0, 0, 0, 0}},
		"both dead": {fates: []fate{swallows, swallows}, within: time.Second,
			outcome: types.Outcome_OUTCOME_TIMEOUT, blame: types.Blame_BLAME_SERVICER, took: time.Second, started: []time.Duration{0, 250 * ms}},
		"no route to either": {fates: []fate{{err: noRoute}, {err: noRoute}},
			outcome: types.Outcome_OUTCOME_VOID, blame: types.Blame_BLAME_UNKNOWN, started: []time.Duration{0, 0}},
		"refused, and no IPv6 here": {fates: []fate{{err: noRoute, after: 30 * ms}, {err: refused}},
			outcome: types.Outcome_OUTCOME_CONNECT, blame: types.Blame_BLAME_SERVICER, took: 30 * ms, started: []time.Duration{0, 30 * ms}},
		"no time at all": {fates: []fate{swallows, swallows}, within: -1,
			outcome: types.Outcome_OUTCOME_TIMEOUT, blame: types.Blame_BLAME_SERVICER, started: []time.Duration{0, 0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			addresses := []netip.AddrPort{six, four, six2, far}[:len(test.fates)]
			fates := make(map[netip.AddrPort]fate)
			for i, address := range addresses {
				fates[address] = test.fates[i]
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if test.within != 0 {
				ctx, cancel = context.WithTimeout(t.Context(), test.within)
			}
			defer cancel()
			track := newTrack(fates)
			socket, err := (&Dialer{dial: track.dial}).connect(ctx, addresses)
			took := time.Since(track.began)
			failure, _ := errors.AsType[*Failure](err)
			switch {
			case test.winner.IsValid() && (err != nil || track.closed(test.winner)):
				t.Errorf("%s: %v, want a connection to %v", name, err, test.winner)
			case !test.winner.IsValid() && (failure == nil || failure.Outcome != test.outcome || failure.Blame != test.blame):
				t.Errorf("%s: %v, %v, want %v of %v", name, socket, err, test.outcome, test.blame)
			}
			for address := range track.open {
				if address != test.winner && !track.closed(address) {
					t.Errorf("%s: the connection to %v, which lost, is open", name, address)
				}
			}
			if took != test.took || !slices.Equal(track.started, test.started) {
				t.Errorf("%s: took %v, want %v; attempts at %v, want %v", name, took, test.took, track.started, test.started)
			}
			if socket != nil {
				socket.Close()
			}
		})
	}
}

// A cancelled race is our own, whatever an address said before; an attempt that connects in that moment is closed.
func TestCancelledRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		track := newTrack(map[netip.AddrPort]fate{six: {err: syscall.ECONNREFUSED}, four: {}, six2: {}})
		_, err := (&Dialer{dial: track.dial}).connect(ctx, []netip.AddrPort{six, four, six2})
		failure, _ := errors.AsType[*Failure](err)
		if failure == nil || failure.Blame != types.Blame_BLAME_SELF || !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if took := time.Since(track.began); took != 300*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// Two attempts that connect at the same moment leave one connection.
func TestDeadHeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		track := newTrack(map[netip.AddrPort]fate{six: {after: attemptDelay + time.Second, connects: true}, four: {after: time.Second, connects: true}})
		socket, err := (&Dialer{dial: track.dial}).connect(t.Context(), []netip.AddrPort{six, four})
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		if len(track.open) != 2 || track.closed(six) == track.closed(four) {
			t.Errorf("%d connections made; closed: %t, %t", len(track.open), track.closed(six), track.closed(four))
		}
	})
}
