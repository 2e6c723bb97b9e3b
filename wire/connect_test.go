package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// swallowing is an address that neither accepts nor refuses: its queue of connections is full.
func swallowing(t *testing.T) netip.AddrPort {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(socket) })
	if err := errors.Join(syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(socket, 0)); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	address := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(bound.(*syscall.SockaddrInet4).Port))
	fillUp(t, address)
	return address
}

// swallowingSix is swallowing on IPv6's loopback address, at a port.
func swallowingSix(t *testing.T, port uint16) {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Skip("this system has no IPv6")
	}
	t.Cleanup(func() { syscall.Close(socket) })
	loopback := netip.IPv6Loopback()
	if err := errors.Join(syscall.SetsockoptInt(socket, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1),
		syscall.Bind(socket, &syscall.SockaddrInet6{Port: int(port), Addr: loopback.As16()}), syscall.Listen(socket, 0)); err != nil {
		t.Skipf("no IPv6 on loopback: %v", err)
	}
	fillUp(t, netip.AddrPortFrom(loopback, port))
}

// fillUp fills the queue of connections of a listener that accepts none.
func fillUp(t *testing.T, address netip.AddrPort) {
	t.Helper()
	for range 16 {
		filler, err := net.DialTimeout("tcp", address.String(), 50*time.Millisecond)
		if err != nil {
			return
		}
		t.Cleanup(func() { filler.Close() })
	}
	t.Skip("this system takes any number of connections")
}

// refusing is an address at which nobody listens.
func refusing(t *testing.T) netip.AddrPort {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(bound.(*syscall.SockaddrInet4).Port))
}

// unreachable is an address that this machine itself refuses to send to; nothing leaves it.
var unreachable = netip.MustParseAddrPort("255.255.255.255:9")

func TestConnectTriesEveryAddress(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	open := netip.MustParseAddrPort(listener.Addr().String())
	for name, addresses := range map[string][]netip.AddrPort{
		"after a refusal":       {refusing(t), open},
		"after one of our own":  {unreachable, open},
		"after one that hangs":  {swallowing(t), open},
		"after several of them": {swallowing(t), refusing(t), swallowing(t), open},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
		socket, err := new(Dialer).connect(ctx, addresses)
		cancel()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if socket.RemoteAddr().String() != open.String() {
			t.Errorf("%s: connected to %v", name, socket.RemoteAddr())
		}
		socket.Close()
	}
}

// A host whose IPv6 address is dead is connected to by IPv4, a moment later.
func TestDeadIPv6CostsLittle(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	live := netip.MustParseAddrPort(listener.Addr().String())
	swallowingSix(t, live.Port())
	_, resolver := resolveBy(t, func(string, int) []string { return []string{"127.0.0.1", "::1"} })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := (&Dialer{AllowPrivate: true, Resolver: resolver}).Dial(ctx, fmt.Sprintf("http://both.example:%d", live.Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if conn.socket.RemoteAddr().String() != live.String() || conn.Phases.Connect < attemptDelay || conn.Phases.Connect > 4*attemptDelay {
		t.Errorf("connected to %v after %v", conn.socket.RemoteAddr(), conn.Phases.Connect)
	}
}

func TestConnectFailures(t *testing.T) {
	t.Parallel()
	const connect, timeout, void = types.Outcome_OUTCOME_CONNECT, types.Outcome_OUTCOME_TIMEOUT, types.Outcome_OUTCOME_VOID
	const servicer, unknown = types.Blame_BLAME_SERVICER, types.Blame_BLAME_UNKNOWN
	for name, test := range map[string]struct {
		addresses []netip.AddrPort
		outcome   types.Outcome
		blame     types.Blame
	}{
		"refused":             {[]netip.AddrPort{refusing(t)}, connect, servicer},
		"hanging":             {[]netip.AddrPort{swallowing(t)}, timeout, servicer},
		"no route":            {[]netip.AddrPort{unreachable}, void, unknown},
		"refused, then ours":  {[]netip.AddrPort{refusing(t), unreachable}, connect, servicer},
		"ours, then refused":  {[]netip.AddrPort{unreachable, refusing(t)}, connect, servicer},
		"refused, then hangs": {[]netip.AddrPort{refusing(t), swallowing(t)}, timeout, servicer},
		"hanging, then ours":  {[]netip.AddrPort{swallowing(t), unreachable}, timeout, servicer},
		"no route to either":  {[]netip.AddrPort{unreachable, unreachable}, void, unknown},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		started := time.Now()
		_, err := new(Dialer).connect(ctx, test.addresses)
		cancel()
		failure, _ := errors.AsType[*Failure](err)
		if failure == nil || failure.Outcome != test.outcome || failure.Blame != test.blame {
			t.Errorf("%s: %v, want %v of %v", name, err, test.outcome, test.blame)
		}
		if took := time.Since(started); took > 2*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func TestWhoseFault(t *testing.T) {
	const reset, void = types.Outcome_OUTCOME_RESET, types.Outcome_OUTCOME_VOID
	for _, ours := range []error{
		context.Canceled, net.ErrClosed, syscall.EMFILE, syscall.ENOSPC, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRNOTAVAIL,
		syscall.EACCES, syscall.EPERM, syscall.ENETDOWN,
	} {
		wrapped := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", ours)}
		if failure := Fail(reset, types.Attempt_ATTEMPT_CONNECT, wrapped); failure.Outcome != void || failure.Blame != types.Blame_BLAME_SELF {
			t.Errorf("%v: %v of %v", ours, failure.Outcome, failure.Blame)
		}
	}
	to := func(address string, err error) error {
		return &net.OpError{Op: "dial", Addr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address)), Err: os.NewSyscallError("connect", err)}
	}
	for _, noRoute := range []error{
		to("192.0.2.1:80", syscall.ENETUNREACH), to("[2001:db8::1]:80", syscall.ENETUNREACH), to("[2001:db8::1]:80", syscall.EADDRNOTAVAIL),
	} {
		if failure := Fail(reset, types.Attempt_ATTEMPT_CONNECT, noRoute); failure.Outcome != void || failure.Blame != types.Blame_BLAME_UNKNOWN {
			t.Errorf("%v: %v of %v", noRoute, failure.Outcome, failure.Blame)
		}
	}
	noPorts := to("192.0.2.1:80", syscall.EADDRNOTAVAIL)
	if failure := Fail(reset, types.Attempt_ATTEMPT_CONNECT, noPorts); failure.Outcome != void || failure.Blame != types.Blame_BLAME_SELF {
		t.Errorf("%v: %v of %v", noPorts, failure.Outcome, failure.Blame)
	}
	for _, theirs := range []error{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.EHOSTUNREACH, errors.New("whatever")} {
		wrapped := &net.OpError{Op: "read", Err: os.NewSyscallError("read", theirs)}
		if failure := brokenStream(types.Attempt_ATTEMPT_READ_RESPONSE, wrapped); failure.Outcome != reset || failure.Blame != types.Blame_BLAME_SERVICER || !errors.Is(failure, theirs) {
			t.Errorf("%v: %v of %v", theirs, failure.Outcome, failure.Blame)
		}
	}
	for _, late := range []error{os.ErrDeadlineExceeded, context.DeadlineExceeded, syscall.ETIMEDOUT} {
		if failure := brokenStream(types.Attempt_ATTEMPT_READ_RESPONSE, fmt.Errorf("wrapped: %w", late)); failure.Outcome != types.Outcome_OUTCOME_TIMEOUT || failure.Blame != types.Blame_BLAME_SERVICER {
			t.Errorf("%v: %v of %v", late, failure.Outcome, failure.Blame)
		}
	}
}
