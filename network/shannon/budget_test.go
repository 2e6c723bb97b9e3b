package shannon

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBudgetOfASession(t *testing.T) {
	b := newBudget(Limits{PerSession: 100})
	for _, step := range []struct {
		session string
		amount  uint64
		paid    bool
	}{{"a", 60, true}, {"a", 41, false}, {"a", 40, true}, {"a", 1, false}, {"a", 0, true}, {"b", 100, true}, {"b", math.MaxUint64, false}} {
		if err := b.take(step.session, step.amount, 7); (err == nil) != step.paid || !step.paid && !errors.Is(err, ErrOverBudget) {
			t.Errorf("%+v: %v", step, err)
		}
	}
	b.giveBack("a", 30, 7)
	if err := b.take("a", 30, 7); err != nil {
		t.Errorf("what was given back is not there: %v", err)
	}
}

func TestBudgetOfADay(t *testing.T) {
	b := newBudget(Limits{PerSession: 80, PerDay: 100})
	if err := errors.Join(b.take("a", 80, 7), b.take("b", 20, 7)); err != nil {
		t.Fatal(err)
	}
	if b.take("b", 1, 7) == nil {
		t.Error("more than a day's")
	}
	if err := b.take("b", 60, 8); err != nil {
		t.Errorf("the day after: %v", err)
	}
	if b.take("b", 1, 8) == nil {
		t.Error("a session that goes on after midnight has spent more than its limit")
	}
}

// Never is more spent than a limit allows, and nothing that fits is refused; days and sessions are forgotten.
func TestBudgetIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.OneOf(rapid.Uint64Range(0, 50), rapid.Uint64())
		limits := Limits{PerSession: amounts.Draw(t, "per session"), PerDay: amounts.Draw(t, "per day")}
		b := newBudget(limits)
		days, sessions := make(map[int64]*big.Int), make(map[string]*big.Int)
		sum := func(of *big.Int, amount uint64) *big.Int { return new(big.Int).Add(of, new(big.Int).SetUint64(amount)) }
		exceeds := func(amount *big.Int, limit uint64) bool {
			return limit > 0 && amount.Cmp(new(big.Int).SetUint64(limit)) > 0
		}
		day := int64(20_000)
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			day += int64(rapid.IntRange(0, 1).Draw(t, "days") * rapid.IntRange(0, 1).Draw(t, "turn"))
			session, amount := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "session"), amounts.Draw(t, "amount")
			session += string(rune('0' + day%2)) // sessions do not last for days
			if days[day] == nil {
				days[day] = new(big.Int)
			}
			if sessions[session] == nil {
				sessions[session] = new(big.Int)
			}
			if limits == (Limits{}) {
				return // without a limit sums stay at the largest number
			}
			inSession, inDay := sum(sessions[session], amount), sum(days[day], amount)
			b.forget(day)
			if _, known := b.sessions[session]; !known {
				inSession = sum(new(big.Int), amount)
			}
			fits := !exceeds(inSession, limits.PerSession) && !exceeds(inDay, limits.PerDay)
			err := b.take(session, amount, day)
			if (err == nil) != fits {
				t.Fatalf("%d of %s on %d, with %v and %v before: %v", amount, session, day, sessions[session], days[day], err)
			}
			if err == nil {
				sessions[session], days[day] = inSession, inDay
			}
		}
		if len(b.days) > keptDays+1 {
			t.Fatalf("%d days are remembered", len(b.days))
		}
	})
}

func TestDays(t *testing.T) {
	for at, want := range map[string]int64{"1970-01-01T00:00:00Z": 0, "1969-12-31T23:59:59Z": -1, "2026-11-27T23:59:59Z": 20784, "2026-11-28T00:00:00Z": 20785, "2026-11-28T01:30:00+02:00": 20784} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := dayOf(moment); got != want {
			t.Errorf("%s is day %d, want %d", at, got, want)
		}
	}
}

