package local

import (
	"context"
	"fmt"
	"slices"
)

// Prune removes the oldest sessions until retain are left, but for those of which something waits to be published: only the caps
// remove these. It returns how many it removed.
func (s *Store) Prune(ctx context.Context, retain int) (evicted int, err error) {
	if retain < 0 {
		return 0, fmt.Errorf("prune local store: cannot retain %d sessions", retain)
	}
	err = s.change(ctx, func(t *transaction) error {
		surplus := slices.Clone(t.catalogue.sessions[:max(len(t.catalogue.sessions)-retain, 0)])
		surplus = slices.DeleteFunc(surplus, func(e *entry) bool { return e.waits() })
		evicted = len(surplus)
		return t.remove(surplus)
	})
	if err != nil {
		return 0, fmt.Errorf("prune local store: %w", err)
	}
	return evicted, nil
}
