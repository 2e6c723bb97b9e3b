package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// arrivals has the kernel stamp what arrives; transmissions also what is sent, numbered by the bytes of the stream.
	arrivals = unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_RX_SOFTWARE |
		unix.SOF_TIMESTAMPING_OPT_ID | unix.SOF_TIMESTAMPING_OPT_TSONLY
	transmissions = arrivals | unix.SOF_TIMESTAMPING_TX_SOFTWARE

	// mostStamped is the longest request whose transmission is stamped. A stamp is reported as an event of the socket, which
	// would let nobody wait for room in a send buffer that is full.
	mostStamped = 8 << 10
	// mostReports bounds the reports read after an exchange. A request that is sent again is reported again.
	mostReports = 64
)

// stampedConn is a TCP connection that notes when the kernel received what is read from it, and when it sent what was
// written. TLS runs over it. It blocks and ends as any connection, with one difference: bytes that had arrived before
// the deadline can be read after it.
type stampedConn struct {
	net.Conn // everything but reading and writing
	held     *heldSocket
	raw      syscall.RawConn

	mu       sync.Mutex
	deadline time.Time

	input  input
	output output
	// overtaken counts the segments that had arrived out of order by the end of the last exchange.
	overtaken uint32
	// state of the connection as last asked for.
	state struct {
		ask       func(descriptor uintptr)
		overtaken uint32
		err       error
	}
}

// input is a read under way; the reader owns it.
type input struct {
	buffer  []byte
	n       int
	err     error
	control [256]byte
	// hurried: a read does not wait, but fails if there is nothing yet (notYet).
	hurried bool
	// arrival of the last bytes read; zero when they had no stamp.
	arrival time.Time
	// reports of what was sent, as far as they were read for this answer.
	reports []report
	// whenReady and now are made once, not for each read.
	whenReady func(descriptor uintptr) bool
	now       func(descriptor uintptr)
	collect   func(descriptor uintptr)
}

// report tells when the byte of a number was sent.
type report struct {
	at   time.Time
	last uint32
}

// output is a write under way; the writer owns it, but for the counts.
type output struct {
	rest      []byte
	err       error
	whenReady func(descriptor uintptr) bool
	// holding tells that a write must not wait: what the kernel does not take at once is held until it is flushed.
	holding bool
	held    []byte
	// stamping tells that the kernel stamps transmissions at present.
	stamping bool
	// written counts the bytes since the stamps are numbered, and request those up to the end of the last request.
	written atomic.Uint32
	request uint32
	// waited tells that the kernel did not take a request at once: then the far side had a say in when it left.
	waited atomic.Bool
}

// newStampedConn has the kernel stamp a connection's arrivals; nil where it refuses. The waker wakes its reader.
func newStampedConn(socket net.Conn, waker *waker) *stampedConn {
	tcp, ok := socket.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	s := &stampedConn{raw: raw}
	if s.stamp(arrivals) != nil {
		return nil
	}
	held, err := hold(tcp, waker)
	if err != nil {
		return nil
	}
	s.Conn, s.held, s.raw = held, held, heldRaw{held}
	s.input.whenReady = s.receive
	s.input.now = func(descriptor uintptr) { s.receive(descriptor) }
	s.input.collect = func(descriptor uintptr) { s.readReports(descriptor, true) }
	s.output.whenReady = s.send
	s.state.ask = func(descriptor uintptr) { s.state.overtaken, s.state.err = overtaken(descriptor) }
	return s
}

// stamp sets what the kernel stamps.
func (s *stampedConn) stamp(flags int) error {
	var refused error
	err := s.raw.Control(func(descriptor uintptr) {
		refused = unix.SetsockoptInt(int(descriptor), unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, flags)
	})
	return errors.Join(err, refused)
}

// begin prepares for exchanges, once the connection is ready for them.
func (s *stampedConn) begin() { s.overtaken, _ = s.outOfOrder() }

// expect prepares for a request of a size.
func (s *stampedConn) expect(size int) {
	s.output.waited.Store(false)
	wanted := size <= mostStamped
	if wanted == s.output.stamping {
		return
	}
	flags := arrivals
	if wanted {
		flags = transmissions
	}
	s.output.stamping = s.stamp(flags) == nil && wanted
}

// requested marks the end of a request.
func (s *stampedConn) requested() { s.output.request = s.output.written.Load() }

// forget prepares for the bytes of another answer.
func (s *stampedConn) forget() { s.input.arrival, s.input.reports = time.Time{}, s.input.reports[:0] }

// arrival is when the last bytes that were read had arrived.
func (s *stampedConn) arrival() time.Time { return s.input.arrival }

// SetDeadline implements net.Conn.
func (s *stampedConn) SetDeadline(deadline time.Time) error {
	s.setDeadline(deadline)
	return s.Conn.SetDeadline(deadline)
}

// SetReadDeadline implements net.Conn.
func (s *stampedConn) SetReadDeadline(deadline time.Time) error {
	s.setDeadline(deadline)
	return s.Conn.SetReadDeadline(deadline)
}

func (s *stampedConn) setDeadline(deadline time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = deadline
}

// Read implements net.Conn. One goroutine may read at a time.
func (s *stampedConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	in := &s.input
	in.buffer, in.n, in.err = p, 0, nil
	err := s.raw.Read(in.whenReady)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = s.receiveLate(err)
	}
	in.buffer = nil
	switch {
	case err != nil:
		return 0, err
	case in.err != nil:
		return 0, os.NewSyscallError("recvmsg", in.err)
	case in.n == 0:
		return 0, io.EOF
	}
	return in.n, nil
}

