package fisherman

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

var distributions = []schedule.Distribution{schedule.Even, schedule.StratifiedJitter, schedule.UniformRandom}

// Within one session the time between blocks drifts to the threefold or to a third: every check is asked within a block
// of where the plan has it on the chain. When blocks take three times as long at once, two more blocks seem to have
// passed before the next head tells. None is lost to a chain that slows down.
func TestBlocksDriftWithinASession(t *testing.T) {
	for _, distribution := range distributions {
		for name, test := range map[string]struct {
			factor func(block int) float64
			early  float64
		}{
			"slower bit by bit": {func(block int) float64 { return math.Pow(3, float64(block)/sessionBlocks) }, 1},
			"faster bit by bit": {func(block int) float64 { return math.Pow(3, -float64(block)/sessionBlocks) }, 1},
			"slower at once":    {func(int) float64 { return 3 }, 2},
			"faster at once":    {func(int) float64 { return 1.0 / 3 }, 1},
			"up and down":       {func(block int) float64 { return math.Pow(3, float64(1-2*(block%2))) }, 2},
		} {
			t.Run(fmt.Sprint(name, distribution), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { driftingSession(t, distribution, test.factor, test.early) })
			})
		}
	}
}

func driftingSession(t *testing.T, distribution schedule.Distribution, factor func(block int) float64, early float64) {
	n := newNetwork()
	n.interval, n.policy.Distribution = 12*time.Second, distribution
	var heads []time.Time
	slower := true
	n.while(t, func() {
		for block := range sessionBlocks + 1 {
			heads = append(heads, time.Now())
			n.head(int64(10 + block))
			slower = slower && factor(block) >= 1
			time.Sleep(time.Duration(factor(block) * float64(n.interval)))
		}
	})
	_, rounds := n.record(t, 10)
	w, err := newFollowed([32]byte{7}, sessionOf(10, sessionBlocks, 10), n.policy, &Chain{})
	if err != nil {
		t.Fatal(err)
	}
	for i, round := range rounds {
		if round.GetStatus() == types.RoundStatus_ROUND_STATUS_DROPPED {
			if !strings.Contains(round.GetReason(), "next check") && !strings.Contains(round.GetReason(), "session was over") {
				t.Errorf("check %d is dropped: %s", i, round.GetReason())
			}
			continue
		}
		want := w.plan[i] * sessionBlocks
		if at := placeOf(heads, time.Unix(0, round.GetReleasedUnixNano())); at > want+1 || at < want-early {
			t.Errorf("check %d was asked at block %.2f, planned at %.2f", i, at, want)
		}
	}
	if dropped := strings.Count(statuses(rounds), "x"); slower && distribution != schedule.UniformRandom && dropped > 0 || dropped > 5 {
		t.Errorf("%d dropped: %s", dropped, statuses(rounds))
	}
}

// placeOf is where on the chain a moment lies, in blocks since the first head.
func placeOf(heads []time.Time, moment time.Time) float64 {
	next := slices.IndexFunc(heads, func(head time.Time) bool { return head.After(moment) })
	if next < 0 {
		return float64(len(heads) - 1)
	}
	from, to := heads[next-1], heads[next]
	return float64(next-1) + float64(moment.Sub(from))/float64(to.Sub(from))
}

// The same secret and session give the same plan, in another run and on another machine; another secret gives another.
func TestPlanIsSecretAndReproducible(t *testing.T) {
	planned := func(secret byte, distribution schedule.Distribution) schedule.Plan {
		policy := testPolicy()
		policy.Distribution = distribution
		w, err := newFollowed([32]byte{secret}, sessionOf(10, 10, 10), policy, &Chain{})
		if err != nil {
			t.Fatal(err)
		}
		return w.plan
	}
	for _, distribution := range distributions {
		if !slices.Equal(planned(1, distribution), planned(1, distribution)) {
			t.Errorf("distribution %d: two plans of one session", distribution)
		}
		if secret := !slices.Equal(planned(1, distribution), planned(2, distribution)); secret != (distribution != schedule.Even) {
			t.Errorf("distribution %d: secret %t", distribution, secret)
		}
	}
}

