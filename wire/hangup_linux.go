package wire

import "golang.org/x/sys/unix"

// hungUp tells whether the far side of a socket has closed or reset it, whatever still waits to be read. Both hang up our
// side of reading; POLLERR says nothing, for it is reported as long as a stamp of a transmission waits.
func hungUp(descriptor int) bool {
	events := []unix.PollFd{{Fd: int32(descriptor), Events: unix.POLLRDHUP}}
	_, err := unix.Poll(events, 0)
	return err == nil && events[0].Revents&(unix.POLLRDHUP|unix.POLLHUP) != 0
}
