package fisherman

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/network/networktest/memory"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

// network is a chain, its sessions and its servicers, all of which refuse connections at once: what is tested is when
// the loop asks whom. The control probe answers, so that rounds are done.
type network struct {
	heads chan types.Head
	store *memoryStore
	ask   round.Ask
	dial  Dial

	interval     time.Duration
	mostRequests int
	policy       Policy
	policyErr    error
	catalogues   map[string]question.Catalogue
	probe        Probe
	logger       *slog.Logger
	hooks        Hooks
	// members of the session that a height belongs to; by default a and b. nil for no session.
	members func(height int64) []*types.Actor
	// sessions of a height, where there is more than one.
	sessions func(height int64) []*types.Session
	// relayHead that sessions bring along; 0 for none.
	relayHead int64
	// failing says at which heights the chain's state cannot be read.
	failing func(height int64) bool

	// running is the fisherman of while.
	running *Fisherman

	mu     sync.Mutex
	dialed map[string]int
}

const sessionBlocks = 10

// latestRelease is the same as in package judge.
const latestRelease = 2*judge.LongestLead + judge.StallLimit

func actor(name string) *types.Actor {
	key := crypto.KeyFromSeed([32]byte([]byte(fmt.Sprintf("%-32s", name))))
	return &types.Actor{Address: key.Address(), PublicKey: key.PublicKeyHex(), ServiceUrl: "http://" + name + ".example"}
}

// own is a catalogue for the network's own chain, whose head is known.
func own(catalogue question.Catalogue) question.Catalogue {
	catalogue.Own = true
	return catalogue
}

