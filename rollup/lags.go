package rollup

import (
	"cmp"
	"math/bits"
	"slices"
)

// exactLag is the lag in blocks from which on lags are counted by their seven leading bits: less than 1/64 below the
// exact ones.
const exactLag = 128

// Lags counts head claims by how many blocks they are behind. The zero value is empty.
type Lags struct {
	// counts by lag, ascending.
	counts []lagCount
	count  int
	// Longest is the largest lag, exact.
	longest int64
}

type lagCount struct {
	lag    int64
	claims uint32
}

// leading returns the lag that a lag is counted as.
func leading(lag int64) int64 {
	lag = max(lag, 0)
	if lag < exactLag {
		return lag
	}
	shift := bits.Len64(uint64(lag)) - 7
	return lag >> shift << shift
}

// Add counts a claim that is behind by a number of blocks; one below zero counts as zero.
func (l *Lags) Add(lag int64) {
	l.add(leading(lag), 1)
	l.longest = max(l.longest, lag)
}

func (l *Lags) add(lag int64, claims uint32) {
	at, found := slices.BinarySearchFunc(l.counts, lag, func(c lagCount, lag int64) int { return cmp.Compare(c.lag, lag) })
	if !found {
		l.counts = slices.Insert(l.counts, at, lagCount{lag: lag})
	}
	l.counts[at].claims += claims
	l.count += int(claims)
}

// Merge adds the claims of another one, which stays as it is.
func (l *Lags) Merge(other *Lags) {
	for _, c := range other.counts {
		l.add(c.lag, c.claims)
	}
	l.longest = max(l.longest, other.longest)
}

func (l *Lags) reset() { *l = Lags{counts: l.counts[:0]} }

// Count returns how many claims there are.
func (l *Lags) Count() int { return l.count }

// Longest returns the largest lag in blocks; 0 without any claim.
func (l *Lags) Longest() int64 { return l.longest }

// Median returns the ⌈n/2⌉-th smallest lag of n, in blocks; from 128 on up to 1/64 too small. 0 without any claim.
func (l *Lags) Median() int64 {
	seen := 0
	for _, c := range l.counts {
		if seen += int(c.claims); seen >= (l.count+1)/2 {
			return c.lag
		}
	}
	return 0
}
