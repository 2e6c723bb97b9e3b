package fisherman

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stamped is a TCP connection that knows, by the kernel's clock, when its last bytes came in and went out.
type stamped struct {
	*net.TCPConn
	raw            syscall.RawConn
	received, sent time.Time
}

func newStamped(socket *net.TCPConn) (*stamped, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	const kinds = unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_RX_SOFTWARE |
		unix.SOF_TIMESTAMPING_TX_SOFTWARE | unix.SOF_TIMESTAMPING_OPT_TSONLY
	var set error
	err = raw.Control(func(descriptor uintptr) {
		set = unix.SetsockoptInt(int(descriptor), unix.SOL_SOCKET, unix.SO_TIMESTAMPING, kinds)
	})
	return &stamped{TCPConn: socket, raw: raw}, errors.Join(err, set)
}

// Read implements net.Conn.
func (s *stamped) Read(p []byte) (n int, err error) {
	var failed error
	err = s.raw.Read(func(descriptor uintptr) bool {
		var at time.Time
		n, at, failed = receive(descriptor, p, 0)
		if !at.IsZero() {
			s.received = at
		}
		return !errors.Is(failed, unix.EAGAIN)
	})
	if err = errors.Join(err, failed); err != nil {
		return 0, err
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Write implements net.Conn. The kernel tells of the sending on the error queue, before the write returns: loopback
// has no queue of its own.
func (s *stamped) Write(p []byte) (int, error) {
	s.sent = time.Time{}
	n, err := s.TCPConn.Write(p)
	_ = s.raw.Control(func(descriptor uintptr) {
		for {
			_, at, failed := receive(descriptor, nil, unix.MSG_ERRQUEUE)
			if failed != nil {
				return
			}
			s.sent = at
		}
	})
	return n, err
}

// since is from a moment to the last sending; 0 if the kernel did not tell one of them.
func (s *stamped) since(received time.Time) time.Duration {
	if received.IsZero() || s.sent.IsZero() {
		return 0
	}
	return s.sent.Sub(received)
}

// receive reads once without waiting, with the kernel's time of what was read.
func receive(descriptor uintptr, p []byte, flags int) (n int, at time.Time, err error) {
	control := make([]byte, 256)
	n, length, _, _, err := unix.Recvmsg(int(descriptor), p, control, flags|unix.MSG_DONTWAIT)
	if err != nil {
		return 0, at, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:length])
	if err != nil {
		return n, at, err
	}
	for _, message := range messages {
		if message.Header.Level == unix.SOL_SOCKET && message.Header.Type == unix.SO_TIMESTAMPING {
			stamps := (*unix.ScmTimestamping)(unsafe.Pointer(&message.Data[0]))
			at = time.Unix(stamps.Ts[0].Unix())
		}
	}
	return n, at, nil
}

// pin keeps the calling thread on one processor.
func pin(processor int) error {
	var only unix.CPUSet
	only.Set(processor)
	return unix.SchedSetaffinity(0, &only)
}