// script is what a chain does, drawn at random: heads that come early, late, jump or are old, catching up, and sessions
// that the fisherman joins late, leaves and comes back to.
type script struct {
	*rand.Rand
	*crowd
	height int64
	// away are the sessions that the fisherman does not belong to at the moment.
	away map[string]bool
}

func (s *script) step() {
	s.counting.Lock()
	for _, name := range slices.Sorted(maps.Keys(s.sizes)) {
		if s.IntN(40) == 0 {
			s.away[name] = !s.away[name]
		}
	}
	s.counting.Unlock()
	s.publish(types.Head{Height: s.height, CatchingUp: s.IntN(60) == 0})
	time.Sleep(time.Duration(s.ExpFloat64() * float64(s.interval)))
	switch s.IntN(12) {
	case 0:
		s.height += int64(s.IntN(2 * sessionBlocks)) // sessions are cut short, or missed altogether
	case 1:
		s.height-- // old news
	}
	s.height++
}

// seeds returns how many random stories are told: all of them, or a fifth for the race detector, which looks at
// goroutines and not at what comes of the numbers.
func seeds(all uint64) uint64 {
	if testing.Short() {
		return all / 5
	}
	return all
}

// Whatever the chain does, with several sessions of several sizes at once under one budget: every planned check of every
// session that was taken up ends as one of three, once; the report says so; and the budget holds.
func TestManySessionsAtOnce(t *testing.T) {
	for seed := range seeds(20) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{Rand: rand.New(rand.NewPCG(seed, 1)), crowd: newCrowd(make(map[string]int)), away: make(map[string]bool)}
			for i := range 2 + s.IntN(5) {
				s.sizes[strings.Repeat("a", i+1)] = 1 + s.IntN(30) // by the length of its name it is of one chain or another
			}
			s.interval = time.Duration(1+s.IntN(5000)) * time.Millisecond
			s.policy.Checks, s.policy.Distribution = 1+s.IntN(40), distributions[s.IntN(3)]
			s.policy.Timeout = time.Duration(10+s.IntN(6000)) * time.Millisecond
			s.mostRequests = 1 + s.IntN(200)
			hang := time.Duration(s.IntN(8000)) * time.Millisecond
			s.hang = func(string) time.Duration { return hang }
			all := s.sessions
			s.sessions = func(height int64) []*types.Session {
				s.counting.Lock()
				defer s.counting.Unlock()
				return slices.DeleteFunc(all(height), func(session *types.Session) bool {
					return s.away[strings.Fields(session.GetHeader().GetId())[0]]
				})
			}
			s.height = int64(1 + s.IntN(25))
			s.while(t, func() {
				for range 80 {
					s.step()
				}
				s.counting.Lock()
				clear(s.away)
				s.counting.Unlock()
				s.height += 4 * sessionBlocks
				s.head(s.height)
				time.Sleep(30 * time.Second)
			})
			s.accounted(t)
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		})
	}
}

// accounted checks what is stored of every session that is over.
func (s *script) accounted(t *testing.T) {
	t.Helper()
	if s.most > s.mostRequests {
		t.Errorf("%d requests under way, allowed %d", s.most, s.mostRequests)
	}
	over := 0
	for id, session := range s.store.sessions {
		if session.GetHeader().GetStartHeight()+sessionBlocks > s.height {
			continue
		}
		over++
		rounds, err := s.store.Rounds(t.Context(), id)
		if err != nil || len(rounds) != s.policy.Checks || !session.GetClosed() {
			t.Errorf("%s: %d of %d checks stored, closed %t, %v", id, len(rounds), s.policy.Checks, session.GetClosed(), err)
		}
		for _, round := range rounds {
			checkRound(t, round)
		}
		report := qos.Summarize(session, rounds)
		if report.ChecksDone+report.ChecksDropped+report.ChecksVoid != report.ChecksPlanned || report.ChecksPlanned != s.policy.Checks {
			t.Errorf("%s: %d done, %d dropped, %d void of %d", id, report.ChecksDone, report.ChecksDropped, report.ChecksVoid, report.ChecksPlanned)
		}
	}
	if over == 0 || s.store.repeated > 0 {
		t.Errorf("%d sessions are over, %d rounds stored twice", over, s.store.repeated)
	}
}