func newNetwork() *network {
	n := &network{
		heads:      make(chan types.Head, 1),
		store:      newMemoryStore(),
		interval:   time.Second,
		policy:     testPolicy(),
		dialed:     make(map[string]int),
		catalogues: map[string]question.Catalogue{chain: own(question.CometBFT())},
	}
	n.probe = func(_ context.Context, payload types.Payload) (Answer, error) {
		var asked struct{ ID json.RawMessage }
		err := json.Unmarshal(payload.JSONRPC, &asked)
		return Answer{Body: fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":1}`, asked.ID)}, err
	}
	n.ask = (&memory.Network{}).Ask
	n.dial = func(_ context.Context, serviceURL string) (*wire.Conn, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.dialed[serviceURL]++
		return nil, refused()
	}
	n.members = func(int64) []*types.Actor { return []*types.Actor{actor("a"), actor("b")} }
	n.failing = func(int64) bool { return false }
	return n
}

func refused() *wire.Failure {
	return &wire.Failure{Outcome: types.Outcome_OUTCOME_CONNECT, Blame: types.Blame_BLAME_SERVICER, Attempt: types.Attempt_ATTEMPT_CONNECT, Err: errors.New("refused")}
}

func (n *network) dials(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dialed["http://"+name+".example"]
}

// Subscribe implements Heads.
func (n *network) Subscribe() (<-chan types.Head, func()) { return n.heads, func() {} }

// Sessions implements Sessions.
func (n *network) Sessions(_ context.Context, height int64) ([]*types.Session, error) {
	if n.failing(height) {
		return nil, errors.New("state is not there")
	}
	if n.sessions != nil {
		return n.sessions(height), nil
	}
	members := n.members(height)
	if members == nil {
		return nil, nil
	}
	session := sessionOf(height-height%sessionBlocks, sessionBlocks, height, members...)
	session.RelayHead = n.relayHead
	return []*types.Session{session}, nil
}

// Policy implements Sessions.
func (n *network) Policy(context.Context, *types.Session) (Policy, error) {
	return n.policy, n.policyErr
}

// Ask implements Network.
func (n *network) Ask(session *types.Session, servicer *types.Actor, payload types.Payload) (Request, error) {
	return n.ask(session, servicer, payload)
}

// head publishes a height; an older one that was not taken is lost.
func (n *network) head(height int64) { n.publish(types.Head{Height: height}) }

func (n *network) publish(head types.Head) {
	select {
	case <-n.heads:
	default:
	}
	n.heads <- head
}

// blocks publishes heights, each followed by its interval.
func (n *network) blocks(from, to int64, interval time.Duration) {
	for height := from; height <= to; height++ {
		n.head(height)
		time.Sleep(interval)
	}
}

func (n *network) fisherman(t *testing.T) *Fisherman {
	t.Helper()
	chains := map[string]Chain{chain: {Probe: n.probe}}
	for name, catalogue := range n.catalogues {
		chains[name] = Chain{Catalogue: catalogue, Probe: n.probe}
	}
	made, err := New(Config{
		Secret:        [32]byte{7},
		Chains:        chains,
		BlockInterval: n.interval,
		MostRequests:  n.mostRequests,
		Logger:        n.logger,
		Hooks:         n.hooks,
	}, n, n.dial, n.store)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// while runs a fisherman for as long as a script, in virtual time. No goroutine may be left: synctest sees to that.
func (n *network) while(t *testing.T, script func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	n.running = n.fisherman(t)
	go func() { ended <- n.running.Run(ctx) }()
	script()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}

// holdUpAt holds the loop up at the nth time that it logs a message: whatever else it does is done elsewhere.
func (n *network) holdUpAt(message string, nth int, pause time.Duration) {
	n.logger = slog.New(holdingUp{slog.DiscardHandler, func(logged string) {
		if logged == message {
			if nth--; nth == 0 {
				time.Sleep(pause)
			}
		}
	}})
}

// holdingUp is a log handler that may take its time.
type holdingUp struct {
	slog.Handler
	logged func(message string)
}

func (h holdingUp) Enabled(context.Context, slog.Level) bool { return true }

func (h holdingUp) Handle(_ context.Context, record slog.Record) error {
	h.logged(record.Message)
	return nil
}

// anotherFrom adds a session of another application from a height on.
func (n *network) anotherFrom(from int64) {
	n.sessions = func(height int64) []*types.Session {
		session := sessionOf(height-height%sessionBlocks, sessionBlocks, height, n.members(height)...)
		if height < from {
			return []*types.Session{session}
		}
		other := sessionOf(session.GetHeader().GetStartHeight(), sessionBlocks, height, n.members(height)...)
		other.Header.Id = strings.Repeat("f", 60) + other.Header.Id[60:]
		return []*types.Session{session, other}
	}
}

func idOf(start int64) string { return sessionOf(start, sessionBlocks, start).GetHeader().GetId() }

// record of a session that is over: every planned check is there once.
func (n *network) record(t *testing.T, start int64) (*types.QoSSession, []*types.QoSRound) {
	t.Helper()
	session, err := n.store.Session(context.Background(), idOf(start))
	if err != nil {
		t.Fatalf("session from %d: %v", start, err)
	}
	rounds, err := n.store.Rounds(context.Background(), idOf(start))
	if err != nil {
		t.Fatal(err)
	}
	if !session.GetClosed() {
		t.Errorf("session from %d is not closed", start)
	}
	if len(rounds) != int(session.GetChecksPlanned()) || len(rounds) != n.policy.Checks || n.store.repeated > 0 {
		t.Errorf("session from %d: %d planned, %d stored, %d more than once", start, session.GetChecksPlanned(), len(rounds), n.store.repeated)
	}
	for i, round := range rounds {
		if int(round.GetIndex()) != i || round.GetSessionId() != idOf(start) {
			t.Fatalf("round %d has index %d", i, round.GetIndex())
		}
		checkRound(t, round)
	}
	return session, rounds
}

// checkRound checks what holds for every round that nothing held up.
func checkRound(t *testing.T, round *types.QoSRound) {
	t.Helper()
	late := time.Duration(round.GetReleasedUnixNano() - round.GetPlannedUnixNano())
	switch round.GetStatus() {
	case types.RoundStatus_ROUND_STATUS_DONE:
		if late < 0 || late > latestRelease || len(round.GetSamples()) == 0 || round.GetQuestion() == "" || round.GetReason() != "" {
			t.Errorf("done %v after its time: %v", late, round)
		}
		for _, sample := range round.GetSamples() {
			isNull(t, sample, types.Outcome_OUTCOME_CONNECT, types.Blame_BLAME_SERVICER)
		}
	case types.RoundStatus_ROUND_STATUS_VOID:
		isVoid(t, round, "")
		if round.GetReason() == "" {
			t.Errorf("void without a reason: %v", round)
		}
	case types.RoundStatus_ROUND_STATUS_DROPPED:
		if len(round.GetSamples()) > 0 || round.GetReleasedUnixNano() != 0 || round.GetReason() == "" || round.GetPlannedUnixNano() == 0 {
			t.Errorf("dropped, but %v", round)
		}
	default:
		t.Errorf("status %v", round.GetStatus())
	}
}

// letter of a status: d(one), v(oid), x for dropped.
func statuses(rounds []*types.QoSRound) string {
	var text strings.Builder
	for _, round := range rounds {
		text.WriteByte(" dvx"[round.GetStatus()])
	}
	return text.String()
}

// offsets are the seconds after a moment at which rounds were released.
func offsets(rounds []*types.QoSRound, from time.Time) []float64 {
	var seconds []float64
	for _, round := range rounds {
		seconds = append(seconds, time.Unix(0, round.GetReleasedUnixNano()).Sub(from).Seconds())
	}
	return seconds
}

func TestChecksFallWhereThePlanSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		started := time.Now()
		n.while(t, func() { n.blocks(10, 20, time.Second) })
		session, rounds := n.record(t, 10)
		if statuses(rounds) != "dddddddddd" {
			t.Errorf("%s", statuses(rounds))
		}
		want := []float64{0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5}
		if got := offsets(rounds, started); !slices.Equal(got, want) {
			t.Errorf("released at %v", got)
		}
		for _, round := range rounds {
			if round.GetReleasedUnixNano() != round.GetPlannedUnixNano() {
				t.Errorf("check %d was released %v late", round.GetIndex(), time.Duration(round.GetReleasedUnixNano()-round.GetPlannedUnixNano()))
			}
		}
		if session.GetJoinedHeight() != 10 || session.GetJoinedUnixNano() != started.UnixNano() || len(session.GetServicers()) != 2 ||
			session.GetBlocks() != sessionBlocks || session.GetLatencySla().AsDuration() != n.policy.LatencySLA {
			t.Errorf("%v", session)
		}
		if !slices.Equal(n.store.pruned, []int{n.policy.SessionsRetained}) {
			t.Errorf("pruned %v", n.store.pruned)
		}
	})
}