// receive reads what is there; false when there is nothing yet.
func (s *stampedConn) receive(descriptor uintptr) bool {
	in := &s.input
	for {
		n, controls, err := receiveMessage(descriptor, in.buffer, in.control[:], 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN) && !in.hurried:
			s.readReports(descriptor, false) // they count as events: nobody could wait while there are any
			return false
		case err != nil:
			in.err = err
		case n > 0:
			in.n, in.arrival = n, arrivalOf(in.control[:controls])
		}
		return true
	}
}

// receiveLate reads bytes after the deadline that the kernel had received before it: this program came late, not they.
// It gives the error of the expiry when there are none. Bytes that nobody can tell the time of are held against nobody,
// if this program came so late that it matters.
func (s *stampedConn) receiveLate(expired error) error {
	in := &s.input
	if s.raw.Control(in.now) != nil || in.err != nil || in.n == 0 {
		return expired
	}
	s.mu.Lock()
	deadline := s.deadline
	s.mu.Unlock()
	now := time.Now()
	overtaken, err := s.outOfOrder()
	proven := err == nil && overtaken == s.overtaken && !in.arrival.IsZero() && step(deadline, now).Abs() <= clockTolerance
	switch {
	case proven && !in.arrival.After(deadline.Round(0)):
		return nil
	case !proven && now.Sub(deadline) > lateLimit:
		return errReadLate
	}
	return expired
}

// Write implements net.Conn. One goroutine may write at a time.
func (s *stampedConn) Write(p []byte) (int, error) {
	out := &s.output
	if len(out.held) > 0 {
		out.held = append(out.held, p...)
		return len(p), nil
	}
	out.rest, out.err = p, nil
	err := s.raw.Write(out.whenReady)
	n := len(p) - len(out.rest)
	out.rest = nil
	if err == nil && out.err != nil {
		err = os.NewSyscallError("write", out.err)
	}
	return n, err
}

// hold has the next writes not wait, until what they held is flushed.
func (s *stampedConn) hold() { s.output.holding = true }

// holds reports whether something is held.
func (s *stampedConn) holds() bool { return len(s.output.held) > 0 }

// hurry has reads not wait, until it is called again.
func (s *stampedConn) hurry(hurried bool) { s.input.hurried = hurried }

// watch has ready called once, when something can be read, or at a deadline. It reports whether it will be.
func (s *stampedConn) watch(deadline time.Time, ready func()) bool {
	return s.held.watch(deadline, ready) == nil
}

// notYet reports whether a read that must not wait would have to.
func notYet(err error) bool { return errors.Is(err, unix.EAGAIN) }

// flush writes what is held, waiting until the deadline.
func (s *stampedConn) flush() error {
	held := s.output.held
	s.output.holding, s.output.held = false, nil
	if len(held) == 0 {
		return nil
	}
	_, err := s.Write(held)
	return err
}

// send writes what the kernel takes; false when it takes no more at present.
func (s *stampedConn) send(descriptor uintptr) bool {
	out := &s.output
	for len(out.rest) > 0 {
		n, err := writeNow(descriptor, out.rest)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			out.waited.Store(true)
			if out.holding {
				out.held, out.rest = append(out.held, out.rest...), nil
			}
			return out.holding
		case err != nil:
			out.err = err
			return true
		}
		out.rest = out.rest[n:]
		out.written.Add(uint32(n))
	}
	return true
}

// collect reads the reports of what was sent, unless that of the last request is there already.
func (s *stampedConn) collect() {
	if s.output.stamping && s.reported().IsZero() {
		_ = s.raw.Control(s.input.collect) // a closed connection has none
	}
}

// transmitted is when the last byte of the last request was first transmitted; zero when the kernel did not tell, or did
// not take the request at once.
func (s *stampedConn) transmitted() time.Time {
	s.collect()
	if !s.output.stamping || s.output.waited.Load() {
		return time.Time{}
	}
	return s.reported()
}

// reported is the time of the first report of the last request's last byte; zero when none was read.
func (s *stampedConn) reported() time.Time {
	for _, report := range s.input.reports {
		if report.last == s.output.request-1 {
			return report.at
		}
	}
	return time.Time{}
}

// readReports reads the reports that are there, or only up to that of the last request, once that is written.
func (s *stampedConn) readReports(descriptor uintptr, written bool) {
	in := &s.input
	var payload [1]byte
	for range mostReports {
		_, controls, err := receiveMessage(descriptor, payload[:], in.control[:], unix.MSG_ERRQUEUE)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return
		}
		if at, last, ok := transmissionOf(in.control[:controls]); ok && len(in.reports) < mostReports {
			in.reports = append(in.reports, report{at, last})
			if written && last == s.output.request-1 {
				return
			}
		}
	}
}

// inOrder tells whether no segment came out of order since it was last asked. A kernel that does not count them has no
// window of the far side to show either: both are of Linux 5.4.
func (s *stampedConn) inOrder() bool {
	overtaken, err := s.outOfOrder()
	before := s.overtaken
	s.overtaken = overtaken
	return err == nil && overtaken == before
}

var errNotCounted = errors.New("the kernel does not count segments out of order")

func (s *stampedConn) outOfOrder() (uint32, error) {
	if err := s.raw.Control(s.state.ask); err != nil {
		return 0, err
	}
	return s.state.overtaken, s.state.err
}

// overtaken is how many segments of a connection came out of order.
func overtaken(descriptor uintptr) (uint32, error) {
	var info unix.TCPInfo
	if err := connectionInfo(descriptor, &info); err != nil {
		return 0, err
	}
	if info.Snd_wnd == 0 {
		return 0, errNotCounted
	}
	return info.Rcv_ooopack, nil
}