func TestEstimate(t *testing.T) {
	got := EstimateOf(22, 50, 20, 20*time.Minute, Limits{})
	if want := (Estimate{Relay: 22, Check: 1100, Checks: 20, Paid: 20, Session: 22_000, Day: 72 * 22_000, SessionsPerDay: 72}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	got = EstimateOf(22, 50, 20, 20*time.Minute, Limits{PerSession: 5000, PerDay: 100_000})
	if want := (Estimate{Relay: 22, Check: 1100, Checks: 20, Paid: 4, Session: 4400, Day: 100_000, SessionsPerDay: 72}); got != want {
		t.Errorf("limited: %+v, want %+v", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{PerSession: rapid.Uint64().Draw(t, "per session"), PerDay: rapid.Uint64().Draw(t, "per day")}
		e := EstimateOf(rapid.Uint64().Draw(t, "price"), rapid.IntRange(-1, 2000).Draw(t, "suppliers"), rapid.IntRange(-1, 10_000).Draw(t, "checks"),
			time.Duration(rapid.Int64Range(0, math.MaxInt64/2).Draw(t, "session")), limits)
		if limits.PerSession > 0 && e.Session > limits.PerSession || limits.PerDay > 0 && e.Day > limits.PerDay || e.Paid > e.Checks || e.Session > 0 && e.Day < min(e.Session, limits.PerDay-1) {
			t.Fatalf("%+v within %+v", e, limits)
		}
	})
}

func TestStakeIsLow(t *testing.T) {
	for _, test := range []struct {
		stake, least, perDay uint64
		low                  bool
	}{{1000, 100, 0, false}, {104, 100, 0, true}, {105, 100, 0, false}, {1000, 100, 300, false}, {1000, 100, 301, true}, {50, 100, 0, true}, {1000, 100, math.MaxUint64, true}, {5, 0, 1, false}} {
		if got := isLow(test.stake, test.least, test.perDay); got != test.low {
			t.Errorf("%+v: %t", test, got)
		}
	}
}

// clock is a wall clock in a test's hands.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)} }

const account = "pokt1application/eth"

// open reads a file of spendings.
func open(t testing.TB, path string, limits Limits, c *clock) *spending {
	t.Helper()
	s, err := newSpending(path, map[string]Limits{account: limits}, c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s
}

func TestSpendingsOutliveTheProcess(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "spent"), newClock()
	limits := Limits{PerSession: 100, PerDay: 150}
	s := open(t, path, limits, c)
	purses := []*purse{{spending: s, account: account, session: "a", price: 10}, {spending: s, account: account, session: "b", price: 10}}
	for _, p := range purses {
		if err := p.Take(5); err != nil {
			t.Fatal(err)
		}
	}
	purses[0].Return(2)
	for range 3 { // started again, without having been closed
		s = open(t, path, limits, c)
		if got := s.of(account, "a"); got.Session != 30 || got.Day != 80 || *got.SessionLeft != 70 || *got.DayLeft != 70 {
			t.Errorf("after a restart: %+v", got)
		}
	}
	p := &purse{spending: s, account: account, session: "c", price: 10}
	if err := p.Take(8); !errors.Is(err, ErrOverBudget) {
		t.Errorf("more than is left of the day: %v", err)
	}
	if got := s.of(account, "c").Refused; got != 1 {
		t.Errorf("%d checks refused", got)
	}
	c.at = c.at.Add(24 * time.Hour)
	if err := p.Take(8); err != nil {
		t.Errorf("the day after: %v", err)
	}
	s = open(t, path, limits, c)
	if got := s.of(account, "c"); got.Day != 80 || got.Session != 80 {
		t.Errorf("the day after, after a restart: %+v", got)
	}
}

// A process that dies while it writes leaves half a line, of a check that was not asked.
func TestHalfALineCountsForNothing(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "spent"), newClock()
	s := open(t, path, Limits{PerDay: 100}, c)
	if _, err := s.take(account, "a", 10); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := bytes.Clone(whole)
	for cut := range len(line) {
		if err := os.WriteFile(path, append(bytes.Clone(whole), line[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		s = open(t, path, Limits{PerDay: 100}, c)
		if _, err := s.take(account, "a", 5); err != nil {
			t.Fatal(err)
		}
		if got := open(t, path, Limits{PerDay: 100}, c).of(account, "a").Day; got != 15 {
			t.Fatalf("cut at %d: %d were spent", cut, got)
		}
	}
}

func TestAFileOfOtherThingsIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spent")
	for _, content := range []string{"hello\n", "1 a b -\n", "1 a b 1 2\n", "x a b 1\n", "1  b 1\n", strings.Repeat("9", 2000) + " a b 1\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := newSpending(path, nil, newClock().now); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: %v", content, err)
		}
		if left, _ := os.ReadFile(path); string(left) != content {
			t.Errorf("%q became %q", content, left)
		}
	}
}

