package wire

import "golang.org/x/sys/unix"

// Living returns for each of some connections whether it is alive, as Alive does; false for nil. All are looked at in one
// call of the kernel, and those that have an event once more, each by itself.
func Living(conns []*Conn) []bool {
	living, quiet := make([]bool, len(conns)), quietOf(conns)
	for i, conn := range conns {
		living[i] = conn != nil && (quiet[i] && !conn.unread() || conn.Alive())
	}
	return living
}

// quietOf returns for each of some connections whether nothing has come, no end of the stream either. It is false where that
// is not known.
func quietOf(conns []*Conn) []bool {
	quiet, events := make([]bool, len(conns)), make([]unix.PollFd, len(conns))
	for i, conn := range conns {
		events[i] = unix.PollFd{Fd: -1, Events: unix.POLLIN | unix.POLLRDHUP} // the kernel passes over a negative one
		if conn == nil {
			continue
		}
		if held, is := conn.socket.(*heldSocket); is {
			events[i].Fd = int32(held.descriptor)
		}
	}
	if _, err := unix.Poll(events, 0); err != nil {
		return quiet
	}
	for i, event := range events {
		quiet[i] = event.Fd >= 0 && event.Revents == 0
	}
	return quiet
}