func TestChecksAreJittered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.policy.Distribution = schedule.StratifiedJitter
		n.interval = 6 * time.Second
		started := time.Now()
		n.while(t, func() { n.blocks(10, 30, 6*time.Second) })
		var last []float64
		for _, start := range []int64{10, 20} {
			_, rounds := n.record(t, start)
			if statuses(rounds) != "dddddddddd" {
				t.Errorf("%s", statuses(rounds))
			}
			places := offsets(rounds, started.Add(time.Duration(start-10)*6*time.Second))
			for i, place := range places {
				if int(place/6) != i {
					t.Errorf("check %d at %vs", i, place)
				}
			}
			if slices.Equal(places, last) {
				t.Error("two sessions have one plan")
			}
			last = places
		}
	})
}

// Blocks come early: of the checks that are overdue at once the newest is served, at the head, and the others are dropped.
func TestEarlyBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.interval = 10 * time.Second
		n.policy.Checks = 20
		started := time.Now()
		n.while(t, func() { n.head(10); time.Sleep(1500 * time.Millisecond); n.blocks(11, 20, 10*time.Second) })
		_, rounds := n.record(t, 10)
		if got := statuses(rounds); got != "x"+strings.Repeat("d", 19) {
			t.Fatalf("%s", got)
		}
		if got := offsets(rounds[1:2], started); got[0] != 1.5 || rounds[1].GetPlannedUnixNano() != rounds[1].GetReleasedUnixNano() {
			t.Errorf("served at %v", got)
		}
		if !strings.Contains(rounds[0].GetReason(), "next check") {
			t.Errorf("%s", rounds[0].GetReason())
		}
	})
}

// Blocks come late: checks are asked by the pace that is known, and none is lost.
func TestSlowBlocks(t *testing.T) {
	for _, interval := range []time.Duration{2 * time.Second, 3 * time.Second, 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			n.while(t, func() { n.blocks(10, 20, interval) })
			if _, rounds := n.record(t, 10); statuses(rounds) != "dddddddddd" {
				t.Errorf("%v: %s", interval, statuses(rounds))
			}
		})
	}
}

func TestSkippedHeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.interval = 10 * time.Second
		n.while(t, func() {
			n.blocks(10, 12, 10*time.Second)
			n.head(17) // at once: 12.5 … 16.5 are overdue
			time.Sleep(10 * time.Second)
			n.head(21) // past the end: 18.5 … 19.5 are lost
			time.Sleep(time.Second)
		})
		_, rounds := n.record(t, 10)
		if got := statuses(rounds); got != "dddxxxddxx" {
			t.Errorf("%s", got)
		}
		if reason := rounds[9].GetReason(); !strings.Contains(reason, "session was over") {
			t.Errorf("%s", reason)
		}
	})
}

