package wire

import (
	"cmp"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// writeSlice is how long a write that the kernel does not take waits at a time, before it looks for Close.
const writeSlice = 10 * time.Millisecond

// heldSocket is a TCP connection that is watched only while somebody waits for its bytes. The kernel reports every stamped
// transmission as an event of the socket; were it watched all the time, as the runtime's poller does, each request of a round
// would wake a thread, in the middle of the round's release.
//
// To wait, the socket is armed in the epoll instance of the dialer's waker. Reading, writing and waiting are
// syscall.RawConn's; deadlines and closing end them as those of any connection.
type heldSocket struct {
	net.Conn // closed already; it knows its addresses

	descriptor int
	waker      *waker
	epoll      *epoll

	// woken has a token when something may have changed for the reader: bytes, the deadline, or closing.
	woken chan struct{}
	// armed is set while the epoll instance has the socket. The reader owns it.
	armed bool
	timer *time.Timer // of the reader, once it had to wait

	// ready is called, in the place of waking the reader, with the next event or when time is up; then it is nil. The waker's
	// mutex guards both.
	ready  func()
	expiry *time.Timer

	// using is locked for reading while the descriptor is used, and for closing it.
	using                       sync.RWMutex
	closed                      atomic.Bool
	readDeadline, writeDeadline atomic.Pointer[time.Time]
}

// hold takes a connection over; tcp is closed, unless that fails.
func hold(tcp *net.TCPConn, waker *waker) (*heldSocket, error) {
	descriptor, err := duplicate(tcp)
	if err != nil {
		return nil, err
	}
	h := &heldSocket{Conn: tcp, descriptor: descriptor, waker: waker, woken: make(chan struct{}, 1)}
	if err := waker.add(h); err != nil {
		return nil, errors.Join(err, unix.Close(descriptor))
	}
	_ = tcp.Close() // only its descriptor: the connection has another one
	return h, nil
}

// wake has the reader look again.
func (h *heldSocket) wake() {
	select {
	case h.woken <- struct{}{}:
	default:
	}
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
	limit := limit(deadline)
	h.writeDeadline.Store(limit)
	return h.limitReading(limit)
}

// SetReadDeadline implements net.Conn.
func (h *heldSocket) SetReadDeadline(deadline time.Time) error {
	return h.limitReading(limit(deadline))
}

func (h *heldSocket) limitReading(limit *time.Time) error {
	h.readDeadline.Store(limit)
	h.wake()
	return h.whether()
}

// SetWriteDeadline implements net.Conn.
func (h *heldSocket) SetWriteDeadline(deadline time.Time) error {
	h.writeDeadline.Store(limit(deadline))
	return h.whether()
}

// limit is nil for no deadline.
func limit(deadline time.Time) *time.Time {
	if deadline.IsZero() {
		return nil
	}
	return &deadline
}

// whether returns the error of a closed connection.
func (h *heldSocket) whether() error {
	if h.closed.Load() {
		return net.ErrClosed
	}
	return nil
}

// Close implements net.Conn. It waits until everybody has let go of the socket.
func (h *heldSocket) Close() error {
	if h.closed.Swap(true) {
		return net.ErrClosed
	}
	h.wake()
	h.using.Lock()
	h.waker.remove(h)
	err := unix.Close(h.descriptor)
	h.using.Unlock()
	h.expire()
	return err
}

// watch has a function called once: when the socket has an event, at a deadline, or when it is closed. Nobody may read before.
func (h *heldSocket) watch(deadline time.Time, ready func()) error {
	h.using.RLock()
	defer h.using.RUnlock()
	h.waker.mu.Lock()
	defer h.waker.mu.Unlock()
	if err := h.whether(); err != nil {
		return err
	}
	if err := h.arm(); err != nil {
		return err
	}
	h.ready = ready
	if h.expiry == nil {
		h.expiry = time.AfterFunc(time.Until(deadline), h.expire)
	} else {
		h.expiry.Reset(time.Until(deadline))
	}
	return nil
}

// expire calls what is to be called.
func (h *heldSocket) expire() {
	h.waker.mu.Lock()
	ready := h.take()
	h.waker.mu.Unlock()
	if ready != nil {
		ready()
	}
}

// take returns what is to be called now; nil for nothing. It requires the waker's mutex.
func (h *heldSocket) take() func() {
	ready := h.ready
	if ready != nil {
		h.ready = nil
		h.expiry.Stop()
	}
	return ready
}

// heldRaw reads, writes and waits for a held socket.
type heldRaw struct{ *heldSocket }

// Control implements syscall.RawConn.
func (h heldRaw) Control(look func(descriptor uintptr)) error {
	h.using.RLock()
	defer h.using.RUnlock()
	if err := h.whether(); err != nil {
		return err
	}
	look(uintptr(h.descriptor))
	return nil
}

// Read implements syscall.RawConn. One goroutine may read at a time.
func (h heldRaw) Read(read func(descriptor uintptr) bool) error {
	defer h.disarm()
	for {
		select {
		case <-h.woken: // by what is looked at now
		default:
		}
		left, limited := left(&h.readDeadline)
		if limited && left <= 0 {
			return cmp.Or(h.whether(), os.ErrDeadlineExceeded)
		}
		if done, err := h.tryRead(read); done || err != nil {
			return err
		}
		h.await(left, limited)
	}
}

// left returns how long it is until a deadline, if there is one.
func left(deadline *atomic.Pointer[time.Time]) (left time.Duration, limited bool) {
	at := deadline.Load()
	if at == nil {
		return 0, false
	}
	return time.Until(*at), true
}

// tryRead reads, or arms the socket for what comes next.
func (h heldRaw) tryRead(read func(descriptor uintptr) bool) (done bool, err error) {
	h.using.RLock()
	defer h.using.RUnlock()
	if err := h.whether(); err != nil {
		return false, err
	}
	if read(uintptr(h.descriptor)) {
		return true, nil
	}
	return false, h.arm()
}

// arm has the socket's next event wake the reader, or one that is there. The descriptor has to be in use.
func (h *heldSocket) arm() error {
	event, change := unix.EpollEvent{Events: watchedEvents, Fd: int32(h.descriptor)}, unix.EPOLL_CTL_MOD
	if !h.armed {
		change = unix.EPOLL_CTL_ADD
	}
	err := unix.EpollCtl(h.epoll.descriptor, change, h.descriptor, &event)
	h.armed = h.armed || err == nil
	return os.NewSyscallError("epoll_ctl", err)
}

// disarm takes the socket out of the epoll instance, even if it has had its event: each transmission that the kernel reports would
// be looked at there, which takes a tenth of a write.
func (h heldRaw) disarm() {
	if h.armed {
		_ = h.Control(func(uintptr) { _ = unix.EpollCtl(h.epoll.descriptor, unix.EPOLL_CTL_DEL, h.descriptor, nil) }) // one that is closed is out
		h.armed = false
	}
}

// await waits for a token, and for a time if that is limited.
func (h *heldSocket) await(left time.Duration, limited bool) {
	if !limited {
		<-h.woken
		return
	}
	if h.timer == nil {
		h.timer = time.NewTimer(left)
	} else {
		h.timer.Reset(left)
	}
	defer h.timer.Stop()
	select {
	case <-h.woken:
	case <-h.timer.C:
	}
}

// Write implements syscall.RawConn. The kernel takes a request at once as a rule; if it does not, Write waits in slices.
// One goroutine may write at a time.
func (h heldRaw) Write(write func(descriptor uintptr) bool) error {
	for {
		if left, limited := left(&h.writeDeadline); limited && left <= 0 {
			return os.ErrDeadlineExceeded
		}
		if done, err := h.tryWrite(write); done || err != nil {
			return err
		}
	}
}

// tryWrite writes, or waits for a slice of time.
func (h heldRaw) tryWrite(write func(descriptor uintptr) bool) (done bool, err error) {
	h.using.RLock()
	defer h.using.RUnlock()
	if err := h.whether(); err != nil {
		return false, err
	}
	if done = write(uintptr(h.descriptor)); !done {
		h.waitForRoom()
	}
	return done, nil
}

// waitForRoom waits until the kernel may take more, for a slice of time at most. Writing again tells.
func (h *heldSocket) waitForRoom() {
	events := []unix.PollFd{{Fd: int32(h.descriptor), Events: unix.POLLOUT}}
	_, _ = unix.Poll(events, int(writeSlice.Milliseconds()))
}
