package types

import "time"

// Label returns the source's short name: "KERNEL", "USER_SPACE".
func (t TimingSource) Label() string { return label(t.String(), "TIMING_SOURCE_") }

// SchedulingDelay is how much later than the kernel the fisherman's own program saw the exchange: its user-space
// round-trip time less the kernel's. False when the sample was not timed by the kernel, so that nobody knows.
func (s *QoSSample) SchedulingDelay() (time.Duration, bool) {
	if s.GetTiming() != TimingSource_TIMING_SOURCE_KERNEL {
		return 0, false
	}
	return max(0, s.GetUserRoundTripTime().AsDuration()-s.GetRoundTripTime().AsDuration()), true
}
