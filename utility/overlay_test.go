package utility

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// plain is a store in a map.
type plain map[string][]byte

func (p plain) Get(key []byte) ([]byte, error) { return bytes.Clone(p[string(key)]), nil }
func (p plain) Set(key, value []byte) error    { p[string(key)] = append([]byte{}, value...); return nil }
func (p plain) Delete(key []byte) error        { delete(p, string(key)); return nil }
func (p plain) Iterate(prefix []byte, visit func(key, value []byte) (stop bool)) error {
	for _, key := range slices.Sorted(maps.Keys(p)) {
		if strings.HasPrefix(key, string(prefix)) && visit([]byte(key), bytes.Clone(p[key])) {
			break
		}
	}
	return nil
}

// An overlay reads like a copy that was changed, and leaves what is under it alone.
func TestOverlayIsLikeACopy(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.StringMatching(`[ab]{0,3}`)
		under := plain{}
		for range rapid.IntRange(0, 6).Draw(rt, "before") {
			under[keys.Draw(rt, "key")] = []byte(keys.Draw(rt, "value"))
		}
		untouched, copied, overlay := maps.Clone(under), maps.Clone(under), newOverlay(under)
		for range rapid.IntRange(0, 10).Draw(rt, "changes") {
			key, value := []byte(keys.Draw(rt, "key")), []byte(keys.Draw(rt, "value"))
			for _, store := range []Store{copied, overlay} {
				change := store.Set(key, value)
				if len(value) == 2 {
					change = store.Delete(key)
				}
				if change != nil {
					rt.Fatal(change)
				}
			}
		}
		prefix, most := []byte(keys.Draw(rt, "prefix")), rapid.IntRange(1, 5).Draw(rt, "most")
		read := func(store Store) (seen []string) {
			err := store.Iterate(prefix, func(key, value []byte) bool {
				got, err := store.Get(key)
				if err != nil || !bytes.Equal(got, value) {
					rt.Fatalf("%q is %q, visited with %q", key, got, value)
				}
				seen = append(seen, string(key)+"="+string(value))
				return len(seen) == most
			})
			if err != nil {
				rt.Fatal(err)
			}
			return seen
		}
		if got, want := read(overlay), read(copied); !slices.Equal(got, want) {
			rt.Fatalf("%q, want %q", got, want)
		}
		if !maps.EqualFunc(under, untouched, bytes.Equal) {
			rt.Fatal("what is underneath changed")
		}
	})
}
