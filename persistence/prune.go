package persistence

import (
	"fmt"
	"sort"
	"sync"

	"github.com/cosmos/iavl"

	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// pruningNodes is the number of tree nodes in memory while versions are pruned.
const pruningNodes = 1000

// pins are the versions that are being read as a whole.
type pins struct {
	mu     sync.Mutex
	counts map[int64]int
}

// Pin keeps a version, and all later ones, from being pruned until release is called. Errors:
// modules.ErrHeightUnavailable.
func (s *StateStore) Pin(version int64) (release func(), err error) {
	s.pins.mu.Lock()
	defer s.pins.mu.Unlock()
	if version > s.Version() {
		return nil, fmt.Errorf("%w: state %d of %d", modules.ErrHeightUnavailable, version, s.Version())
	}
	if err := s.kept(version); err != nil {
		return nil, err
	}
	if s.pins.counts == nil {
		s.pins.counts = make(map[int64]int)
	}
	s.pins.counts[version]++
	return sync.OnceFunc(func() {
		s.pins.mu.Lock()
		defer s.pins.mu.Unlock()
		if s.pins.counts[version]--; s.pins.counts[version] == 0 {
			delete(s.pins.counts, version)
		}
	}), nil
}

// Oldest returns the oldest version that is kept; 0 when there is none.
func (s *StateStore) Oldest() int64 { return s.oldest.Load() }

// kept returns an error that names the range for a version below it.
func (s *StateStore) kept(version int64) error {
	if oldest := s.Oldest(); version < max(oldest, 1) {
		return &modules.HeightNotKept{Height: version, Oldest: oldest, Newest: s.Version()}
	}
	return nil
}

// unread returns what an error of a version's tree means: the version may have been pruned meanwhile, or the store closed.
func (s *StateStore) unread(version int64, err error) error {
	if gone := s.kept(version); gone != nil {
		return gone
	}
	if s.database.ended() {
		err = ErrClosed // iavl keeps only the text of a cause
	}
	return fmt.Errorf("read state %d: %w", version, err)
}

// Prune removes the versions below keep that are neither the latest nor pinned nor later than a pinned one: the oldest
// first, and at most most of them, in one synced batch. Snapshots of removed versions fail from then on. The state that is
// left does not change.
func (s *StateStore) Prune(keep int64, most int) error {
	if s.failed != nil {
		return s.failed
	}
	oldest := s.Oldest()
	if oldest == 0 {
		return nil
	}
	s.pins.mu.Lock() // a version is not pinned between the look and the removal
	keep = min(keep, s.Version(), oldest+int64(most))
	for version := range s.pins.counts {
		keep = min(keep, version)
	}
	if keep > oldest {
		s.oldest.Store(keep)
	}
	s.pins.mu.Unlock()
	if keep <= oldest {
		return nil
	}
	tree := iavl.NewMutableTree(s.database, pruningNodes, true, iavl.NewNopLogger(),
		iavl.SyncOption(true), iavl.FlushThresholdOption(flushThreshold))
	if err := tree.DeleteVersionsTo(keep - 1); err != nil {
		s.failed = fmt.Errorf("prune states %d to %d: %w", oldest, keep-1, err)
		return s.failed
	}
	return nil
}

// firstOf returns the oldest version of a tree, whose versions are without gaps; 0 when it has none.
func firstOf(tree *iavl.MutableTree, latest int64) int64 {
	if latest == 0 {
		return 0
	}
	return 1 + int64(sort.Search(int(latest-1), func(i int) bool { return tree.VersionExists(int64(i) + 1) }))
}
