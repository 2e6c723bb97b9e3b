package modules

import "fmt"

// HeightNotKept is the error for a height below those that a node keeps: it is pruned, or older than the snapshot that the
// node began with. It is an ErrHeightUnavailable.
type HeightNotKept struct {
	// Height that was asked for.
	Height int64
	// Oldest and Newest are the heights that the node has.
	Oldest, Newest int64
}

// Error names the range that is kept.
func (e *HeightNotKept) Error() string {
	return fmt.Sprintf("height %d is not kept; this node has %d to %d", e.Height, e.Oldest, e.Newest)
}

// Unwrap returns ErrHeightUnavailable.
func (e *HeightNotKept) Unwrap() error { return ErrHeightUnavailable }
