package wire

import (
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// heldLimit is how long after the write a transmission may be stamped: what our own packet queue takes. Later than
	// that the request was held back by the far side's window or sent again, and a servicer that can choose when its time
	// begins is not to be believed.
	heldLimit = time.Millisecond
	// lateLimit is how long after a deadline this program may look whether bytes are there, and still take it that those
	// without a stamp came after it.
	lateLimit = 5 * time.Millisecond
	// clockTolerance is how far two readings of one clock may contradict each other.
	clockTolerance = 20 * time.Microsecond
)

// Stamps are the kernel's times of one exchange, by the wall clock; zero where there is none.
type Stamps struct {
	// Transmitted is when the kernel first handed the packet with the request's last byte to the network device.
	Transmitted time.Time
	// FirstByte and LastByte are when the segments arrived with which the first and the last byte of the answer were
	// read. Bytes that lay together when they were read have the time of the last of them.
	FirstByte, LastByte time.Time
	// InOrder tells that no segment overtook another one. Otherwise the last byte may have arrived before the answer was
	// complete; a servicer could even send it before it knows the answer.
	InOrder bool
	// Taken is when the stamps were collected: this program's own clocks.
	Taken time.Time
}

// Times of one exchange: this program's own, and the kernel's beside them.
type Times struct {
	// Sent and Written are right before and right after the write.
	Sent, Written time.Time
	// FirstByte and LastByte are when this program read them; zero without an answer.
	FirstByte, LastByte time.Time
	// Kernel's stamps of the same.
	Kernel Stamps
	// Step is how far the wall clock was set forward, or back, between request and answer.
	Step time.Duration
	// ahead is how far the wall clock was ahead of what Sent says of it: Sent is read from two clocks, one after the
	// other, and this program may be held up in between.
	ahead time.Duration
}

// TimesOf puts the times of an exchange together; the answer may be nil.
func TimesOf(sent, written time.Time, answer *Answer, kernel Stamps) Times {
	times := Times{Sent: sent, Written: written, Kernel: kernel}
	// A reading that was held up between the two clocks has the wall clock too early: the largest of several is right.
	times.ahead = max(0, step(sent, written))
	after := step(sent, kernel.Taken)
	if answer != nil {
		times.FirstByte, times.LastByte = answer.FirstByte, answer.LastByte
		after = max(after, step(sent, answer.FirstByte), step(sent, answer.LastByte))
	}
	times.Step = after - times.ahead
	return times
}

// step is how much more time passed on the wall clock than on the monotonic one.
func step(from, to time.Time) time.Duration {
	return to.Round(0).Sub(from.Round(0)) - to.Sub(from)
}

// Transmission is when the request left. It is the kernel's stamp, where there is one that can be right: not before the
// write, not later than heldLimit after it, and by a clock that was not set meanwhile. Otherwise it is Sent, and false.
// The result can be compared with this program's own times.
func (t Times) Transmission() (time.Time, bool) {
	stamp := t.Kernel.Transmitted
	if stamp.IsZero() || t.Sent.IsZero() || t.Step.Abs() > clockTolerance {
		return t.Sent, false
	}
	at := t.own(stamp)
	if at.Before(t.Sent.Add(-clockTolerance)) || at.After(t.Written.Add(heldLimit)) {
		return t.Sent, false
	}
	return at, true
}

// Source tells which clock RoundTrip and TimeToFirstByte go by. It is the kernel's when both ends are stamped and the
// stamps can be right: all segments in order, the arrival not before the transmission, and not after it was read.
func (t Times) Source() types.TimingSource {
	sent, stamped := t.Transmission()
	if !stamped || t.LastByte.IsZero() || !t.Kernel.InOrder || t.Kernel.FirstByte.IsZero() || t.Kernel.LastByte.IsZero() {
		return types.TimingSource_TIMING_SOURCE_USER_SPACE
	}
	arrived := t.own(t.Kernel.LastByte)
	if arrived.Before(sent) || arrived.After(t.LastByte.Add(clockTolerance)) {
		return types.TimingSource_TIMING_SOURCE_USER_SPACE
	}
	return types.TimingSource_TIMING_SOURCE_KERNEL
}

// RoundTrip is from the transmission of the request's last byte to the arrival of the answer's last, by Source.
func (t Times) RoundTrip() time.Duration {
	if t.Source() != types.TimingSource_TIMING_SOURCE_KERNEL {
		return t.UserRoundTrip()
	}
	return t.Kernel.LastByte.Sub(t.Kernel.Transmitted)
}

// UserRoundTrip is from right before the write until this program had read the last byte, on the monotonic clock. What
// it is longer than RoundTrip is this machine's own delay.
func (t Times) UserRoundTrip() time.Duration { return t.LastByte.Sub(t.Sent) }

// TimeToFirstByte is the time until the first byte, by Source; 0 when the answer began before the request was sent.
func (t Times) TimeToFirstByte() time.Duration {
	if t.Source() != types.TimingSource_TIMING_SOURCE_KERNEL {
		return max(0, t.FirstByte.Sub(t.Sent))
	}
	return max(0, t.Kernel.FirstByte.Sub(t.Kernel.Transmitted))
}

// Anticipated tells that the answer began before it was asked for: by the kernel's stamp of its arrival where there is
// one, which a late reader does not move. When the wall clock was set meanwhile it may have.
func (t Times) Anticipated() bool {
	if t.FirstByte.Before(t.Sent) || t.Step.Abs() > clockTolerance {
		return true
	}
	stamp := t.Kernel.FirstByte
	return !stamp.IsZero() && t.own(stamp).Before(t.Sent)
}

// own puts a stamp of the wall clock on this program's two clocks.
func (t Times) own(stamp time.Time) time.Time {
	return t.Sent.Add(stamp.Sub(t.Sent.Round(0)) - t.ahead)
}
