package relay

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

	// mostStamped is the longest request whose transmission is stamped. A stamp is reported as an error event; beside a
	// send buffer that is full the runtime's poller would take it for a broken socket.
	mostStamped = 8 << 10
	// mostReports bounds the reports read after an exchange. A request that is sent again is reported again.
	mostReports = 64
)

// stampedConn is a TCP connection that notes when the kernel received what is read from it, and when it sent what was
// written. TLS runs over it. It blocks and ends as any connection, with one difference: bytes that had arrived before
// the deadline can be read after it.
type stampedConn struct {
	net.Conn // everything but reading and writing
	raw      syscall.RawConn

	mu       sync.Mutex
	deadline time.Time

	input  input
	output output
	// patience is until when a write waits, if it has to; zero when a deadline is set already.
	patience time.Time
	// overtaken counts the segments that had arrived out of order by the end of the last exchange.
	overtaken uint32
}

// input is a read under way; the reader owns it.
type input struct {
	buffer  []byte
	n       int
	err     error
	control [256]byte
	// arrival of the last bytes read; zero when they had no stamp.
	arrival time.Time
	// reports of what was sent, as far as they were read.
	reports []report
	// whenReady and now are made once, so that reading allocates nothing.
	whenReady func(descriptor uintptr) bool
	now       func(descriptor uintptr)
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
	// stamping tells that the kernel stamps transmissions at present.
	stamping bool
	// written counts the bytes since the stamps are numbered, and request those up to the end of the last request.
	written atomic.Uint32
	request uint32
	// waited tells that the kernel did not take a request at once: then the far side had a say in when it left.
	waited atomic.Bool
}

// newStampedConn has the kernel stamp a connection's arrivals; nil where it refuses.
func newStampedConn(socket net.Conn) *stampedConn {
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
	held, err := hold(tcp)
	if err != nil {
		return nil
	}
	s.Conn, s.raw = held, heldRaw{held}
	s.input.whenReady = func(descriptor uintptr) bool { return s.receive(descriptor) }
	s.input.now = func(descriptor uintptr) { s.receive(descriptor) }
	s.output.whenReady = s.send
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
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) && s.receiveLate() {
		err = nil
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
		n, controls, _, _, err := unix.Recvmsg(int(descriptor), in.buffer, in.control[:], 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			s.readReports(int(descriptor)) // which count as an event, so that nobody could wait with them there
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
// Without a stamp that proves it, or when segments came out of order, they were not there in time.
func (s *stampedConn) receiveLate() bool {
	in := &s.input
	if s.raw.Control(in.now) != nil || in.err != nil || in.n == 0 {
		return false
	}
	s.mu.Lock()
	deadline := s.deadline
	s.mu.Unlock()
	overtaken, err := s.outOfOrder()
	return err == nil && overtaken == s.overtaken && !deadline.IsZero() && !in.arrival.IsZero() &&
		step(deadline, time.Now()).Abs() <= clockTolerance && !in.arrival.After(deadline.Round(0))
}

// Write implements net.Conn. One goroutine may write at a time.
func (s *stampedConn) Write(p []byte) (int, error) {
	out := &s.output
	out.rest, out.err = p, nil
	err := s.raw.Write(out.whenReady)
	n := len(p) - len(out.rest)
	out.rest = nil
	if err == nil && out.err != nil {
		err = os.NewSyscallError("write", out.err)
	}
	return n, err
}

// send writes what the kernel takes; false when it takes no more at present.
func (s *stampedConn) send(descriptor uintptr) bool {
	out := &s.output
	for len(out.rest) > 0 {
		n, err := syscall.Write(int(descriptor), out.rest)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			out.waited.Store(true)
			if !s.patience.IsZero() {
				out.err = s.SetWriteDeadline(s.patience)
			}
			return out.err != nil
		case err != nil:
			out.err = err
			return true
		}
		out.rest = out.rest[n:]
		out.written.Add(uint32(n))
	}
	return true
}

// transmitted is the first report of the last request's last byte; zero when there is none, or when the request was not
// taken at once.
func (s *stampedConn) transmitted() time.Time {
	out := &s.output
	if !out.stamping || out.waited.Load() {
		return time.Time{}
	}
	_ = s.raw.Control(func(descriptor uintptr) { s.readReports(int(descriptor)) }) // a closed connection has none
	for _, report := range s.input.reports {
		if report.last == out.request-1 {
			return report.at
		}
	}
	return time.Time{}
}

// readReports reads what the kernel reports of transmissions.
func (s *stampedConn) readReports(descriptor int) {
	in := &s.input
	var payload [1]byte
	for range mostReports {
		_, controls, _, _, err := unix.Recvmsg(descriptor, payload[:], in.control[:], unix.MSG_ERRQUEUE)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return
		}
		if at, last, ok := transmissionOf(in.control[:controls]); ok && len(in.reports) < mostReports {
			in.reports = append(in.reports, report{at, last})
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
	var info *unix.TCPInfo
	var refused error
	err := s.raw.Control(func(descriptor uintptr) {
		info, refused = unix.GetsockoptTCPInfo(int(descriptor), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	if err = errors.Join(err, refused); err != nil {
		return 0, err
	}
	if info.Snd_wnd == 0 {
		return 0, errNotCounted
	}
	return info.Rcv_ooopack, nil
}