// The last checks of a session may fall due at the head that ends it; that is still in time.
func TestLastCheckAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.interval = 10 * time.Second
		n.while(t, func() {
			n.blocks(10, 18, 10*time.Second)
			n.head(19)
			time.Sleep(time.Second)
			n.head(20)
			time.Sleep(time.Second)
		})
		if _, rounds := n.record(t, 10); statuses(rounds) != "dddddddddd" {
			t.Errorf("%s", statuses(rounds))
		}
	})
}

func TestHeadsThatStartNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.while(t, func() {
			for height := int64(10); height < 15; height++ {
				n.publish(types.Head{Height: height, CatchingUp: true})
				time.Sleep(time.Second)
			}
			if len(n.store.sessions) > 0 || n.dials("a") > 0 {
				t.Errorf("%d sessions, %d dials", len(n.store.sessions), n.dials("a"))
			}
			n.blocks(15, 22, time.Second)
			n.head(14) // a head that is old news
			time.Sleep(time.Second)
		})
		if len(n.store.pruned) != 1 {
			t.Errorf("an old session was closed again")
		}
		session, rounds := n.record(t, 10)
		if statuses(rounds) != "xxxxdddddd" || session.GetJoinedHeight() != 15 {
			t.Errorf("joined at %d: %s", session.GetJoinedHeight(), statuses(rounds))
		}
	})
}

// A fisherman that comes in the middle of a session drops what is past, says so, and serves the rest.
func TestJoinsMidSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.policy.Checks = 1000
		n.mostRequests = 20_000
		n.interval = 20 * time.Second
		n.while(t, func() { n.blocks(14, 20, 20*time.Second) })
		session, rounds := n.record(t, 10)
		served := strings.TrimLeft(statuses(rounds), "x")
		if past := len(rounds) - len(served); past < 390 || past > 400 || strings.Trim(served, "d") != "" || session.GetJoinedHeight() != 14 {
			t.Errorf("joined at %d: %s", session.GetJoinedHeight(), statuses(rounds))
		}
		if reason := rounds[0].GetReason(); !strings.Contains(reason, "before the fisherman took the session up") {
			t.Errorf("%s", reason)
		}
	})
}

// After a restart the session goes on where it was: nothing is asked twice, and what was missed is dropped.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.interval = 10 * time.Second
		n.catalogues[chain] = question.Catalogue{Kinds: []question.Kind{{Timeless: true, Variants: 8, Call: func(_ *rand.Rand, _, variant int64) (question.Call, bool) {
			return question.Named("few", question.Param{Name: "n", Value: string(rune('a' + variant))}), true
		}}}}
		asked := make(map[string]bool)
		n.while(t, func() { n.blocks(10, 12, 10*time.Second); n.head(13); time.Sleep(time.Second) })
		before, err := n.store.Rounds(t.Context(), idOf(10))
		if err != nil || statuses(before) != "ddd" {
			t.Fatalf("%s, %v", statuses(before), err)
		}
		time.Sleep(29 * time.Second)
		n.while(t, func() { n.blocks(16, 20, 10*time.Second) })
		session, rounds := n.record(t, 10)
		if statuses(rounds) != "dddxxxdddd" || session.GetJoinedHeight() != 10 {
			t.Errorf("joined at %d: %s", session.GetJoinedHeight(), statuses(rounds))
		}
		for _, round := range rounds {
			if label := round.GetQuestion(); label != "" {
				if asked[label] {
					t.Errorf("%s was asked twice", label)
				}
				asked[label] = true
			}
		}
	})
}

// A restart within the tolerance loses nothing, and finds no check half done.
func TestStopDuringACheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.interval = 10 * time.Second
		n.dial = func(ctx context.Context, _ string) (*wire.Conn, error) {
			<-ctx.Done()
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil, &wire.Failure{Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_SELF, Attempt: types.Attempt_ATTEMPT_CONNECT, Err: ctx.Err()}
			}
			return nil, refused()
		}
		n.while(t, func() { n.head(10); time.Sleep(6 * time.Second) })
		rounds, err := n.store.Rounds(t.Context(), idOf(10))
		if err != nil || statuses(rounds) != "v" {
			t.Fatalf("%s, %v", statuses(rounds), err)
		}
		isVoid(t, rounds[0], "stopped")
		time.Sleep(4 * time.Second)
		n.while(t, func() { n.blocks(11, 20, 10*time.Second) })
		if _, rounds := n.record(t, 10); statuses(rounds) != "vddddddddd" {
			t.Errorf("%s", statuses(rounds))
		}
	})
}

func TestSessionsFollowEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.while(t, func() { n.blocks(1, 40, time.Second) })
		for _, start := range []int64{0, 10, 20, 30} {
			session, rounds := n.record(t, start)
			if statuses(rounds) != "dddddddddd" || session.GetJoinedHeight() != max(1, start) {
				t.Errorf("from %d, joined at %d: %s", start, session.GetJoinedHeight(), statuses(rounds))
			}
		}
		if len(n.store.pruned) != 4 {
			t.Errorf("pruned %v", n.store.pruned)
		}
	})
}

// The chain stands still and goes on: the session ends with the chain, not with the clock.
func TestChainStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.while(t, func() {
			n.blocks(10, 13, time.Second)
			time.Sleep(time.Hour)
			if session, _ := n.store.Session(t.Context(), idOf(10)); session.GetClosed() {
				t.Error("closed while the chain stood still")
			}
			n.blocks(14, 30, time.Second)
		})
		if _, rounds := n.record(t, 10); statuses(rounds) != "dddddddddd" {
			t.Errorf("%s", statuses(rounds))
		}
		// One long block does not lead the next session astray.
		if _, rounds := n.record(t, 20); strings.Count(statuses(rounds), "d") < 9 {
			t.Errorf("%s", statuses(rounds))
		}
	})
}

func TestTooManyChecksUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.mostRequests = 4
		n.policy.Timeout = 5 * time.Second
		n.dial = func(ctx context.Context, _ string) (*wire.Conn, error) { <-ctx.Done(); return nil, refused() }
		n.while(t, func() { n.blocks(10, 20, time.Second); time.Sleep(10 * time.Second) })
		_, rounds := n.record(t, 10)
		if got := statuses(rounds); !strings.HasPrefix(got, "ddx") || strings.Count(got, "d") < 4 {
			t.Errorf("%s", got)
		}
		if reason := rounds[2].GetReason(); !strings.Contains(reason, "too many") {
			t.Errorf("%s", reason)
		}
	})
}

func TestNobodyToAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.members = func(int64) []*types.Actor { return []*types.Actor{} }
		n.while(t, func() { n.blocks(10, 20, time.Second) })
		if _, rounds := n.record(t, 10); statuses(rounds) != "xxxxxxxxxx" || !strings.Contains(rounds[0].GetReason(), "no servicers") {
			t.Errorf("%s: %s", statuses(rounds), rounds[0].GetReason())
		}
	})
}

func TestNothingToAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.catalogues = nil
		n.while(t, func() { n.blocks(10, 20, time.Second) })
		if _, rounds := n.record(t, 10); statuses(rounds) != "xxxxxxxxxx" || !strings.Contains(rounds[0].GetReason(), "nothing to ask") {
			t.Errorf("%s: %s", statuses(rounds), rounds[0].GetReason())
		}
	})
}

func TestMembersChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.interval = 2 * time.Second
		n.members = func(height int64) []*types.Actor {
			if height < 15 {
				return []*types.Actor{actor("a"), actor("b")}
			}
			return []*types.Actor{actor("a"), actor("c")}
		}
		n.while(t, func() { n.blocks(10, 20, 2*time.Second) })
		session, rounds := n.record(t, 10)
		var known []string
		for _, servicer := range session.GetServicers() {
			known = append(known, servicer.GetServiceUrl())
		}
		if !slices.Equal(known, []string{"http://a.example", "http://b.example", "http://c.example"}) {
			t.Errorf("known %v", known)
		}
		for i, round := range rounds {
			want := actor("b").GetAddress()
			if i >= 5 {
				want = actor("c").GetAddress()
			}
			if len(round.GetSamples()) != 2 || !slices.ContainsFunc(round.GetSamples(), func(s *types.QoSSample) bool { return s.GetServicer() == want }) {
				t.Errorf("check %d asked %v", i, round.GetSamples())
			}
		}
	})
}

