package shannon

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// spending is what groups have spent, in a file that outlives the process. What a check costs is written before the check
// asks, so that nobody who kills the process spends more: a crash of the machine may lose the last seconds.
//
// The file has a line for each change: day, account, session, amount; an amount below 0 was given back. An account is an
// application with a service.
type spending struct {
	path string
	now  func() time.Time

	mu      sync.Mutex
	budgets map[string]*budget
	file    *os.File
	// day on which the file was written anew.
	day int64
	// lines that were written since.
	lines int
	// refused checks, by account.
	refused map[string]uint64
	// totals of the process, by account.
	totals map[string]total
}

// total is what was spent since the process began. It never falls: what was given back pays for what is spent next.
type total struct{ spent, credit uint64 }

func (t total) plus(amount uint64) total {
	paid := min(amount, t.credit)
	return total{plus(t.spent, amount-paid), t.credit - paid}
}

const (
	// mostLines is how many lines are added before the file is written anew.
	mostLines = 20_000
	// longestLine bounds a line, in bytes.
	longestLine = 1024
)

// newSpending reads a file of spendings; an empty path stands for none. Errors say what is wrong with the file.
func newSpending(path string, limits map[string]Limits, now func() time.Time) (*spending, error) {
	s := &spending{path: path, now: now, budgets: make(map[string]*budget), refused: make(map[string]uint64),
		totals: make(map[string]total), day: dayOf(now())}
	for account, of := range limits {
		s.budgets[account] = newBudget(of)
	}
	if path == "" {
		return s, nil
	}
	read, err := os.Open(path)
	if err == nil {
		err = s.load(read)
		err = errors.Join(err, read.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read what was spent, %s: %w", path, err)
	}
	return s, s.rewrite()
}

// load reads the lines of a file. The last one may be cut short: what it says was not asked yet.
func (s *spending) load(file io.Reader) error {
	lines := bufio.NewReader(file)
	for number := 1; ; number++ {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		entry, err := readLine(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		s.apply(entry)
	}
}

// entry is one line.
type entry struct {
	day              int64
	account, session string
	amount           uint64
	back             bool
}

var errLine = errors.New("it is no line of spendings")

func readLine(line string) (entry, error) {
	fields := strings.Split(line, " ")
	if len(line) > longestLine || len(fields) != 4 {
		return entry{}, errLine
	}
	day, err := strconv.ParseInt(fields[0], 10, 32)
	if err != nil {
		return entry{}, errLine
	}
	amount, back := strings.CutPrefix(fields[3], "-")
	number, err := strconv.ParseUint(amount, 10, 64)
	if err != nil || fields[1] == "" || fields[2] == "" {
		return entry{}, errLine
	}
	return entry{day: day, account: fields[1], session: fields[2], amount: number, back: back}, nil
}

func (e entry) line() string {
	sign := ""
	if e.back {
		sign = "-"
	}
	return fmt.Sprintf("%d %s %s %s%d\n", e.day, e.account, e.session, sign, e.amount)
}

// apply takes note of an entry of the file. Accounts that are not configured any more are kept: they may be again.
func (s *spending) apply(e entry) {
	of := s.budgets[e.account]
	if of == nil {
		of = newBudget(Limits{})
		s.budgets[e.account] = of
	}
	if e.back {
		of.giveBack(e.session, e.amount, e.day)
		return
	}
	of.note(e.session, e.amount, e.day)
}

// rewrite writes the file anew, with one line for each session and day.
func (s *spending) rewrite() error {
	if s.path == "" {
		return nil
	}
	var text bytes.Buffer
	for _, account := range slices.Sorted(maps.Keys(s.budgets)) {
		of := s.budgets[account]
		of.forget(s.day)
		for _, e := range of.entries(account) {
			text.WriteString(e.line())
		}
	}
	written := s.path + ".new"
	if err := writeSynced(written, text.Bytes()); err != nil {
		return fmt.Errorf("store what was spent: %w", err)
	}
	file, err := os.OpenFile(written, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("store what was spent: %w", err)
	}
	if err := os.Rename(written, s.path); err != nil {
		return errors.Join(fmt.Errorf("store what was spent: %w", err), file.Close())
	}
	if s.file != nil {
		s.file.Close()
	}
	s.file, s.lines = file, 0
	return nil
}

func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

// sharedOut is the session of what was spent on a day, beside what is known by session.
const sharedOut = "-"

// entries are those that make up a budget: what sessions have spent, on their last day, and the days' differences to that.
func (b *budget) entries(account string) (entries []entry) {
	of := make(map[int64]uint64)
	for _, session := range slices.Sorted(maps.Keys(b.sessions)) {
		if session == sharedOut {
			continue
		}
		spent := b.sessions[session]
		entries = append(entries, entry{day: spent.day, account: account, session: session, amount: spent.amount})
		of[spent.day] = plus(of[spent.day], spent.amount)
	}
	for _, day := range slices.Sorted(maps.Keys(b.days)) {
		switch sum := b.days[day]; {
		case sum > of[day]:
			entries = append(entries, entry{day: day, account: account, session: sharedOut, amount: sum - of[day]})
		case sum < of[day]:
			entries = append(entries, entry{day: day, account: account, session: sharedOut, amount: of[day] - sum, back: true})
		}
	}
	return entries
}

// append adds a line, for what the budgets already have, to the file.
func (s *spending) append(e entry) error {
	if s.path == "" {
		return nil
	}
	if e.day != s.day || s.lines >= mostLines || s.file == nil {
		s.day = e.day
		return s.rewrite()
	}
	return s.write(e)
}

// write adds a line. After a failure, which may have left half of one, the file is written anew.
func (s *spending) write(e entry) error {
	if _, err := s.file.WriteString(e.line()); err != nil {
		s.file.Close()
		s.file = nil
		return fmt.Errorf("store what was spent: %w", err)
	}
	s.lines++
	return nil
}

// take spends an amount of an account on a session.
func (s *spending) take(account, session string, amount uint64) (day int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	day = dayOf(s.now())
	if err := s.budgets[account].take(session, amount, day); err != nil {
		s.refused[account]++
		return day, err
	}
	if err := s.append(entry{day: day, account: account, session: session, amount: amount}); err != nil {
		s.budgets[account].giveBack(session, amount, day)
		s.refused[account]++
		return day, err
	}
	s.totals[account] = s.totals[account].plus(amount)
	return day, nil
}

// limit changes the limits of an account. What was spent stays spent.
func (s *spending) limit(account string, limits Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budgets[account].limits = limits
}

// giveBack takes back an amount that was taken on a day. One that cannot be stored is forgotten with the process.
func (s *spending) giveBack(account, session string, amount uint64, day int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budgets[account].giveBack(session, amount, day)
	of := s.totals[account]
	s.totals[account] = total{of.spent, plus(of.credit, amount)}
	if s.path == "" || s.file == nil {
		return nil
	}
	return s.write(entry{day: day, account: account, session: session, amount: amount, back: true})
}

// close closes the file.
func (s *spending) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// Spent is what a group has spent, in uPOKT.
type Spent struct {
	Limits
	// Session and Day are the amounts spent on the current session, and today (UTC).
	Session, Day uint64
	// Total was spent since the process began. It never falls: what was given back pays for what is spent next.
	Total uint64
	// SessionLeft and DayLeft are what is left of the limits; nil without one.
	SessionLeft, DayLeft *uint64
	// Refused checks since the start: those that the budget did not pay for.
	Refused uint64
}

// of returns what an account has spent.
func (s *spending) of(account, session string) Spent {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.budgets[account]
	made := Spent{Limits: b.limits, Session: b.sessions[session].amount, Day: b.days[dayOf(s.now())], Refused: s.refused[account],
		Total: s.totals[account].spent}
	left := func(most, spent uint64) *uint64 {
		if most == 0 {
			return nil
		}
		rest := leftOf(most, spent)
		return &rest
	}
	made.SessionLeft, made.DayLeft = left(b.limits.PerSession, made.Session), left(b.limits.PerDay, made.Day)
	return made
}

// purse pays for the checks of one session; it implements fisherman.Budget.
type purse struct {
	*spending
	account, session string
	// price of one request.
	price uint64

	mu sync.Mutex
	// taken is the day on which was paid last.
	taken int64
}

// Take implements fisherman.Budget.
func (p *purse) Take(requests int) error {
	day, err := p.take(p.account, p.session, times(p.price, uint64(requests)))
	if err == nil {
		p.mu.Lock()
		p.taken = day
		p.mu.Unlock()
	}
	return err
}

// Return implements fisherman.Budget.
func (p *purse) Return(requests int) {
	p.mu.Lock()
	day := p.taken
	p.mu.Unlock()
	// Without the line the amount counts as spent after a restart, which is on the safe side.
	_ = p.giveBack(p.account, p.session, times(p.price, uint64(requests)), day)
}
