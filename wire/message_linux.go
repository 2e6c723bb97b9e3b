package wire

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiveMessage is recvmsg(2) on a socket that does not block, with at least one byte to receive into. unix.Recvmsg makes
// room for the sender's address each time, which a stream does not tell.
func receiveMessage(descriptor uintptr, p, control []byte, flags int) (n, controls int, err error) {
	vector := unix.Iovec{Base: &p[0]}
	vector.SetLen(len(p))
	header := unix.Msghdr{Iov: &vector, Control: &control[0]}
	header.SetIovlen(1)
	header.SetControllen(len(control))
	read, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, descriptor, uintptr(unsafe.Pointer(&header)), uintptr(flags))
	if errno != 0 {
		return 0, 0, errno
	}
	return int(read), int(header.Controllen), nil
}

// writeNow is send(2) on a socket, without blocking: write(2) takes a tenth longer. The Go runtime is not told of the call: when one
// takes long, because the kernel delivers over loopback within it, the runtime would give the processor to others, and the
// requests that a round has not released yet would wait for it.
func writeNow(descriptor uintptr, p []byte) (int, error) {
	written, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, descriptor, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(written), nil
}

// connectionInfo is the option TCP_INFO of a connection.
func connectionInfo(descriptor uintptr, info *unix.TCPInfo) error {
	size := uint32(unsafe.Sizeof(*info))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, descriptor, unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
