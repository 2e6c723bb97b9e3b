package fisherman

import (
	"fmt"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// BenchmarkRoundTripError compares the round-trip times of 24 servicers asked at once with what the servicers themselves
// measured: from the kernel's receipt of the request to the kernel's sending of the answer. The difference is the
// network's share, which is loopback here, and the fisherman's error.
func BenchmarkRoundTripError(b *testing.B) {
	for _, secure := range []bool{false, true} {
		for _, busy := range []bool{false, true} {
			for _, delay := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond} {
				name := fmt.Sprintf("tls=%v/busy=%v/%v", secure, busy, delay)
				b.Run(name, func(b *testing.B) { roundTripError(b, secure, busy, delay) })
			}
		}
	}
}

func roundTripError(b *testing.B, secure, busy bool, delay time.Duration) {
	far := startFarside(b, 24, secure)
	fleet := newFleet(b, far.actors)
	fleet.warm()
	if busy {
		keepBusy(b)
	}
	far.took(len(far.actors))
	far.delay(delay)
	quiet := newQuiet()
	var errors []time.Duration
	unstamped := 0
	for b.Loop() {
		record := fleet.check()
		for _, sample := range answers(record) {
			if sample.GetTiming() != types.TimingSource_TIMING_SOURCE_KERNEL {
				unstamped++
			}
		}
		errors = append(errors, distortions(far, record)...)
	}
	b.ReportMetric(100*float64(unstamped)/float64(b.N*len(far.actors)), "user-space-%")
	quiet.reportTimes(b, "error", errors)
	b.ReportMetric(100*(1-float64(len(errors))/float64(b.N*len(far.actors))), "void-%")
	quiet.report(b)
}

// distortions are, for the answers of a round, what the round-trip times have more or less than the servicers' own times.
func distortions(far *farside, record *types.QoSRound) []time.Duration {
	samples := answers(record)
	took := far.took(len(samples))
	var found []time.Duration
	for _, sample := range samples {
		if own := took[sample.GetServicer()]; own > 0 {
			found = append(found, (sample.GetRoundTripTime().AsDuration() - own).Abs())
		}
	}
	return found
}
