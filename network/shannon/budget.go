package shannon

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// Limits of what may be spent, in uPOKT; 0 for none.
type Limits struct {
	PerSession, PerDay uint64
}

// ErrOverBudget is returned for what costs more than is left.
var ErrOverBudget = errors.New("the budget is used up")

// dayLength is a day of UTC.
const dayLength = 24 * time.Hour

// dayOf numbers the days of UTC.
func dayOf(at time.Time) int64 {
	seconds, day := at.Unix(), int64(dayLength/time.Second)
	return (seconds - ((seconds%day)+day)%day) / day
}

// keptDays is how many days sessions are remembered: one may begin before midnight.
const keptDays = 2

// budget is what was spent, of what may be. It is pure: days are handed in, and nothing is stored.
type budget struct {
	limits Limits
	// days are the amounts spent by day, sessions those by session.
	days     map[int64]uint64
	sessions map[string]spent
}

// spent is an amount, and the last day on which some of it was.
type spent struct {
	amount uint64
	day    int64
}

func newBudget(limits Limits) *budget {
	return &budget{limits: limits, days: make(map[int64]uint64), sessions: make(map[string]spent)}
}

// take spends an amount on a session, if it is left. Errors: ErrOverBudget.
func (b *budget) take(session string, amount uint64, day int64) error {
	b.forget(day)
	for _, limit := range []struct {
		most, spent uint64
		of          string
	}{{b.limits.PerSession, b.sessions[session].amount, "session"}, {b.limits.PerDay, b.days[day], "day"}} {
		if left := leftOf(limit.most, limit.spent); limit.most > 0 && amount > left {
			return fmt.Errorf("%w: the check would cost %d uPOKT, %d of %d are left for the %s", ErrOverBudget, amount, left, limit.most, limit.of)
		}
	}
	b.note(session, amount, day)
	return nil
}

// note adds an amount that was spent.
func (b *budget) note(session string, amount uint64, day int64) {
	b.days[day] = plus(b.days[day], amount)
	of := b.sessions[session]
	b.sessions[session] = spent{plus(of.amount, amount), max(day, of.day)}
}

// giveBack takes back an amount that was taken on a day.
func (b *budget) giveBack(session string, amount uint64, day int64) {
	if b.days[day] > 0 {
		b.days[day] = leftOf(b.days[day], amount)
	}
	if of, known := b.sessions[session]; known {
		b.sessions[session] = spent{leftOf(of.amount, amount), of.day}
	}
}

// forget removes what is of no day that counts any more.
func (b *budget) forget(today int64) {
	for day := range b.days {
		if day+keptDays <= today {
			delete(b.days, day)
		}
	}
	for session, of := range b.sessions {
		if of.day+keptDays <= today {
			delete(b.sessions, session)
		}
	}
}

// leftOf returns most less spent, at least 0.
func leftOf(most, spent uint64) uint64 {
	if spent >= most {
		return 0
	}
	return most - spent
}

// plus adds amounts, and stays at the largest number.
func plus(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry > 0 {
		return math.MaxUint64
	}
	return sum
}

// times multiplies an amount, and stays at the largest number.
func times(amount uint64, n uint64) uint64 {
	high, product := bits.Mul64(amount, n)
	if high > 0 {
		return math.MaxUint64
	}
	return product
}

// Estimate is what sampling costs, in uPOKT. Amounts that do not fit stay at the largest number.
type Estimate struct {
	// Relay is the price of one request, Check that of one to every supplier.
	Relay, Check uint64
	// Checks that a session has, and how many of them the limit of a session pays for.
	Checks, Paid uint64
	// Session is what a session costs, within the limits; Day is what a day of such sessions does.
	Session, Day uint64
	// SessionsPerDay, rounded up.
	SessionsPerDay uint64
}

// EstimateOf returns what sessions of a number of suppliers and checks cost, when a relay costs price and a session takes
// a time.
func EstimateOf(price uint64, suppliers, checks int, session time.Duration, limits Limits) Estimate {
	e := Estimate{Relay: price, Check: times(price, uint64(max(suppliers, 0))), Checks: uint64(max(checks, 0)), SessionsPerDay: 1}
	if session > 0 {
		e.SessionsPerDay = uint64((dayLength + session - 1) / session)
	}
	affordable := uint64(math.MaxUint64)
	for _, limit := range []uint64{limits.PerSession, limits.PerDay} {
		if limit > 0 && e.Check > 0 {
			affordable = min(affordable, limit/e.Check)
		}
	}
	e.Paid = min(e.Checks, affordable)
	e.Session = times(e.Check, e.Paid)
	e.Day = times(e.Session, e.SessionsPerDay)
	if limits.PerDay > 0 {
		e.Day = min(e.Day, limits.PerDay)
	}
	return e
}
