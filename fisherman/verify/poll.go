package verify

import (
	"iter"
	"maps"
)

// Voter has one vote in a Poll: an operator with all of its origins, or an origin without an operator. It is a number from 0,
// which the caller gives out.
type Voter int

// Poll counts what voters say. A voter that says several things counts once for each of them, and once against each.
//
// An operator is a name that anybody can declare. If its contradiction cost it its vote, a stranger who declares the name
// and lies would take the vote away. As it is, a declaration only loses votes of its declarer: nothing that is said under
// somebody else's name counts for more than it would count under one's own.
type Poll[A comparable] struct {
	// said is what each voter said; further what those said who said something else as well.
	said    []word[A]
	further map[vote[A]]bool
	// voters is how many have said something.
	voters int
	// pro counts the voters that say a thing, sole those that say nothing else.
	pro, sole map[A]int
}

// word is what a voter said first, if it has said anything, and whether it said something else as well.
type word[A comparable] struct {
	first        A
	known, split bool
}

type vote[A comparable] struct {
	voter  Voter
	answer A
}

// NewPoll returns a poll without votes, for a number of voters.
func NewPoll[A comparable](voters int) *Poll[A] {
	return &Poll[A]{said: make([]word[A], voters), pro: make(map[A]int), sole: make(map[A]int)}
}

// Add notes that a voter says something. Saying it again changes nothing.
func (p *Poll[A]) Add(voter Voter, answer A) {
	before := &p.said[voter]
	switch {
	case !before.known:
		*before = word[A]{first: answer, known: true}
		p.voters++
		p.pro[answer]++
		p.sole[answer]++
		return
	case before.first == answer || p.further[vote[A]{voter, answer}]:
		return
	case p.further == nil:
		p.further = make(map[vote[A]]bool)
	}
	p.further[vote[A]{voter, answer}] = true
	p.pro[answer]++
	if !before.split {
		before.split = true
		p.sole[before.first]--
	}
}

// Voters returns how many voters say something.
func (p *Poll[A]) Voters() int { return p.voters }

// Answers yields what voters say, in no order.
func (p *Poll[A]) Answers() iter.Seq[A] { return maps.Keys(p.pro) }

// Pro returns how many voters say an answer.
func (p *Poll[A]) Pro(answer A) int { return p.pro[answer] }

// Con returns how many voters say something else.
func (p *Poll[A]) Con(answer A) int { return p.voters - p.sole[answer] }

// Leads reports whether more voters say an answer than say something else. At most one answer leads. Where no voter
// contradicts itself, that is a strict majority.
func (p *Poll[A]) Leads(answer A) bool { return p.Pro(answer) > p.Con(answer) }
