package fakes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Distance is how long a servicer of StartPiped takes for every request, beside what its fault takes: the round-trip
// time of an honest one in the virtual time of testing/synctest.
const Distance = time.Millisecond

// StartPiped starts a servicer without a listener: Connect is the only way to it, and nothing of it needs a socket or
// real time, so that it may live in a bubble of testing/synctest. It ends with the test.
func StartPiped(t testing.TB, fault Fault) *Servicer {
	t.Helper()
	scheme := "http://"
	if fault.mute {
		scheme = "https://"
	}
	s := newServicer(fault)
	s.distance = Distance
	s.settle(scheme, strings.ToLower(rand.Text())+".example")
	t.Cleanup(s.end)
	return s
}

// Connect makes a connection to a servicer of StartPiped: the near end of a net.Pipe. What delays a handshake delays
// Connect, and Down makes it fail with ECONNREFUSED. The near end tells of the far end's closing as a socket does to who
// looks at it (syscall.Conn).
func (s *Servicer) Connect(ctx context.Context) (net.Conn, error) {
	if s.fault.down {
		return nil, fmt.Errorf("connect to fake servicer: %w", syscall.ECONNREFUSED)
	}
	near, piped := net.Pipe()
	far := &farEnd{Conn: piped}
	if !s.enter(far) {
		return nil, errors.New("connect to fake servicer: it has ended")
	}
	if err := s.shakeHands(ctx); err != nil {
		s.leave(far)
		return nil, fmt.Errorf("connect to fake servicer: %w", err)
	}
	if s.fault.slam {
		s.leave(far)
	} else {
		s.handlers.Go(func() {
			defer s.leave(far)
			s.serve(far, far)
		})
	}
	return &nearEnd{Conn: near, far: far}, nil
}

// shakeHands takes as long as the fault wants it to.
func (s *Servicer) shakeHands(ctx context.Context) error {
	shaken := make(chan struct{})
	if !s.fault.mute {
		timer := time.AfterFunc(s.fault.dawdle, func() { close(shaken) })
		defer timer.Stop()
	}
	select {
	case <-shaken:
		return nil
	case <-s.ended:
		return errors.New("it has ended")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// farEnd is a servicer's end of a pipe.
type farEnd struct {
	net.Conn
	closed atomic.Bool
}

func (f *farEnd) Close() error {
	f.closed.Store(true)
	return f.Conn.Close()
}

// nearEnd is the other end. A pipe does not tell whether its far end was closed before it is read from. Who asks the
// system about the socket, as wire.Conn does, learns it here.
type nearEnd struct {
	net.Conn
	far *farEnd
}

// SyscallConn implements syscall.Conn.
func (n *nearEnd) SyscallConn() (syscall.RawConn, error) {
	if n.far.closed.Load() {
		return nil, net.ErrClosed
	}
	return quiet{}, nil
}

// quiet is a socket on which nothing has come.
type quiet struct{}

// Control implements syscall.RawConn.
func (quiet) Control(look func(descriptor uintptr)) error {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(pair[0])
	defer syscall.Close(pair[1])
	look(uintptr(pair[0]))
	return nil
}

// Read and Write implement syscall.RawConn; nobody reads or writes past the pipe.
func (quiet) Read(func(descriptor uintptr) bool) error  { return errors.ErrUnsupported }
func (quiet) Write(func(descriptor uintptr) bool) error { return errors.ErrUnsupported }
