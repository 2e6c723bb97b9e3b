package fisherman

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// loadDuration is the variable that says how long BenchmarkSessions keeps its load up, such as "10m"; 15 s without it.
const (
	loadDuration = "FISHERMAN_BENCH_LOAD"
	shortLoad    = 15 * time.Second
)

// The load: so many sessions at once, of so many blocks, servicers and checks each.
const (
	loadSessions  = 100
	loadServicers = 24
	loadBlocks    = 10
	loadChecks    = 5
	loadInterval  = time.Second
)

// BenchmarkSessions runs one fisherman in 100 sessions of 24 servicers at once, as its node does: by heads, over real
// sockets, into a real store. Sessions of 10 blocks of a second have 5 checks each: 50 rounds, or 1200 samples, fall due
// in a second. The metrics say whether the schedule was held and whether memory stayed flat.
func BenchmarkSessions(b *testing.B) {
	lasting, err := time.ParseDuration(os.Getenv(loadDuration))
	if err != nil {
		lasting = shortLoad
	}
	far := startFarside(b, loadSessions*loadServicers, false)
	quiet := newQuiet()
	watched := newLoad(b, far.actors, 0)
	cpu, began := ownProcessorTime(), time.Now()
	watched.run(lasting)
	used := float64(ownProcessorTime()-cpu) / float64(time.Since(began))
	watched.report(quiet)
	b.ReportMetric(100*used, "cpu-%")
	quiet.report(b)
}

// loadChain gives one fisherman many sessions.
type loadChain struct {
	heads  chan types.Head
	actors []*types.Actor
	ask    round.Ask
}

// Subscribe implements Heads.
func (c *loadChain) Subscribe() (<-chan types.Head, func()) { return c.heads, func() {} }

// Sessions implements Sessions.
func (c *loadChain) Sessions(_ context.Context, height int64) ([]*types.Session, error) {
	sessions := make([]*types.Session, len(c.actors)/loadServicers)
	start := height - height%loadBlocks
	for i := range sessions {
		members := c.actors[i*loadServicers : (i+1)*loadServicers]
		sessions[i] = sessionOf(start, loadBlocks, height, members...)
		sessions[i].Header.Id = fmt.Sprintf("%032x%032x", start, i)
	}
	return sessions, nil
}

// Ask implements Network.
func (c *loadChain) Ask(session *types.Session, servicer *types.Actor, payload types.Payload) (Request, error) {
	return c.ask(session, servicer, payload)
}

// Policy implements Sessions.
func (c *loadChain) Policy(context.Context, *types.Session) (Policy, error) {
	policy := testPolicy()
	policy.Checks, policy.Distribution = loadChecks, schedule.StratifiedJitter
	policy.SessionsRetained = 3 * len(c.actors) / loadServicers
	return policy, nil
}

// load is a fisherman in many sessions, and the store that its rounds end up in.
type load struct {
	*local.Store
	b         *testing.B
	chain     *loadChain
	fisherman *Fisherman

	mu sync.Mutex
	// rounds and samples by what became of them.
	done, void, dropped, answered, nulls int
	lateness, skew                       []time.Duration
	// connected is when connections should have been made, and connecting how late rounds before that were; the zero time
	// counts all rounds alike.
	connected  time.Time
	connecting []time.Duration
	// heaps are the bytes in use at every session's end, after a collection.
	heaps []float64
}

// newLoad makes a fisherman of servicers, 24 in each session, with a budget of requests; 0 for the usual one.
func newLoad(b *testing.B, actors []*types.Actor, requests int) *load {
	b.Helper()
	store, err := local.Open(b.TempDir(), local.DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	l := &load{Store: store, b: b, chain: &loadChain{heads: make(chan types.Head, 1), actors: actors}}
	fleet := newFleet(b, actors)
	l.chain.ask = fleet.ask
	l.fisherman, err = New(Config{
		Secret:        [32]byte{7},
		Chains:        map[string]Chain{chain: {Catalogue: own(question.CometBFT())}},
		BlockInterval: loadInterval,
		MostRequests:  requests,
	}, l.chain, fleet.dial, l)
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// run has the fisherman follow the chain for whole sessions, at least for a time.
func (l *load) run(lasting time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.fisherman.Run(ctx) }()
	blocks := (int64(lasting/loadInterval)/loadBlocks + 1) * loadBlocks
	ticker := time.NewTicker(loadInterval)
	defer ticker.Stop()
	for height := int64(loadBlocks); height <= loadBlocks+blocks; height++ {
		l.chain.heads <- types.Head{Height: height}
		if height%loadBlocks == loadBlocks-1 {
			l.weigh()
		}
		<-ticker.C
	}
	cancel()
	if err := <-ended; err != nil {
		l.b.Error(err)
	}
}

// weigh notes how much memory is in use.
func (l *load) weigh() {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heaps = append(l.heaps, float64(memory.HeapAlloc))
}

// PutAll implements Store; it looks at the rounds on their way.
func (l *load) PutAll(ctx context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error {
	errs := l.Store.PutAll(ctx, sessions, rounds)
	if err := errors.Join(errs...); err != nil {
		l.b.Error(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, record := range rounds {
		l.note(record)
	}
	return errs
}

// note counts a round. It requires mu.
func (l *load) note(record *types.QoSRound) {
	switch record.GetStatus() {
	case types.RoundStatus_ROUND_STATUS_DROPPED:
		l.dropped++
		return
	case types.RoundStatus_ROUND_STATUS_VOID:
		l.void++
	default:
		l.done++
	}
	late := time.Duration(record.GetReleasedUnixNano() - record.GetPlannedUnixNano())
	if time.Unix(0, record.GetPlannedUnixNano()).Before(l.connected) {
		l.connecting = append(l.connecting, late)
	} else {
		l.lateness = append(l.lateness, late)
	}
	l.skew = append(l.skew, record.GetSkew().AsDuration())
	for _, sample := range record.GetSamples() {
		if sample.GetOutcome() == types.Outcome_OUTCOME_OK {
			l.answered++
		} else {
			l.nulls++
		}
	}
}

func (l *load) report(quiet quiet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rounds := float64(l.done + l.void + l.dropped)
	l.b.ReportMetric(rounds, "rounds")
	l.b.ReportMetric(100*float64(l.dropped)/rounds, "dropped-%")
	l.b.ReportMetric(100*float64(l.void)/rounds, "void-%")
	l.b.ReportMetric(100*float64(l.nulls)/float64(l.answered+l.nulls), "unanswered-%")
	quiet.reportTimes(l.b, "late", l.lateness)
	quiet.reportTimes(l.b, "skew", l.skew)
	// Connections are made in the first session; from then on nothing should grow.
	half, last := l.heaps[len(l.heaps)/2], l.heaps[len(l.heaps)-1]
	l.b.ReportMetric(half/(1<<20), "half-time-heap-MB")
	l.b.ReportMetric(last/(1<<20), "last-heap-MB")
}
