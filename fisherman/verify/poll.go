package verify

// Voter has one vote in a Poll: an operator with all of its origins, or an origin without an operator.
type Voter struct{ operator, origin string }

// VoterOf returns who votes for an origin: the operator that all of its servicers declare, or the origin itself when the
// operator is empty.
func VoterOf(origin, operator string) Voter {
	if operator != "" {
		return Voter{operator: operator}
	}
	return Voter{origin: origin}
}

// Poll counts what voters say. A voter that says several things counts once for each of them, and once against each.
//
// An operator is a name that anybody can declare. If its contradiction cost it its vote, a stranger who declares the name
// and lies would take the vote away. As it is, a declaration only loses votes of its declarer: nothing that is said under
// somebody else's name counts for more than it would count under one's own.
type Poll[A comparable] struct {
	// first is what each voter said first, further what those said who said something else as well: the split ones.
	first   map[Voter]A
	further map[vote[A]]bool
	split   map[Voter]bool
	// pro counts the voters that say a thing, sole those that say nothing else.
	pro, sole map[A]int
}

type vote[A comparable] struct {
	voter  Voter
	answer A
}

// NewPoll returns a poll without votes, with space for some voters.
func NewPoll[A comparable](voters int) *Poll[A] {
	return &Poll[A]{first: make(map[Voter]A, voters), further: make(map[vote[A]]bool), split: make(map[Voter]bool),
		pro: make(map[A]int), sole: make(map[A]int)}
}

// Add notes that a voter says something. Saying it again changes nothing.
func (p *Poll[A]) Add(voter Voter, answer A) {
	first, known := p.first[voter]
	if known && first == answer || p.further[vote[A]{voter, answer}] {
		return
	}
	p.pro[answer]++
	if !known {
		p.first[voter] = answer
		p.sole[answer]++
		return
	}
	p.further[vote[A]{voter, answer}] = true
	if !p.split[voter] {
		p.split[voter] = true
		p.sole[first]--
	}
}

// Voters returns how many voters say something.
func (p *Poll[A]) Voters() int { return len(p.first) }

// Pro returns how many voters say an answer.
func (p *Poll[A]) Pro(answer A) int { return p.pro[answer] }

// Con returns how many voters say something else.
func (p *Poll[A]) Con(answer A) int { return len(p.first) - p.sole[answer] }

// Leads reports whether more voters say an answer than say something else. At most one answer leads. Where no voter
// contradicts itself, that is a strict majority.
func (p *Poll[A]) Leads(answer A) bool { return p.Pro(answer) > p.Con(answer) }
