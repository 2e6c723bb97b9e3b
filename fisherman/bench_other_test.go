//go:build !linux

package fisherman

import (
	"net"
	"time"
)

// stamped is a TCP connection that does not know when its bytes came and went: round-trip times cannot be checked here.
type stamped struct {
	*net.TCPConn
	received time.Time
}

func newStamped(socket *net.TCPConn) (*stamped, error) { return &stamped{TCPConn: socket}, nil }

func (*stamped) since(time.Time) time.Duration { return 0 }

// pin does nothing here.
func pin(int) error { return nil }