// A fisherman that does not belong to the session any more would be refused; nobody is blamed for that.
func TestFishermanLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.interval = 10 * time.Second
		n.members = func(height int64) []*types.Actor {
			if height >= 13 && height < 16 {
				return nil
			}
			return []*types.Actor{actor("a"), actor("b")}
		}
		n.while(t, func() { n.blocks(10, 20, 10*time.Second) })
		_, rounds := n.record(t, 10)
		if statuses(rounds) != "dddxxxdddd" || !strings.Contains(rounds[3].GetReason(), "does not belong") {
			t.Errorf("%s: %s", statuses(rounds), rounds[3].GetReason())
		}
	})
}

// A head whose state cannot be read changes nothing.
func TestStateIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.failing = func(height int64) bool { return height%3 == 0 }
		n.while(t, func() { n.blocks(10, 20, time.Second) })
		if _, rounds := n.record(t, 10); statuses(rounds) != "dddddddddd" {
			t.Errorf("%s", statuses(rounds))
		}
	})
}

func TestPolicyIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.policyErr = errors.New("parameters are pruned")
		n.while(t, func() { n.blocks(10, 12, time.Second) })
		n.policyErr, n.policy.Checks = nil, 0
		n.while(t, func() { n.blocks(13, 14, time.Second) })
		if len(n.store.sessions) > 0 || n.dials("a") > 0 {
			t.Errorf("%d sessions, %d dials", len(n.store.sessions), n.dials("a"))
		}
	})
}

// Whatever the store does, servicers are asked; what it does not take is tried again or lost, and sampling goes on.
func TestStoreFails(t *testing.T) {
	broken := errors.New("disk is full")
	for name, test := range map[string]struct {
		fails func(operation string, since time.Duration) bool
		want  string
	}{
		"always":   {func(string, time.Duration) bool { return true }, ""},
		"at first": {func(_ string, since time.Duration) bool { return since < 1800*time.Millisecond }, "xxdddddddd"},
		"only sessions": {func(operation string, since time.Duration) bool {
			return operation == "PutSession" && since < 1800*time.Millisecond
		}, "xxdddddddd"},
		"only reading": {func(operation string, _ time.Duration) bool { return operation == "Session" || operation == "Rounds" }, "dddddddddd"},
		"at the end": {func(_ string, since time.Duration) bool {
			return since > 9900*time.Millisecond && since < 13*time.Second
		}, "dddddddddd"},
		"in between, shortly": {func(_ string, since time.Duration) bool { return since > 4*time.Second && since < 5*time.Second }, "ddddxddddd"},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			started := time.Now()
			n.store.setFail(func(_ context.Context, operation string) error {
				if test.fails(operation, time.Since(started)) {
					return broken
				}
				return nil
			})
			n.while(t, func() { n.blocks(10, 25, time.Second) })
			n.store.setFail(nil)
			if got := n.dials("a"); got < 15 {
				t.Errorf("%s: %d dials", name, got)
			}
			if test.want == "" {
				return
			}
			session, err := n.store.Session(t.Context(), idOf(10))
			if err != nil || !session.GetClosed() {
				t.Fatalf("%s: %v, %v", name, session, err)
			}
			stored := []byte("xxxxxxxxxx")
			for index, round := range n.store.rounds[idOf(10)] {
				stored[index] = statuses([]*types.QoSRound{round})[0]
			}
			if string(stored) != test.want {
				t.Errorf("%s: stored %s, want %s", name, stored, test.want)
			}
		})
	}
}

// A store that hangs holds up its own writes, not the checks, and not the end for longer than the grace.
func TestStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.store.setFail(func(ctx context.Context, operation string) error {
			if operation == "PutRound" {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		n.while(t, func() { n.blocks(10, 14, time.Second) })
		if n.dials("a") < 5 {
			t.Errorf("%d dials", n.dials("a"))
		}
		n.policy.Checks = 1000 // most are dropped at once, by one writer
		started := time.Now()
		n.while(t, func() { n.head(19); time.Sleep(time.Second); started = time.Now() })
		if took := time.Since(started); took > storeGrace {
			t.Errorf("ended after %v", took)
		}
	})
}

// A loop that was held up serves nothing late and in silence: what it missed is dropped.
func TestLoopIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.holdUpAt("session taken up", 2, 2900*time.Millisecond)
		n.anotherFrom(13)
		started := time.Now()
		n.while(t, func() { n.blocks(10, 20, time.Second) })
		_, rounds := n.record(t, 10)
		if got := statuses(rounds); got != "ddddxddddd" || !strings.Contains(rounds[4].GetReason(), "next check") {
			t.Errorf("%s at %v: %s", got, offsets(rounds, started), rounds[4].GetReason())
		}
	})
}

