package fisherman

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// BenchmarkSample compares what a complete sample costs (question drawn, sealed, sent, received, opened, verified, read,
// compared, stored durably) with the floor: a client that signs and verifies and does nothing else. Both ask the same
// servicers over as many connections, in turns. Processor time is that of this process alone.
func BenchmarkSample(b *testing.B) {
	b.Run("24x4", func(b *testing.B) { costOfSamples(b, 24, 4, 16) })
	b.Run("1000x1", func(b *testing.B) { costOfSamples(b, 1000, 1, 1) })
}

// costOfSamples has so many workers carry out rounds of so many servicers, each so many in a turn.
func costOfSamples(b *testing.B, servicers, workers, each int) {
	far := startFarside(b, servicers, false)
	fleet := newFleet(b, far.actors)
	samplers, bare := newSamplers(b, fleet, workers), newBareClients(b, fleet, workers)
	samplers.turn(2)
	bare.turn(2)
	quiet := newQuiet()
	var ours, floor cost
	var processor, rate []float64
	for b.Loop() {
		f := bare.turn(each)
		o := samplers.turn(each)
		ours, floor = ours.plus(o), floor.plus(f)
		processor, rate = append(processor, o.perSample()/f.perSample()), append(rate, o.rate()/f.rate())
	}
	b.ReportMetric(median(processor), "cpu-ratio")
	b.ReportMetric(median(rate), "rate-ratio")
	b.ReportMetric(ours.perSample(), "cpu-µs/sample")
	b.ReportMetric(floor.perSample(), "bare-cpu-µs")
	b.ReportMetric(ours.rate(), "samples/s")
	b.ReportMetric(floor.rate(), "bare/s")
	quiet.report(b)
}

// cost is what a number of samples took.
type cost struct {
	samples         int
	processor, wall time.Duration
}

func (c cost) plus(d cost) cost {
	return cost{c.samples + d.samples, c.processor + d.processor, c.wall + d.wall}
}

// perSample is processor time, in microseconds.
func (c cost) perSample() float64 { return micros(c.processor) / float64(c.samples) }

func (c cost) rate() float64 { return float64(c.samples) / c.wall.Seconds() }

// turn runs workers side by side, each a number of rounds, and sums up what they count.
func turn(workers, each int, work func(worker int) (samples int)) cost {
	var running sync.WaitGroup
	counts := make([]int, workers)
	cpu, began := ownProcessorTime(), time.Now()
	for worker := range workers {
		running.Go(func() {
			for range each {
				counts[worker] += work(worker)
			}
		})
	}
	running.Wait()
	total := cost{processor: ownProcessorTime() - cpu, wall: time.Since(began)}
	for _, count := range counts {
		total.samples += count
	}
	return total
}

// ownProcessorTime is what this process has used so far, in user and kernel mode.
func ownProcessorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // cannot fail for oneself
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// bareClients are one client for each worker.
type bareClients []*bareClient

func newBareClients(b *testing.B, fleet *fleet, workers int) bareClients {
	b.Helper()
	var clients bareClients
	for range workers {
		clients = append(clients, newBareClient(b, fleet))
	}
	return clients
}

func (c bareClients) turn(each int) cost {
	return turn(len(c), each, func(worker int) int {
		c[worker].ask()
		return len(c[worker].targets)
	})
}

// samplers are one fisherman with a session for each worker.
type samplers struct {
	b         *testing.B
	fisherman *Fisherman
	sessions  []*followed
	next      []uint32
}

func newSamplers(b *testing.B, fleet *fleet, workers int) *samplers {
	b.Helper()
	store, err := local.Open(b.TempDir(), local.DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	made, err := New(Config{
		Secret:        [32]byte{7},
		Chains:        map[string]Chain{chain: {Catalogue: own(question.CometBFT())}},
		BlockInterval: time.Second,
	}, asking{ask: fleet.ask}, fleet.dial, store)
	if err != nil {
		b.Fatal(err)
	}
	writing, stop := context.WithCancel(context.Background())
	stored := make(chan struct{})
	go func() { defer close(stored); made.writer.run(writing) }()
	b.Cleanup(func() {
		made.writer.end()
		stop()
		<-stored
		made.pool.Close()
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	s := &samplers{b: b, fisherman: made, next: make([]uint32, workers)}
	for worker := range workers {
		session := sessionOf(1000, 10, 1005, fleet.actors...)
		session.Header.Id = fmt.Sprintf("%064x", worker+1)
		one, err := newFollowed(made.config.Secret, session, fleet.policy, made.chains.of(chain))
		if err != nil {
			b.Fatal(err)
		}
		s.sessions = append(s.sessions, one)
		made.writer.putSession(&types.QoSSession{Header: session.GetHeader(), Blocks: 10})
	}
	return s
}

func (s *samplers) turn(each int) cost {
	return turn(len(s.sessions), each, s.check)
}

// check carries out and stores one round as the run loop does; it counts the samples that are complete. A round that is void afterwards, for
// the machine was held up, had the same work done to it.
func (s *samplers) check(worker int) (samples int) {
	const head = 1_000_000
	ctx := context.Background()
	s.next[worker]++
	w, f := s.sessions[worker], s.fisherman
	asked, err := w.draw(s.next[worker], head, false)
	if err != nil {
		s.b.Error(err)
		return 0
	}
	_, record := f.carryOut(ctx, spec{rules: w.policy.Rules, Spec: round.Spec{Session: w.session, Index: s.next[worker], Question: asked,
		Due: time.Now(), Lead: round.LongestLead, Timeout: w.policy.Timeout}}, f.pool)
	if err := s.fisherman.StoreRound(ctx, record); err != nil {
		s.b.Error(err)
	}
	for _, sample := range record.GetSamples() {
		if len(sample.GetAnswerDigest()) > 0 {
			samples++
		}
	}
	return samples
}

// asking is a network that is asked only.
type asking struct {
	Network
	ask round.Ask
}

// Ask implements Network.
func (a asking) Ask(session *types.Session, servicer *types.Actor, payload types.Payload) (Request, error) {
	return a.ask(session, servicer, payload)
}
