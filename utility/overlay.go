package utility

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// overlay is a Store on top of a state that it does not change.
type overlay struct {
	under Reader
	// changed has the value of every key that was set; nil for one that was deleted.
	changed map[string][]byte
}

func newOverlay(under Reader) *overlay {
	return &overlay{under: under, changed: make(map[string][]byte)}
}

func (o *overlay) Get(key []byte) ([]byte, error) {
	if value, ok := o.changed[string(key)]; ok {
		return bytes.Clone(value), nil
	}
	return o.under.Get(key)
}

func (o *overlay) Set(key, value []byte) error {
	// An empty value is a value.
	o.changed[string(key)] = append([]byte{}, value...)
	return nil
}

func (o *overlay) Delete(key []byte) error {
	o.changed[string(key)] = nil
	return nil
}

// Iterate merges the changed keys with those underneath.
func (o *overlay) Iterate(prefix []byte, visit func(key, value []byte) (stop bool)) error {
	changed := slices.DeleteFunc(slices.Sorted(maps.Keys(o.changed)), func(key string) bool {
		return !strings.HasPrefix(key, string(prefix))
	})
	stopped := false
	// before visits the changed keys below a key; all that are left if there is none.
	before := func(key []byte) {
		for len(changed) > 0 && !stopped && (key == nil || changed[0] < string(key)) {
			if value := o.changed[changed[0]]; value != nil {
				stopped = visit([]byte(changed[0]), bytes.Clone(value))
			}
			changed = changed[1:]
		}
	}
	err := o.under.Iterate(prefix, func(key, value []byte) bool {
		if before(key); stopped {
			return true
		}
		if len(changed) == 0 || changed[0] != string(key) {
			stopped = visit(key, value)
		}
		return stopped
	})
	if err != nil {
		return err
	}
	before(nil)
	return nil
}
