package qos

import (
	"cmp"
	"slices"
)

// share is a part of counted things, and the rest of them.
type share struct{ part, rest int }

// level returns what a strict majority of shares reaches: of n shares in descending order that at place ⌊n/2⌋, counted
// from 0. It is the zero share for none. A minority of the shares cannot raise it above the largest of the others, nor
// lower it below the least of them.
func level(shares []share) share {
	shares = slices.DeleteFunc(slices.Clone(shares), func(s share) bool { return s.part+s.rest == 0 })
	if len(shares) == 0 {
		return share{}
	}
	slices.SortFunc(shares, func(a, b share) int { return cmp.Compare(b.part*(a.part+a.rest), a.part*(b.part+b.rest)) })
	return shares[len(shares)/2]
}

// capped returns how many of a share's part are within a level: as many for each of its rest as the level has, rounded up.
// All are, when the level has no rest.
func (s share) capped(level share) int {
	if level.part == 0 {
		return 0
	}
	if level.rest == 0 {
		return s.part
	}
	return min(s.part, (s.rest*level.part+level.rest-1)/level.rest)
}

// majority returns what a strict majority of values reaches, as level does; nil for none. Values that are nil do not count.
func majority[T cmp.Ordered](values []*T) *T {
	values = slices.DeleteFunc(slices.Clone(values), func(v *T) bool { return v == nil })
	if len(values) == 0 {
		return nil
	}
	slices.SortFunc(values, func(a, b *T) int { return cmp.Compare(*b, *a) })
	return values[len(values)/2]
}
