package wire

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// timespecBytes are seconds and nanoseconds of 64 bits each, on every machine (struct scm_timestamping64).
	timespecBytes = 16
	// extendedErrBytes of struct sock_extended_err: errno, origin, type, code, padding, info, data.
	extendedErrBytes = 16
)

// arrivalOf finds the kernel's time of arrival in a message's control data; zero when there is none.
func arrivalOf(control []byte) time.Time {
	at, _, _ := stampsIn(control)
	return at
}

// transmissionOf finds the kernel's time of transmission in a report of the error queue, and the number of the last
// byte that it is of.
func transmissionOf(control []byte) (at time.Time, last uint32, ok bool) {
	at, report, found := stampsIn(control)
	if !found || at.IsZero() {
		return time.Time{}, 0, false
	}
	errno, origin := binary.NativeEndian.Uint32(report), report[4]
	kind, last := binary.NativeEndian.Uint32(report[8:]), binary.NativeEndian.Uint32(report[12:])
	if errno != uint32(unix.ENOMSG) || origin != unix.SO_EE_ORIGIN_TIMESTAMPING || kind != unix.SCM_TSTAMP_SND {
		return time.Time{}, 0, false
	}
	return at, last, true
}

// stampsIn reads the control messages that matter: a time, and what it is the time of.
func stampsIn(control []byte) (at time.Time, report []byte, found bool) {
	for len(control) >= unix.SizeofCmsghdr {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			return time.Time{}, nil, false
		}
		switch {
		case header.Level == unix.SOL_SOCKET && header.Type == unix.SO_TIMESTAMPING_NEW && len(data) >= timespecBytes:
			seconds, nanoseconds := binary.NativeEndian.Uint64(data), binary.NativeEndian.Uint64(data[8:])
			if seconds != 0 || nanoseconds != 0 {
				at = time.Unix(int64(seconds), int64(nanoseconds))
			}
		case (header.Level == unix.SOL_IP && header.Type == unix.IP_RECVERR ||
			header.Level == unix.SOL_IPV6 && header.Type == unix.IPV6_RECVERR) && len(data) >= extendedErrBytes:
			report, found = data, true
		}
		control = rest
	}
	return at, report, found
}
