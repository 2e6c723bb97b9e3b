package wire

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// sequences are the numbers of the next bytes that a socket sends and receives. Only the privileged may ask.
func sequences(t *testing.T, socket *net.TCPConn) (sends, receives uint32) {
	t.Helper()
	const receiveQueue, sendQueue = 1, 2
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(descriptor uintptr) {
		numberOf := func(queue int) uint32 {
			var number int
			if err == nil {
				err = unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_REPAIR_QUEUE, queue)
			}
			if err == nil {
				number, err = unix.GetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_QUEUE_SEQ)
			}
			return uint32(number)
		}
		if err = unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_REPAIR, unix.TCP_REPAIR_ON); err != nil {
			return
		}
		sends, receives = numberOf(sendQueue), numberOf(receiveQueue)
		unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_REPAIR, unix.TCP_REPAIR_OFF_NO_WP)
	})
	if err != nil {
		t.Skipf("may not look at sequence numbers here: %v", err)
	}
	return sends, receives
}

// overtake sends bytes of a stream that lie some bytes ahead of what its socket has sent.
func overtake(t *testing.T, far *net.TCPConn, ahead uint32, payload string) {
	t.Helper()
	sends, receives := sequences(t, far)
	from, to := far.LocalAddr().(*net.TCPAddr).AddrPort(), far.RemoteAddr().(*net.TCPAddr).AddrPort()
	segment := make([]byte, 20, 20+len(payload))
	binary.BigEndian.PutUint16(segment, from.Port())
	binary.BigEndian.PutUint16(segment[2:], to.Port())
	binary.BigEndian.PutUint32(segment[4:], sends+ahead)
	binary.BigEndian.PutUint32(segment[8:], receives)
	segment[12], segment[13] = 5<<4, 0x18 // no options; PSH and ACK
	binary.BigEndian.PutUint16(segment[14:], 512)
	segment = append(segment, payload...)
	binary.BigEndian.PutUint16(segment[16:], checksum(from.Addr(), to.Addr(), segment))
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_TCP)
	if err != nil {
		t.Skipf("may not send segments here: %v", err)
	}
	defer unix.Close(socket)
	if err := unix.Sendto(socket, segment, 0, &unix.SockaddrInet4{Addr: to.Addr().Unmap().As4()}); err != nil {
		t.Fatal(err)
	}
}

// checksum of a segment as RFC 9293 has it.
func checksum(from, to netip.Addr, segment []byte) uint16 {
	source, target := from.Unmap().As4(), to.Unmap().As4()
	summed := append(append(source[:], target[:]...), 0, unix.IPPROTO_TCP, byte(len(segment)>>8), byte(len(segment)))
	summed = append(summed, segment...)
	if len(summed)%2 == 1 {
		summed = append(summed, 0)
	}
	var sum uint32
	for ; len(summed) > 0; summed = summed[2:] {
		sum += uint32(binary.BigEndian.Uint16(summed))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// A servicer that sends the end of its answer before it knows the rest gains no time by that.
func TestLastByteSentFirst(t *testing.T) {
	conn, stream := stampedPair(t, "127.0.0.1:0", false)
	far := stream.(*net.TCPConn)
	sent, _ := release(t, conn, 5*time.Second)
	written := time.Now()
	hear(t, far)
	overtake(t, far, uint32(len(hiAnswer)-1), "i")
	passed(t, time.Now().Add(time.Millisecond))
	resumed := time.Now()
	io.WriteString(far, hiAnswer[:len(hiAnswer)-1])
	answer, err := conn.Receive()
	if err != nil || string(answer.Body) != "hi" {
		t.Fatal(err)
	}
	times := TimesOf(sent, written, answer, conn.Stamps())
	if times.Source() != types.TimingSource_TIMING_SOURCE_USER_SPACE || times.Kernel.InOrder || times.RoundTrip() < resumed.Sub(sent) {
		t.Errorf("%v, RTT %v, the rest was sent after %v: %+v", times.Source(), times.RoundTrip(), resumed.Sub(sent), times)
	}
}
