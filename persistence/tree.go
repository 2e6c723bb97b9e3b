package persistence

import (
	"bytes"
	"fmt"
)

// tree is the part that iavl's working and committed trees share. Entries have an index, in ascending order of keys.
type tree interface {
	Get(key []byte) ([]byte, error)
	// GetWithIndex returns the index of the first entry at or after key.
	GetWithIndex(key []byte) (int64, []byte, error)
	GetByIndex(index int64) (key, value []byte, err error)
	Size() int64
}

// get returns a copy of the value of a key, because the tree's own slices may not be changed; nil when there is none.
func get(t tree, key []byte) ([]byte, error) {
	value, err := t.Get(key)
	if err != nil {
		return nil, fmt.Errorf("read state key %q: %w", key, err)
	}
	return bytes.Clone(value), nil
}

// iterate visits copies of the entries whose key starts with prefix, in ascending order, until visit returns true.
func iterate(t tree, prefix []byte, visit func(key, value []byte) (stop bool)) error {
	first, _, err := t.GetWithIndex(prefix)
	if err != nil {
		return fmt.Errorf("find state keys of prefix %q: %w", prefix, err)
	}
	for index := first; index < t.Size(); index++ {
		key, value, err := t.GetByIndex(index)
		if err != nil {
			return fmt.Errorf("read state keys of prefix %q: %w", prefix, err)
		}
		if !bytes.HasPrefix(key, prefix) || visit(bytes.Clone(key), bytes.Clone(value)) {
			break
		}
	}
	return nil
}