// stepped is a moment as it is read after somebody has set the wall clock: another wall time, the same monotonic one.
func stepped(t *testing.T, moment time.Time, by time.Duration) time.Time {
	t.Helper()
	// A time with a monotonic reading holds seconds of wall time from bit 30 on.
	wall := (*uint64)(unsafe.Pointer(&moment))
	if *wall>>63 == 0 {
		t.Fatal("no monotonic reading")
	}
	before := moment
	*wall += uint64(int64(by/time.Second)) << 30
	if moment.Sub(before) != 0 || moment.Round(0).Sub(before.Round(0)) != by {
		t.Fatalf("the clock was set by %v, not %v, and time passed by %v", moment.Round(0).Sub(before.Round(0)), by, moment.Sub(before))
	}
	return moment
}

// Somebody sets the wall clock again and again, by up to ten days: pace and schedule do not move.
func TestWallClockIsSet(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 2))
	span := schedule.NewSpan(10, sessionBlocks)
	steady, moved := schedule.Pace{Interval: time.Second}, schedule.Pace{Interval: time.Second}
	for now, height := time.Now(), int64(10); height < 10+sessionBlocks; height++ {
		now = now.Add(time.Duration(source.IntN(3000)) * time.Millisecond)
		set := stepped(t, now, time.Duration(source.IntN(20*24*3600)-10*24*3600)*time.Second)
		steady, moved = steady.Observe(height, now), moved.Observe(height, set)
		for _, position := range []float64{0, 0.3, 0.999} {
			looked := stepped(t, now, time.Duration(source.IntN(1000))*time.Hour)
			if steady.Interval != moved.Interval || steady.Due(span, position).Sub(now) != moved.Due(span, position).Sub(looked) {
				t.Fatalf("at %d: intervals %v and %v, due in %v and %v", height, steady.Interval, moved.Interval,
					steady.Due(span, position).Sub(now), moved.Due(span, position).Sub(looked))
			}
		}
	}
}

// wallClock are the functions of the sampling that may look at the wall clock: what is stored or sent, for people and
// for other machines, and what reads the kernel's stamps, which are believed only while nobody sets the clock. Everything
// else reckons with the monotonic readings of time.Now.
var wallClock = []string{
	"judge unixNano", "fisherman begin", "fisherman drop", "pocket clockRemark", "relay NewRequest",
	"wire own", "wire receiveLate", "wire stampsIn", "wire step",
}

// Nothing but stored times depends on the wall clock: no other function takes a time apart or makes one of a number.
func TestNothingDependsOnTheWallClock(t *testing.T) {
	var found []string
	for _, folder := range []string{".", "schedule", "question", "verify", "round", "judge", "../wire", "../relay", "../network/pocket"} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), folder+"/"+entry.Name(), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, declaration := range file.Decls {
				if function, ok := declaration.(*ast.FuncDecl); ok && readsWallClock(function) {
					found = append(found, file.Name.Name+" "+function.Name.Name)
				}
			}
		}
	}
	slices.Sort(found)
	want := slices.SortedFunc(slices.Values(wallClock), cmp.Compare[string])
	if !slices.Equal(found, want) {
		t.Errorf("the wall clock is read in %q, allowed in %q", found, want)
	}
}

// readsWallClock tells whether a function does to a time what loses its monotonic reading.
func readsWallClock(function *ast.FuncDecl) bool {
	found := false
	ast.Inspect(function, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		if selected, ok := call.Fun.(*ast.SelectorExpr); ok {
			switch selected.Sel.Name {
			case "Unix", "UnixNano", "UnixMilli", "UnixMicro", "UTC", "Local", "In", "Format", "AppendFormat", "Date", "Clock", "Truncate":
				found = true
			case "Round":
				zero, ok := call.Args[0].(*ast.BasicLit)
				found = found || ok && zero.Value == "0"
			}
		}
		return true
	})
	return found
}
