package order

import (
	"cmp"
	"slices"
	"time"
)

const (
	// Reach is how many statements behind the newest one a late one may be. A publisher has at most 64 in flight, and a
	// collector that was stopped may be given again what it had taken delivery of: some hundreds.
	Reach = 1024
	// window is how many statements a publisher may have in flight: how far before the first that was heard a late one is.
	window = 64
	// mostHoles bounds the holes that are remembered.
	mostHoles = 1024
	// MaximumSequence is the largest sequence that a statement may have.
	MaximumSequence = 1 << 62
)

// Statement is what the order of statements is decided by.
type Statement struct {
	Instance Instance
	// Place is the name of the vantage point, for people.
	Place string
	// Sequence is 1 to MaximumSequence.
	Sequence uint64
	// Previous is the hash of the statement before; not known for the first one.
	Previous Digest
	// Hash is the statement's own.
	Hash Digest
	// At is when the server stored it, nanoseconds since the Unix epoch.
	At int64
}

// Verdict is what becomes of a statement.
type Verdict int

// Verdicts.
const (
	// Next is a statement that is taken: it follows the newest one.
	Next Verdict = iota + 1
	// Ahead is taken: it is newer, and statements between it and the newest one are missing.
	Ahead
	// Late is taken: it was missing.
	Late
	// Joined is taken: it is the first one of its chain that was heard.
	Joined
	// TakenOver is taken: it is of another chain than the statements before it, and these have stopped for long enough.
	TakenOver
	// Known was taken before, or was given up, or was there before the first one that was heard. What it says decides.
	Known
	// Altered is refused: it does not fit to its neighbours.
	Altered
	// Elsewhere is refused: another data folder has the same key, and is being heard.
	Elsewhere
)

// Taken reports whether a statement with the verdict is taken.
func (v Verdict) Taken() bool { return v >= Next && v <= TakenOver }

// Chain is the statements that were taken of one fisherman about one relay chain. Its zero value has heard nothing.
type Chain struct {
	Instance Instance `json:"instance"`
	Place    string   `json:"place"`
	// Newest is the largest sequence that was taken; 0 while there is none. Hash is its statement's.
	Newest uint64 `json:"newest"`
	Hash   Digest `json:"hash"`
	// Heard is when the server stored what was last taken; nanoseconds since the Unix epoch.
	Heard int64 `json:"heard"`
	// Holes are what is missing, by sequence.
	Holes []Hole `json:"holes,omitempty"`
	// Gaps is how many statements were missing and are given up.
	Gaps uint64 `json:"gaps"`
}

// Hole is a stretch of sequences that are missing, From to To.
type Hole struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Before is the hash of the statement before From, if that was taken, and After what the statement after To says of To.
	Before Digest `json:"before,omitzero"`
	After  Digest `json:"after,omitzero"`
	// Earlier: it is before the first statement that was heard, and may well never have been for us.
	Earlier bool `json:"earlier,omitempty"`
}

func (h Hole) size() uint64 { return h.To - h.From + 1 }

// Missing returns how many statements are missing and may still arrive late.
func (c *Chain) Missing() (missing uint64) {
	for _, hole := range c.Holes {
		if !hole.Earlier {
			missing += hole.size()
		}
	}
	return missing
}

// Clone returns a chain that shares nothing with c.
func (c *Chain) Clone() *Chain {
	clone := *c
	clone.Holes = slices.Clone(c.Holes)
	return &clone
}

// Talks reports whether something was taken within the time before a moment after which others may take over.
func (c *Chain) Talks(at int64, takeover time.Duration) bool { return at-c.Heard < int64(takeover) }

