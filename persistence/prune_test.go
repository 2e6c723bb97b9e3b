package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// history is what the tests expect of committed versions.
type history struct {
	hashes map[int64][]byte
	values map[int64]map[string]string
}

// grow commits versions of random changes, some of them empty.
func grow(t *testing.T, s *StateStore, random *rand.Rand, versions int, after func(version int64)) *history {
	t.Helper()
	h := &history{hashes: map[int64][]byte{}, values: map[int64]map[string]string{}}
	now := map[string]string{}
	for range versions {
		for range random.IntN(4) {
			key := fmt.Sprintf("key/%02d", random.IntN(40))
			if random.IntN(4) == 0 {
				delete(now, key)
				if err := s.Delete([]byte(key)); err != nil {
					t.Fatal(err)
				}
				continue
			}
			now[key] = fmt.Sprint(random.Uint64())
			if err := s.Set([]byte(key), []byte(now[key])); err != nil {
				t.Fatal(err)
			}
		}
		version, hash, err := s.Commit()
		if err != nil {
			t.Fatal(err)
		}
		h.hashes[version], h.values[version] = hash, map[string]string{}
		for key, value := range now {
			h.values[version][key] = value
		}
		if after != nil {
			after(version)
		}
	}
	return h
}

// compare checks that a store has exactly the versions from oldest on, with the contents of a history.
func (h *history) compare(t *testing.T, s *StateStore, oldest int64) {
	t.Helper()
	if s.Oldest() != oldest {
		t.Errorf("the oldest version is %d, want %d", s.Oldest(), oldest)
	}
	for version, values := range h.values {
		state, err := s.At(version)
		if version < oldest {
			gone, is := errors.AsType[*modules.HeightNotKept](err)
			if !is || !errors.Is(err, modules.ErrHeightUnavailable) || gone.Height != version || gone.Oldest != oldest || gone.Newest != s.Version() {
				t.Errorf("version %d: %v", version, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("version %d: %v", version, err)
			continue
		}
		if got := state.tree.Hash(); !bytes.Equal(got, h.hashes[version]) {
			t.Errorf("version %d has the hash %X, want %X", version, got, h.hashes[version])
		}
		found := 0
		if err := state.Iterate(nil, func(key, value []byte) bool {
			if found++; values[string(key)] != string(value) {
				t.Errorf("version %d: %s is %s, want %s", version, key, value, values[string(key)])
			}
			return false
		}); err != nil || found != len(values) {
			t.Errorf("version %d: %d entries of %d, %v", version, found, len(values), err)
		}
	}
}

// Whatever is pruned when, the versions that are left have the contents and the hash that they had, before and after the
// store is opened again.
func TestPruneLeavesTheOtherVersions(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { s.Close() }()
			random := rand.New(rand.NewPCG(seed, 14))
			// The genesis always has several keys.
			for _, key := range []string{"a", "b", "c"} {
				if err := s.Set([]byte(key), []byte("genesis")); err != nil {
					t.Fatal(err)
				}
			}
			keep := int64(1 + random.IntN(20))
			h := grow(t, s, random, 120, func(version int64) {
				if random.IntN(3) == 0 {
					if err := s.Prune(version-keep+1, 1+random.IntN(12)); err != nil {
						t.Fatal(err)
					}
				}
			})
			for _, values := range h.values {
				for _, key := range []string{"a", "b", "c"} {
					values[key] = "genesis"
				}
			}
			h.compare(t, s, s.Oldest())
			oldest := s.Oldest()
			if err := s.Reopen(); err != nil {
				t.Fatal(err)
			}
			h.compare(t, s, oldest)
			if err := s.Prune(s.Version()+5, 1000); err != nil { // the latest stays
				t.Fatal(err)
			}
			h.compare(t, s, 120)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = Open(dir); err != nil {
				t.Fatal(err)
			}
			h.compare(t, s, 120)
		})
	}
}

// A pinned version outlives pruning, and so do those after it; a snapshot of a version that went says which there are.
func TestPinKeepsAVersion(t *testing.T) {
	t.Parallel()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h := grow(t, s, rand.New(rand.NewPCG(1, 1)), 30, nil)
	early, err := s.At(3)
	if err != nil {
		t.Fatal(err)
	}
	release, err := s.Pin(10)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(25, 1000); err != nil {
		t.Fatal(err)
	}
	h.compare(t, s, 10)
	var gone *modules.HeightNotKept
	if err := early.Iterate(nil, func(_, _ []byte) bool { return false }); err != nil && !errors.As(err, &gone) {
		t.Errorf("a snapshot of a pruned version: %v", err)
	}
	if _, err := s.Pin(9); !errors.As(err, &gone) || gone.Oldest != 10 {
		t.Errorf("pin a pruned version: %v", err)
	}
	release()
	release() // once is enough
	if err := s.Prune(25, 5); err != nil {
		t.Fatal(err)
	}
	h.compare(t, s, 15)
	if err := s.Prune(25, 1000); err != nil {
		t.Fatal(err)
	}
	h.compare(t, s, 25)
}