// Nor does a head that came meanwhile move what was missed.
func TestLoopIsLateForAHead(t *testing.T) {
	for range 8 { // the head and the check wait for the loop together; either may be taken first
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			n.holdUpAt("session taken up", 3, 2900*time.Millisecond)
			n.anotherFrom(22)
			n.while(t, func() { n.blocks(10, 36, time.Second) })
			_, rounds := n.record(t, 20)
			if got := statuses(rounds); got[:6] != "dddxdd" {
				t.Errorf("%s at %v", got, offsets(rounds, time.Unix(0, rounds[0].GetReleasedUnixNano())))
			}
		})
	}
}

// Whatever the chain does, and whenever we come and go: every planned check ends as one of three, once, and in order.
func TestEveryCheckIsAccountedFor(t *testing.T) {
	for seed := range seeds(60) {
		synctest.Test(t, func(t *testing.T) {
			source := rand.New(rand.NewPCG(seed, 0))
			n := newNetwork()
			n.interval = time.Duration(1+source.IntN(5000)) * time.Millisecond
			n.policy.Checks = 1 + source.IntN(60)
			n.policy.Distribution = []schedule.Distribution{schedule.Even, schedule.StratifiedJitter, schedule.UniformRandom}[source.IntN(3)]
			n.policy.Timeout = time.Duration(10+source.IntN(4000)) * time.Millisecond
			n.mostRequests = 2 * (1 + source.IntN(20))
			if source.IntN(2) == 0 {
				n.dial = func(ctx context.Context, _ string) (*wire.Conn, error) { <-ctx.Done(); return nil, refused() }
			}
			height := int64(1 + source.IntN(35))
			started := height - height%sessionBlocks
			interrupted := make(map[int64]bool)
			for height < started+3*sessionBlocks {
				last := height
				n.while(t, func() {
					for range 1 + source.IntN(60) {
						last = height
						n.publish(types.Head{Height: height, CatchingUp: source.IntN(50) == 0})
						time.Sleep(time.Duration(source.ExpFloat64() * float64(n.interval)))
						if source.IntN(10) == 0 {
							height += int64(source.IntN(4))
						}
						height++
					}
				})
				interrupted[last-last%sessionBlocks] = true
				time.Sleep(time.Duration(source.IntN(3000)) * time.Millisecond)
			}
			height += 4 * sessionBlocks
			n.while(t, func() { n.head(height); time.Sleep(10 * time.Second) })
			whole := 0
			for _, session := range n.store.sessions {
				start := session.GetHeader().GetStartHeight()
				rounds, _ := n.store.Rounds(t.Context(), session.GetHeader().GetId())
				for _, round := range rounds {
					checkRound(t, round)
				}
				if over := start+sessionBlocks <= height; session.GetClosed() != over {
					t.Errorf("session from %d is closed: %t, at height %d", start, session.GetClosed(), height)
				} else if over && !interrupted[start] {
					n.record(t, start)
					whole++
				}
			}
			if n.store.repeated > 0 || whole == 0 {
				t.Errorf("%d sessions without interruption, %d rounds stored twice", whole, n.store.repeated)
			}
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		})
	}
}

// What is logged of a session is one line each for its beginning, its end and what went wrong.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		var text strings.Builder
		n.logger = slog.New(slog.NewTextHandler(&text, nil))
		n.while(t, func() { n.blocks(10, 20, time.Second) })
		if lines := strings.Count(text.String(), "\n"); lines != 3 || strings.Count(text.String(), "session taken up") != 2 || strings.Count(text.String(), "session complete") != 1 {
			t.Errorf("%s", text.String())
		}
	})
}

