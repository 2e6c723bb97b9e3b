package snapshot

import "fmt"

// maximumHeight bounds the height of a tree: a balanced one of that height has more nodes than any disk.
const maximumHeight = 62

// Shape checks that nodes, in the order of a snapshot, are those of one balanced tree. It remembers only the heights of
// the subtrees that have no parent yet, which are at most maximumHeight+2.
type Shape struct {
	open []int8
}

// Add checks the next node.
func (s *Shape) Add(height int8) error {
	if height < 0 || height > maximumHeight {
		return fmt.Errorf("%w: a subtree of height %d", ErrMalformed, height)
	}
	if height > 0 {
		n := len(s.open)
		if n < 2 {
			return fmt.Errorf("%w: an inner node without two subtrees", ErrMalformed)
		}
		left, right := s.open[n-2], s.open[n-1]
		if height != max(left, right)+1 || left-right > 1 || right-left > 1 {
			return fmt.Errorf("%w: subtrees of heights %d and %d below one of %d", ErrMalformed, left, right, height)
		}
		s.open = s.open[:n-2]
	}
	// A subtree that waits for its right neighbour is higher than what comes after it, but for two neighbours.
	if len(s.open) > maximumHeight+1 {
		return fmt.Errorf("%w: more than %d subtrees without a parent", ErrMalformed, len(s.open))
	}
	s.open = append(s.open, height)
	return nil
}

// End checks that the nodes so far are a whole tree.
func (s *Shape) End() error {
	if len(s.open) != 1 {
		return fmt.Errorf("%w: it ends with %d subtrees", ErrMalformed, len(s.open))
	}
	return nil
}
