package wire

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// message is one control message, as the kernel lays it out.
func message(level, kind int32, data []byte) []byte {
	built := make([]byte, unix.CmsgSpace(len(data)))
	length := unix.CmsgLen(len(data))
	if unix.SizeofPtr == 8 {
		binary.NativeEndian.PutUint64(built, uint64(length))
	} else {
		binary.NativeEndian.PutUint32(built, uint32(length))
	}
	binary.NativeEndian.PutUint32(built[unix.SizeofPtr:], uint32(level))
	binary.NativeEndian.PutUint32(built[unix.SizeofPtr+4:], uint32(kind))
	copy(built[unix.CmsgLen(0):], data)
	return built
}

func timeMessage(at time.Time) []byte {
	data := make([]byte, 3*timespecBytes)
	if !at.IsZero() {
		binary.NativeEndian.PutUint64(data, uint64(at.Unix()))
		binary.NativeEndian.PutUint64(data[8:], uint64(at.Nanosecond()))
	}
	return message(unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, data)
}

func reportOf(errno uint32, origin byte, kind, last uint32) []byte {
	data := make([]byte, extendedErrBytes+16) // the offender's address follows
	binary.NativeEndian.PutUint32(data, errno)
	data[4] = origin
	binary.NativeEndian.PutUint32(data[8:], kind)
	binary.NativeEndian.PutUint32(data[12:], last)
	return data
}

func TestControlMessages(t *testing.T) {
	at := time.Unix(1_700_000_000, 123_456_789)
	report := reportOf(uint32(unix.ENOMSG), unix.SO_EE_ORIGIN_TIMESTAMPING, unix.SCM_TSTAMP_SND, 42)
	v4, v6 := message(unix.SOL_IP, unix.IP_RECVERR, report), message(unix.SOL_IPV6, unix.IPV6_RECVERR, report)
	other := message(unix.SOL_SOCKET, unix.SCM_CREDENTIALS, make([]byte, 12))
	about := func(errno uint32, origin byte, kind uint32) []byte {
		return message(unix.SOL_IP, unix.IP_RECVERR, reportOf(errno, origin, kind, 42))
	}
	for name, test := range map[string]struct {
		control             []byte
		arrived, transmited bool
	}{
		"nothing":           {nil, false, false},
		"arrival":           {timeMessage(at), true, false},
		"another before":    {append(bytes.Clone(other), timeMessage(at)...), true, false},
		"transmission":      {append(timeMessage(at), v4...), true, true},
		"over IPv6":         {append(timeMessage(at), v6...), true, true},
		"report first":      {append(bytes.Clone(v4), timeMessage(at)...), true, true},
		"no time":           {v4, false, false},
		"time of zero":      {append(timeMessage(time.Time{}), v4...), false, false},
		"acknowledgement":   {append(timeMessage(at), about(uint32(unix.ENOMSG), unix.SO_EE_ORIGIN_TIMESTAMPING, unix.SCM_TSTAMP_ACK)...), true, false},
		"of ICMP":           {append(timeMessage(at), about(uint32(unix.ENOMSG), unix.SO_EE_ORIGIN_ICMP, unix.SCM_TSTAMP_SND)...), true, false},
		"an error":          {append(timeMessage(at), about(uint32(unix.ECONNREFUSED), unix.SO_EE_ORIGIN_TIMESTAMPING, unix.SCM_TSTAMP_SND)...), true, false},
		"report cut":        {append(timeMessage(at), message(unix.SOL_IP, unix.IP_RECVERR, report[:extendedErrBytes-1])...), true, false},
		"time cut":          {append(message(unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, make([]byte, timespecBytes-1)), v4...), false, false},
		"message cut":       {timeMessage(at)[:30], false, false},
		"header cut":        {timeMessage(at)[:unix.SizeofCmsghdr-1], false, false},
		"length beyond all": {append(bytes.Repeat([]byte{0xff}, unix.SizeofPtr), timeMessage(at)...), false, false},
	} {
		if got := arrivalOf(test.control); got.Equal(at) != test.arrived || got.IsZero() == test.arrived {
			t.Errorf("%s: arrived at %v", name, got)
		}
		got, last, found := transmissionOf(test.control)
		if found != test.transmited || found && (!got.Equal(at) || last != 42) {
			t.Errorf("%s: byte %d transmitted at %v, %t", name, last, got, found)
		}
	}
}

func FuzzControlMessages(f *testing.F) {
	at := time.Unix(1_700_000_000, 0)
	f.Add(append(timeMessage(at), message(unix.SOL_IP, unix.IP_RECVERR, reportOf(uint32(unix.ENOMSG), 4, 0, 7))...))
	f.Add(timeMessage(at))
	f.Fuzz(func(t *testing.T, control []byte) {
		if at, _, found := transmissionOf(control); found && !at.Equal(arrivalOf(control)) {
			t.Errorf("%v, %v", at, arrivalOf(control))
		}
	})
}