// Judge returns what becomes of a statement. Takeover is for how long the chain that is heard has to be silent before one of
// another data folder, or one that does not follow from it, takes its place.
func (c *Chain) Judge(s Statement, takeover time.Duration) Verdict {
	silent := !c.Talks(s.At, takeover)
	switch {
	case c.Newest == 0:
		return Joined
	case s.Instance != c.Instance && silent:
		return TakenOver
	case s.Instance != c.Instance:
		return Elsewhere
	case s.Sequence == c.Newest+1 && s.Previous == c.Hash:
		return Next
	case s.Sequence == c.Newest+1 && silent:
		return TakenOver
	case s.Sequence == c.Newest+1:
		return Altered
	case s.Sequence > c.Newest:
		return Ahead
	}
	at, missing := c.hole(s.Sequence)
	switch {
	case !missing:
		return Known
	case c.Holes[at].fits(s):
		return Late
	}
	return Altered
}

// fits reports whether a statement that is missing is what its neighbours say, as far as they were taken.
func (h Hole) fits(s Statement) bool {
	if s.Sequence == h.From && h.Before.Known() && s.Previous != h.Before {
		return false
	}
	return s.Sequence != h.To || s.Hash == h.After
}

// hole returns the hole that a sequence is in.
func (c *Chain) hole(sequence uint64) (at int, missing bool) {
	at, _ = slices.BinarySearchFunc(c.Holes, sequence, func(h Hole, sequence uint64) int { return cmp.Compare(h.To, sequence) })
	return at, at < len(c.Holes) && c.Holes[at].From <= sequence
}

// Take takes a statement with the verdict that Judge gave it; one that is not taken changes nothing.
func (c *Chain) Take(s Statement, verdict Verdict) {
	switch verdict {
	case Joined, TakenOver:
		c.join(s)
	case Ahead:
		c.Holes = append(c.Holes, Hole{From: c.Newest + 1, To: s.Sequence - 1, Before: c.Hash, After: s.Previous})
		c.advance(s)
	case Next:
		c.advance(s)
	case Late:
		c.fill(s)
		c.Heard = max(c.Heard, s.At)
	}
}

// join begins with a statement. A few before it may be late.
func (c *Chain) join(s Statement) {
	given := c.Gaps
	for _, hole := range c.Holes {
		if !hole.Earlier {
			given += hole.size()
		}
	}
	*c = Chain{Instance: s.Instance, Gaps: given}
	if s.Sequence > 1 {
		c.Holes = []Hole{{From: max(s.Sequence, window+1) - window, To: s.Sequence - 1, After: s.Previous, Earlier: true}}
	}
	c.advance(s)
}

// advance makes a statement the newest one, and gives up what is too far behind it.
func (c *Chain) advance(s Statement) {
	c.Newest, c.Hash, c.Place, c.Heard = s.Sequence, s.Hash, s.Place, max(c.Heard, s.At)
	given := 0
	for _, hole := range c.Holes {
		if hole.To+Reach >= c.Newest && len(c.Holes)-given <= mostHoles {
			break
		}
		given++
		if !hole.Earlier {
			c.Gaps += hole.size()
		}
	}
	c.Holes = slices.Delete(c.Holes, 0, given)
}

// fill takes a statement out of its hole, which may leave two.
func (c *Chain) fill(s Statement) {
	at, _ := c.hole(s.Sequence)
	hole := c.Holes[at]
	var left []Hole
	if s.Sequence > hole.From {
		left = append(left, Hole{From: hole.From, To: s.Sequence - 1, Before: hole.Before, After: s.Previous, Earlier: hole.Earlier})
	}
	if s.Sequence < hole.To {
		left = append(left, Hole{From: s.Sequence + 1, To: hole.To, Before: s.Hash, After: hole.After, Earlier: hole.Earlier})
	}
	c.Holes = slices.Replace(c.Holes, at, at+1, left...)
}

// MayArrive reports whether a statement that is missing and before a sequence may still arrive.
func (c *Chain) MayArrive(sequence uint64) bool {
	if c.Newest > 0 && sequence > c.Newest+1 {
		return true
	}
	for _, hole := range c.Holes {
		if hole.From < sequence && (!hole.Earlier || sequence <= hole.To+window) {
			return true
		}
	}
	return false
}