// The whole way over sockets, in real time: the run loop asks servicers of several kinds through two sessions, and
// leaves nothing open.
func TestRunOverSockets(t *testing.T) {
	const interval = 80 * time.Millisecond
	kinds := map[string]*fakes.Servicer{
		"honest": fakes.Start(t, fakes.Honest()), "second": fakes.Start(t, fakes.Honest()), "secured": fakes.StartTLS(t, fakes.Honest(), nil),
		"sleepy": fakes.Start(t, fakes.Sleepy(2*interval)), "lying": fakes.Start(t, fakes.Lying("x")), "down": fakes.Start(t, fakes.Down()),
		"hanging": fakes.Start(t, fakes.Hanging()), "closing": fakes.Start(t, fakes.Closing()),
	}
	n := newNetwork()
	n.interval = interval
	n.policy.Timeout, n.policy.Checks = 12*interval, 4
	n.ask = seal
	n.dial = (&wire.Dialer{AllowPrivate: true, RootCAs: kinds["secured"].Roots()}).Dial
	n.members = func(height int64) []*types.Actor {
		if height >= 2*sessionBlocks {
			return nil
		}
		var members []*types.Actor
		for _, servicer := range kinds {
			members = append(members, servicer.Actor())
		}
		return members
	}
	n.while(t, func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for height := int64(1); height < 2*sessionBlocks+10; height++ {
			n.head(height)
			<-ticker.C
		}
		for _, servicer := range kinds { // no session needs them any more
			servicer.AwaitOpen(t, 0)
		}
	})
	counts := make(map[string]map[string]int)
	for _, start := range []int64{0, sessionBlocks} {
		session, err := n.store.Session(t.Context(), idOf(start))
		if err != nil || !session.GetClosed() {
			t.Fatalf("session from %d: %v, %v", start, session, err)
		}
		rounds, err := n.store.Rounds(t.Context(), idOf(start))
		if err != nil || len(rounds) != n.policy.Checks {
			t.Fatalf("session from %d: %d rounds, %v", start, len(rounds), err)
		}
		for _, round := range rounds {
			for name, servicer := range kinds {
				if counts[name] == nil {
					counts[name] = make(map[string]int)
				}
				if round.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE {
					counts[name][sampleOf(t, round, servicer).GetOutcome().Label()]++
				}
			}
		}
	}
	for name, want := range map[string]string{
		"honest": "OK", "second": "OK", "secured": "OK", "sleepy": "OK", "lying": "OK", "closing": "OK", "down": "CONNECT", "hanging": "TIMEOUT",
	} {
		for outcome, count := range counts[name] {
			if outcome != want && outcome != "VOID" && count > 0 {
				t.Errorf("%s: %v", name, counts[name])
			}
		}
		if counts[name][want] == 0 {
			t.Errorf("%s: %v", name, counts[name])
		}
	}
}

// The run loop counts what it asks: a refusal for want of an allowance speaks against the servicer as long as the
// session's reserve cannot be used up, and against nobody from then on.
func TestReserveIsCounted(t *testing.T) {
	refusing, honest := fakes.Start(t, fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE)), fakes.Start(t, fakes.Honest())
	n := newNetwork()
	n.interval = 40 * time.Millisecond
	n.policy.Checks, n.policy.Reserve = 4, 2
	n.ask, n.dial = seal, (&wire.Dialer{AllowPrivate: true}).Dial
	n.members = func(int64) []*types.Actor { return actorsOf(refusing, honest) }
	n.while(t, func() { n.head(10); refusing.AwaitRequests(t, 4) })
	rounds, err := n.store.Rounds(t.Context(), idOf(10))
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, round := range rounds {
		if round.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE {
			continue
		}
		done++
		if sample := sampleOf(t, round, refusing); round.GetIndex() < 2 {
			isNull(t, sample, types.Outcome_OUTCOME_RELAY_ERROR, types.Blame_BLAME_SERVICER)
		} else {
			isNull(t, sample, types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF)
		}
	}
	if done == 0 {
		t.Errorf("no round is done: %s", statuses(rounds))
	}
}

func TestStopLeavesNoConnection(t *testing.T) {
	honest := fakes.Start(t, fakes.Honest())
	n := newNetwork()
	n.interval = 50 * time.Millisecond
	n.ask = seal
	n.dial = (&wire.Dialer{AllowPrivate: true}).Dial
	n.members = func(int64) []*types.Actor { return []*types.Actor{honest.Actor()} }
	n.while(t, func() { n.head(10); honest.AwaitRequests(t, 5) })
	honest.AwaitOpen(t, 0)
}

func TestNewRefuses(t *testing.T) {
	for name, config := range map[string]Config{
		"no interval":       {},
		"negative interval": {BlockInterval: -1},
		"negative requests": {BlockInterval: time.Second, MostRequests: -1},
		"ignored pointer":   {BlockInterval: time.Second, Chains: map[string]Chain{"0001": {IgnoredFields: []string{"no pointer"}}}},
	} {
		n := newNetwork()
		if made, err := New(config, n, n.dial, n.store); err == nil || made != nil {
			t.Errorf("%s: %v", name, made)
		}
	}
}
