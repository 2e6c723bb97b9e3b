package wire

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// writeSlice is how long a write that the kernel does not take waits at a time, before it looks for Close.
const writeSlice = 10 * time.Millisecond

// heldSocket is a TCP connection that the runtime's poller watches only while somebody waits for its bytes. The kernel
// reports every stamped transmission as an event of the socket; were it watched all the time, each request of a round would
// wake a thread, in the middle of the round's release.
//
// To wait, the socket is put into an epoll instance of its own, and the runtime's poller watches that: it brings deadlines
// and closing with it. Reading, writing and waiting are syscall.RawConn's.
type heldSocket struct {
	net.Conn // closed already; it knows its addresses

	descriptor int
	gate       *os.File // the epoll instance
	waiting    syscall.RawConn
	// inside tells that the socket is in the gate. The reader owns it.
	inside bool

	// output is a write under way; the writer owns it.
	output struct {
		write func(descriptor uintptr) bool
		done  bool
		// once and wait are made once, so that writing allocates nothing.
		once, wait func(gate uintptr)
	}

	closed        atomic.Bool
	writeDeadline atomic.Pointer[time.Time]
}

// hold takes a connection over; tcp is closed, unless that fails.
func hold(tcp *net.TCPConn) (*heldSocket, error) {
	gate, err := newGate()
	if err != nil {
		return nil, err
	}
	waiting, err := gate.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, gate.Close())
	}
	descriptor, err := duplicate(tcp)
	if err != nil {
		return nil, errors.Join(err, gate.Close())
	}
	_ = tcp.Close() // only its descriptor: the connection has another one
	h := &heldSocket{Conn: tcp, descriptor: descriptor, gate: gate, waiting: waiting}
	h.output.once = func(uintptr) { h.output.done = h.output.write(uintptr(h.descriptor)) }
	h.output.wait = func(uintptr) { h.waitForRoom() }
	return h, nil
}

// newGate makes an epoll instance that the runtime's poller watches.
func newGate() (*os.File, error) {
	descriptor, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(descriptor, true); err != nil {
		return nil, errors.Join(err, unix.Close(descriptor))
	}
	return os.NewFile(uintptr(descriptor), "epoll"), nil
}

func duplicate(tcp *net.TCPConn) (descriptor int, err error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, err
	}
	var refused error
	err = raw.Control(func(original uintptr) {
		descriptor, refused = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0)
	})
	return descriptor, errors.Join(err, os.NewSyscallError("fcntl", refused))
}

// SyscallConn implements syscall.Conn.
func (h *heldSocket) SyscallConn() (syscall.RawConn, error) { return heldRaw{h}, nil }

// SetDeadline implements net.Conn.
func (h *heldSocket) SetDeadline(deadline time.Time) error {
	h.writeDeadline.Store(&deadline)
	return h.SetReadDeadline(deadline)
}

// SetReadDeadline implements net.Conn.
func (h *heldSocket) SetReadDeadline(deadline time.Time) error {
	return h.told(h.gate.SetReadDeadline(deadline))
}

// SetWriteDeadline implements net.Conn.
func (h *heldSocket) SetWriteDeadline(deadline time.Time) error {
	h.writeDeadline.Store(&deadline)
	return nil
}

// Close implements net.Conn. Closing the gate waits until everybody has let go of the socket.
func (h *heldSocket) Close() error {
	if h.closed.Swap(true) {
		return net.ErrClosed
	}
	return errors.Join(h.gate.Close(), unix.Close(h.descriptor))
}

// told names the error of a closed connection as net does.
func (h *heldSocket) told(err error) error {
	if err != nil && h.closed.Load() {
		return net.ErrClosed
	}
	return err
}

// heldRaw reads, writes and waits for a held socket.
type heldRaw struct{ *heldSocket }

// Control implements syscall.RawConn.
func (h heldRaw) Control(look func(descriptor uintptr)) error {
	return h.told(h.waiting.Control(func(uintptr) { look(uintptr(h.descriptor)) }))
}

// Read implements syscall.RawConn. One goroutine may read at a time.
func (h heldRaw) Read(read func(descriptor uintptr) bool) error {
	var broken error
	err := h.waiting.Read(func(gate uintptr) bool {
		if read(uintptr(h.descriptor)) {
			return true
		}
		broken = h.enter(int(gate))
		return broken != nil
	})
	if h.inside && h.waiting.Control(func(gate uintptr) { h.leave(int(gate)) }) != nil {
		h.inside = false // the gate is closed
	}
	return h.told(errors.Join(err, broken))
}

// enter has the gate open with the socket's next event, or at once if there is one. An event of before is forgotten.
func (h *heldSocket) enter(gate int) error {
	h.leave(gate)
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(h.descriptor)}
	err := unix.EpollCtl(gate, unix.EPOLL_CTL_ADD, h.descriptor, &event)
	h.inside = err == nil
	return os.NewSyscallError("epoll_ctl", err)
}

// leave takes the socket out of the gate.
func (h *heldSocket) leave(gate int) {
	if h.inside {
		_ = unix.EpollCtl(gate, unix.EPOLL_CTL_DEL, h.descriptor, nil) // it is inside
		h.inside = false
	}
}

// Write implements syscall.RawConn. The kernel takes a request at once as a rule; if it does not, Write waits in slices.
// One goroutine may write at a time.
func (h heldRaw) Write(write func(descriptor uintptr) bool) error {
	out := &h.output
	out.write = write
	for {
		if deadline := h.writeDeadline.Load(); deadline != nil && !deadline.IsZero() && !time.Now().Before(*deadline) {
			return os.ErrDeadlineExceeded
		}
		err := h.waiting.Control(out.once)
		if err == nil && !out.done {
			err = h.waiting.Control(out.wait)
		}
		if err != nil || out.done {
			return h.told(err)
		}
	}
}

// waitForRoom waits until the kernel may take more, for a slice of time at most. Writing again tells.
func (h *heldSocket) waitForRoom() {
	events := []unix.PollFd{{Fd: int32(h.descriptor), Events: unix.POLLOUT}}
	_, _ = unix.Poll(events, int(writeSlice.Milliseconds()))
}