// What cannot be stored is not spent: a check that is not remembered would be paid for twice.
func TestWhatCannotBeStoredIsNotSpent(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	s := open(t, filepath.Join(dir, "spent"), Limits{PerDay: 100}, c)
	s.file.Close()
	if _, err := s.take(account, "a", 10); err == nil || errors.Is(err, ErrOverBudget) {
		t.Errorf("spent without a file: %v", err)
	}
	if got := s.of(account, "a"); got.Day != 0 || got.Refused != 1 {
		t.Errorf("%+v", got)
	}
	if _, err := s.take(account, "a", 10); err != nil {
		t.Errorf("the file is made anew: %v", err)
	}
}

// Restarts at any time keep the sums, however many lines there are.
func TestSpendingsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "spent")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path, c := filepath.Join(dir, "spent"), newClock()
		start := func() *spending {
			s, err := newSpending(path, map[string]Limits{account: {PerDay: 1 << 40}}, c.now)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := start()
		defer func() { s.close() }()
		day, sessions := uint64(0), make(map[string]uint64)
		began := dayOf(c.at)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			number, requests := rapid.IntRange(0, 2).Draw(t, "session"), rapid.IntRange(0, 50).Draw(t, "requests")
			session := fmt.Sprint(number, "-", (dayOf(c.at)-began+int64(number))/2) // which lasts for two days at most
			p := &purse{spending: s, account: account, session: session, price: 7}
			if err := p.Take(requests); err != nil {
				t.Fatal(err)
			}
			back := rapid.IntRange(0, requests).Draw(t, "back")
			p.Return(back)
			day, sessions[session] = day+7*uint64(requests-back), sessions[session]+7*uint64(requests-back)
			switch rapid.IntRange(0, 5).Draw(t, "then") {
			case 0:
				s.close()
				s = start()
			case 1:
				c.at = c.at.Add(24 * time.Hour)
				day = 0
			}
			for session, want := range sessions {
				if got := s.of(account, session); got.Day != day || got.Session != want && got.Session != 0 {
					t.Fatalf("%s: %+v, want %d of %d", session, got, want, day)
				}
			}
		}
	})
}

func TestPursesAreUsedAtOnce(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spent"), Limits{PerDay: 1000}, newClock())
	var using sync.WaitGroup
	for range 8 {
		p := &purse{spending: s, account: account, session: "a", price: 1}
		using.Go(func() {
			for range 100 {
				if p.Take(2) == nil {
					p.Return(1)
				}
			}
		})
	}
	using.Wait()
	if got := s.of(account, "a"); got.Day > 1000 || got.Day < 790 {
		t.Errorf("%+v", got)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("20784 pokt1a/eth abc 12")
	f.Add("20784 pokt1a/eth abc -12")
	f.Fuzz(func(t *testing.T, line string) {
		read, err := readLine(line)
		if err != nil {
			return
		}
		if again, err := readLine(strings.TrimSuffix(read.line(), "\n")); err != nil || again != read {
			t.Errorf("%q is read as %+v, then as %+v, %v", line, read, again, err)
		}
	})
}

// The total of a process never falls, and counts nothing twice.
func TestTotalOfAProcess(t *testing.T) {
	c := newClock()
	s := open(t, filepath.Join(t.TempDir(), "spent"), Limits{PerSession: 100}, c)
	p := &purse{spending: s, account: account, session: "a", price: 10}
	for i, step := range []struct {
		take, back int
		want       uint64
	}{{5, 2, 50}, {2, 0, 50}, {3, 3, 80}, {4, 0, 90}, {4, 0, 90}} {
		if err := p.Take(step.take); err != nil && i != 4 {
			t.Fatal(err)
		}
		p.Return(step.back)
		if got := s.of(account, "a"); got.Total != step.want {
			t.Errorf("step %d: %+v", i, got)
		}
	}
	c.at = c.at.Add(24 * time.Hour)
	if got := s.of(account, "b"); got.Total != 90 || got.Day != 0 {
		t.Errorf("the day after: %+v", got)
	}
}
