package persistence

import "github.com/cosmos/iavl"

// Snapshot is one committed version of the state. It never changes and is safe for concurrent use, including with the
// writer. Once its version is pruned or its store is closed, reads fail unless the value is in memory.
type Snapshot struct {
	tree *iavl.ImmutableTree
	// unread returns what an error of the tree means.
	unread func(version int64, err error) error
}

// Version returns the height of the block that this is the state after.
func (s *Snapshot) Version() int64 { return s.tree.Version() }

// Get returns the value of a key; nil, nil when there is none. The caller may keep and change it.
func (s *Snapshot) Get(key []byte) ([]byte, error) {
	value, err := get(s.tree, key)
	if err != nil {
		return nil, s.unread(s.Version(), err)
	}
	return value, nil
}

// Iterate visits the entries whose key starts with prefix, in ascending order of keys, until visit returns true. The
// slices may be kept and changed.
func (s *Snapshot) Iterate(prefix []byte, visit func(key, value []byte) (stop bool)) error {
	if err := iterate(s.tree, prefix, visit); err != nil {
		return s.unread(s.Version(), err)
	}
	return nil
}
