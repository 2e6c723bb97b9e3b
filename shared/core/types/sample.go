package types

import "time"

// Label returns the source's short name: "KERNEL", "USER_SPACE".
func (t TimingSource) Label() string { return label(t.String(), "TIMING_SOURCE_") }

// SchedulingDelay returns how much longer the exchange took for the fisherman's program than for the kernel: its
// user-space round-trip time less the kernel's. False if the sample was not timed by the kernel.
func (s *QoSSample) SchedulingDelay() (time.Duration, bool) {
	if s.GetTiming() != TimingSource_TIMING_SOURCE_KERNEL {
		return 0, false
	}
	return max(0, s.GetUserRoundTripTime().AsDuration()-s.GetRoundTripTime().AsDuration()), true
}
