package fisherman

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// fault is one way for a servicer to misbehave.
type fault struct {
	name string
	make func() fakes.Fault
}

// neighbourFaults are those that a servicer can have, by the names of package fakes.
func neighbourFaults() []fault {
	return []fault{
		{"Down", fakes.Down},
		{"Mute", fakes.Mute},
		{"Resetting", fakes.Resetting},
		{"Closing", fakes.Closing},
		{"Cutting", fakes.Cutting},
		{"Hanging", fakes.Hanging},
		{"Sleepy", func() fakes.Fault { return fakes.Sleepy(time.Second) }},
		{"Dripping", func() fakes.Fault { return fakes.Dripping(time.Millisecond) }},
		{"Bomb", fakes.Bomb},
		{"Huge", fakes.Huge},
		{"Wordy", func() fakes.Fault { return fakes.Wordy(1 << 19) }},
		{"Blustering", func() fakes.Fault { return fakes.Blustering(1<<19, "lie") }},
		{"Encoded", fakes.Encoded},
		{"Redirecting", func() fakes.Fault { return fakes.Redirecting("http://127.0.0.1:1/") }},
		{"Erring", func() fakes.Fault { return fakes.Erring(http.StatusBadGateway) }},
		{"Garbled", fakes.Garbled},
		{"Forging", fakes.Forging},
		{"Replaying", fakes.Replaying},
		{"Refusing", func() fakes.Fault { return fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_WRONG_SERVICER) }},
		{"Broken", fakes.Broken},
		{"Paging", fakes.Paging},
		{"Lying", func() fakes.Fault { return fakes.Lying("lie") }},
		{"Chatty", fakes.Chatty},
		{"Anticipating", fakes.Anticipating},
	}
}

// childTB lets a child process start fakes. They end with the process.
type childTB struct{ testing.TB }

func (childTB) Helper()                           {}
func (childTB) Cleanup(func())                    {}
func (childTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func playFaulty(told *json.Decoder, said *json.Encoder) error {
	var name string
	if err := told.Decode(&name); err != nil {
		return err
	}
	all := neighbourFaults()
	at := slices.IndexFunc(all, func(f fault) bool { return f.name == name })
	if at < 0 {
		return fmt.Errorf("no fault %q", name)
	}
	if err := said.Encode(fakes.Start(childTB{}, all[at].make()).Actor()); err != nil {
		return err
	}
	awaitEnd(told)
	return nil
}

// BenchmarkNeighbour compares the round-trip times of 23 honest servicers next to a faulty one with those next to an
// honest one, in turns. The fault has a process of its own. The distortion is what the round-trip time has beyond the
// time that the servicer itself measured: the machine's load moves the latter too, the fisherman only the former.
func BenchmarkNeighbour(b *testing.B) {
	for _, fault := range neighbourFaults() {
		b.Run(fault.name, func(b *testing.B) { neighbourOf(b, fault.name) })
	}
}

func neighbourOf(b *testing.B, name string) {
	far := startFarside(b, 24, false)
	faulty := new(types.Actor)
	startChild(b, "faulty").ask(name, faulty)
	honest := newFleet(b, far.actors)
	honest.policy.Timeout = 50 * time.Millisecond
	mixed := newFleet(b, append(slices.Clone(far.actors[1:]), faulty))
	mixed.policy = honest.policy
	honest.warm()
	far.took(len(far.actors))
	distortions(far, mixed.check())
	quiet := newQuiet()
	var alone, beside neighbours
	for b.Loop() {
		alone.add(far, honest.check(), far.actors[0].GetAddress())
		beside.add(far, mixed.check(), faulty.GetAddress())
	}
	quiet.reportTimes(b, "alone", alone.distortions)
	quiet.reportTimes(b, "beside", beside.distortions)
	if quiet.report(b) {
		b.ReportMetric(movedMicros(alone.distortions, beside.distortions), "moved-p99-µs")
		b.ReportMetric(movedMicros(alone.roundTrips, beside.roundTrips), "rtt-moved-p99-µs")
	}
}

// neighbours are what was seen of a round's servicers but one.
type neighbours struct{ distortions, roundTrips []time.Duration }

func (n *neighbours) add(far *farside, record *types.QoSRound, without string) {
	record.Samples = slices.DeleteFunc(record.Samples, func(s *types.QoSSample) bool { return s.GetServicer() == without })
	n.distortions = append(n.distortions, distortions(far, record)...)
	for _, sample := range answers(record) {
		n.roundTrips = append(n.roundTrips, sample.GetRoundTripTime().AsDuration())
	}
}

// movedMicros is how much the 99th percentile has grown.
func movedMicros(from, to []time.Duration) float64 {
	return micros(percentile(to, 99) - percentile(from, 99))
}
