package persistence

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cosmosdb "github.com/cosmos/cosmos-db"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// A closed goleveldb keeps one goroutine, which ends by itself after a second; those of an open one are found.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/syndtr/goleveldb/leveldb.(*DB).mpoolDrain"))
}

// open opens the state in dir and closes it at the end of the test.
func open(t *testing.T, dir string) *StateStore {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func set(t *testing.T, s *StateStore, key, value string) {
	t.Helper()
	if err := s.Set([]byte(key), []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func commitState(t *testing.T, s *StateStore) []byte {
	t.Helper()
	_, hash, err := s.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// reader is the part that the working state and a snapshot share.
type reader interface {
	Get(key []byte) ([]byte, error)
	Iterate(prefix []byte, visit func(key, value []byte) (stop bool)) error
}

// entries returns all entries of a state, read by iteration.
func entries(t testing.TB, r reader) map[string]string {
	t.Helper()
	all := make(map[string]string)
	last := ""
	err := r.Iterate(nil, func(key, value []byte) bool {
		if string(key) <= last {
			t.Errorf("%q comes after %q", key, last)
		}
		last = string(key)
		all[last] = string(value)
		return false
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestNewStore(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "not", "there", "yet"))
	if s.Version() != 0 || s.Latest() != 0 || s.Hash() != nil {
		t.Errorf("version %d, hash %x", s.Version(), s.Hash())
	}
	if value, err := s.Get([]byte("key")); value != nil || err != nil {
		t.Errorf("%q, %v", value, err)
	}
	if err := s.Delete([]byte("key")); err != nil {
		t.Error(err)
	}
	if got := entries(t, s); len(got) != 0 {
		t.Errorf("%q", got)
	}
	if _, err := s.At(0); !errors.Is(err, modules.ErrHeightUnavailable) {
		t.Errorf("At(0): %v", err)
	}
}

// The hash of given contents is part of the chain: a different one means that nodes of different builds disagree.
func TestHashIsPinned(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 100 {
		set(t, s, fmt.Sprintf("key %d", i), fmt.Sprintf("value %d", i))
	}
	working := s.WorkingHash()
	first := commitState(t, s)
	const want = "1eb092ea072019af815e01d11503c72f8cd1c2c333426e5dabc9d6a8852a8ab7"
	if got := hex.EncodeToString(first); got != want || !bytes.Equal(working, first) || !bytes.Equal(s.Hash(), first) {
		t.Errorf("committed %s, working hash %x, hash %x, want %s", got, working, s.Hash(), want)
	}
	if second := commitState(t, s); !bytes.Equal(first, second) || s.Version() != 2 {
		t.Errorf("version %d without a change has hash %x, want %x", s.Version(), second, first)
	}
	set(t, s, "key 1", "another")
	if third := commitState(t, s); bytes.Equal(first, third) {
		t.Error("a changed value leaves the hash as it was")
	}
}

func TestPastVersionsStayAsTheyWere(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var want []map[string]string
	state := make(map[string]string)
	for v := range 30 {
		key := fmt.Sprintf("key %d", v%7)
		if v%5 == 4 {
			delete(state, key)
			if err := s.Delete([]byte(key)); err != nil {
				t.Fatal(err)
			}
		} else {
			state[key] = fmt.Sprintf("value %d", v)
			set(t, s, key, state[key])
		}
		commitState(t, s)
		want = append(want, maps.Clone(state))
	}
	check := func(s *StateStore) {
		for i, w := range want {
			snapshot, err := s.At(int64(i + 1))
			if err != nil {
				t.Fatal(err)
			}
			if got := entries(t, snapshot); snapshot.Version() != int64(i+1) || !maps.Equal(got, w) {
				t.Errorf("version %d is %v, want %v", i+1, got, w)
			}
			for _, key := range []string{"key 0", "key 3", "other"} {
				value, err := snapshot.Get([]byte(key))
				if wanted, ok := w[key]; err != nil || string(value) != wanted || (value != nil) != ok {
					t.Errorf("%q at version %d is %q, %v, want %q", key, i+1, value, err, wanted)
				}
			}
		}
	}
	check(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(open(t, dir))
}

func TestReopeningContinues(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	set(t, s, "kept", "1")
	set(t, s, "empty", "")
	hash := commitState(t, s)
	set(t, s, "kept", "2")
	set(t, s, "lost", "3")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, dir)
	if s.Version() != 1 || !bytes.Equal(s.Hash(), hash) || !bytes.Equal(s.WorkingHash(), hash) {
		t.Errorf("version %d, hash %x, working hash %x, want 1, %x", s.Version(), s.Hash(), s.WorkingHash(), hash)
	}
	if got, want := entries(t, s), map[string]string{"kept": "1", "empty": ""}; !maps.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if value, err := s.Get([]byte("empty")); value == nil || err != nil {
		t.Errorf("an empty value is not there: %v", err)
	}
	set(t, s, "more", "4")
	commitState(t, s)
	if s.Version() != 2 {
		t.Errorf("version %d, want 2", s.Version())
	}
}

func TestRollback(t *testing.T) {
	s := open(t, t.TempDir())
	set(t, s, "never", "committed")
	s.Rollback()
	if got := entries(t, s); len(got) != 0 {
		t.Errorf("rolled back to %q", got)
	}
	set(t, s, "a", "1")
	hash := commitState(t, s)
	set(t, s, "a", "2")
	set(t, s, "b", "3")
	s.Rollback()
	if got := entries(t, s); !maps.Equal(got, map[string]string{"a": "1"}) || !bytes.Equal(s.WorkingHash(), hash) {
		t.Errorf("rolled back to %q", got)
	}
	set(t, s, "c", "4")
	commitState(t, s)
	if got := entries(t, s); s.Version() != 2 || !maps.Equal(got, map[string]string{"a": "1", "c": "4"}) {
		t.Errorf("version %d is %q", s.Version(), got)
	}
}

func TestIteration(t *testing.T) {
	s := open(t, t.TempDir())
	for _, key := range []string{"a", "a/1", "a/2", "a/3", "a0", "b", "\xff", "\xff\xff"} {
		set(t, s, key, "of "+key)
	}
	commitState(t, s)
	snapshot, err := s.At(1)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		prefix string
		stop   int
		want   []string
	}{
		"prefix":      {"a/", 9, []string{"a/1", "a/2", "a/3"}},
		"key":         {"a", 9, []string{"a", "a/1", "a/2", "a/3", "a0"}},
		"last":        {"\xff", 9, []string{"\xff", "\xff\xff"}},
		"nothing":     {"aa", 9, nil},
		"after all":   {"\xff\xff\xff", 9, nil},
		"all":         {"", 9, []string{"a", "a/1", "a/2", "a/3", "a0", "b", "\xff", "\xff\xff"}},
		"stopped":     {"a/", 2, []string{"a/1", "a/2"}},
		"stopped all": {"", 1, []string{"a"}},
	}
	for name, test := range tests {
		for which, r := range map[string]reader{"working": s, "snapshot": snapshot} {
			t.Run(name+"/"+which, func(t *testing.T) {
				var got []string
				err := r.Iterate([]byte(test.prefix), func(key, value []byte) bool {
					if string(value) != "of "+string(key) {
						t.Errorf("%q is %q", key, value)
					}
					got = append(got, string(key))
					return len(got) == test.stop
				})
				if err != nil || !slices.Equal(got, test.want) {
					t.Errorf("%q, %v, want %q", got, err, test.want)
				}
			})
		}
	}
}

// Changes of a caller to its slices do not affect the state.
func TestSlicesAreNotShared(t *testing.T) {
	s := open(t, t.TempDir())
	spoil := func(slice []byte) {
		for i := range slice {
			slice[i] = 'x'
		}
	}
	key, value := []byte("key"), []byte("value")
	if err := s.Set(key, value); err != nil {
		t.Fatal(err)
	}
	spoil(key)
	spoil(value)
	commitState(t, s)
	hash := s.Hash()
	spoil(s.Hash())
	spoil(s.WorkingHash())
	snapshot, err := s.At(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []reader{s, snapshot} {
		got, err := r.Get([]byte("key"))
		if err != nil {
			t.Fatal(err)
		}
		spoil(got)
		if err := r.Iterate(nil, func(k, v []byte) bool { spoil(k); spoil(v); return false }); err != nil {
			t.Fatal(err)
		}
		if all := entries(t, r); !maps.Equal(all, map[string]string{"key": "value"}) {
			t.Errorf("%q", all)
		}
	}
	if !bytes.Equal(s.Hash(), hash) {
		t.Error("the hash changed")
	}
}

func TestRefusals(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Set(nil, []byte("v")); err == nil {
		t.Error("an empty key was set")
	}
	if err := s.Set([]byte("k"), nil); err == nil {
		t.Error("a nil value was set")
	}
	commitState(t, s)
	for _, version := range []int64{-1, 0, 2, 1 << 62} {
		if _, err := s.At(version); !errors.Is(err, modules.ErrHeightUnavailable) {
			t.Errorf("At(%d): %v", version, err)
		}
	}
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "open state in "+dir) {
		t.Errorf("opened twice: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("not a directory"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil {
		t.Error("opened a file")
	}
}

func TestClosedStore(t *testing.T) {
	s := open(t, t.TempDir())
	set(t, s, "a", "1")
	commitState(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	_, getErr := s.Get([]byte("a"))
	_, _, commitErr := s.Commit()
	_, atErr := s.At(1)
	for name, err := range map[string]error{
		"get": getErr, "commit": commitErr, "at": atErr,
		"iterate": s.Iterate(nil, func(_, _ []byte) bool { return true }),
		"set":     s.Set([]byte("a"), []byte("2")),
		"delete":  s.Delete([]byte("a")),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Rollback()
	if s.WorkingHash() != nil || s.Version() != 1 {
		t.Errorf("working hash %x, version %d", s.WorkingHash(), s.Version())
	}
}

// After any sequence of operations, the working state and each version equal a map.
func TestStoreIsAMap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, err := load(newDatabase(cosmosdb.NewMemDB()))
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		working, committed := make(map[string]string), []map[string]string{{}}
		key := rapid.StringMatching(`[a-d]{1,3}`)
		fail := func(err error) {
			if err != nil {
				rt.Fatal(err)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"set": func(rt *rapid.T) {
				k, v := key.Draw(rt, "key"), rapid.String().Draw(rt, "value")
				fail(s.Set([]byte(k), []byte(v)))
				working[k] = v
			},
			"delete": func(rt *rapid.T) {
				k := key.Draw(rt, "key")
				fail(s.Delete([]byte(k)))
				delete(working, k)
			},
			"commit": func(*rapid.T) {
				_, _, err := s.Commit()
				fail(err)
				committed = append(committed, maps.Clone(working))
			},
			"rollback": func(*rapid.T) {
				s.Rollback()
				working = maps.Clone(committed[len(committed)-1])
			},
			"": func(rt *rapid.T) {
				if got := entries(t, s); !maps.Equal(got, working) {
					rt.Fatalf("working state %q, want %q", got, working)
				}
				version := len(committed) - 1
				if version == 0 {
					return
				}
				snapshot, err := s.At(int64(version))
				fail(err)
				if got := entries(t, snapshot); !maps.Equal(got, committed[version]) {
					rt.Fatalf("version %d is %q, want %q", version, got, committed[version])
				}
			},
		})
	})
}

// Each version holds its own number under every key. Readers check that while the writer commits, and while it closes.
func TestReadersBesideTheWriter(t *testing.T) {
	const keys, versions, readers = 50, 60, 4
	s := open(t, t.TempDir())
	write := func(version uint64) {
		for k := range keys {
			if err := s.Set(fmt.Appendf(nil, "key %d", k), binary.BigEndian.AppendUint64(nil, version)); err != nil {
				t.Fatal(err)
			}
		}
		commitState(t, s)
	}
	write(1)
	done := make(chan error, readers)
	for range readers {
		go func() { done <- readUntilClosed(s, keys) }()
	}
	for version := uint64(2); version <= versions; version++ {
		write(version)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range readers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// readUntilClosed reads the latest version and an early one, again and again, and returns what was wrong with them.
func readUntilClosed(s *StateStore, keys int) error {
	for {
		latest := s.Latest()
		for _, version := range []int64{latest, (latest + 1) / 2} {
			snapshot, err := s.At(version)
			if errors.Is(err, ErrClosed) {
				return nil
			}
			if err != nil {
				return err
			}
			count, wrong := 0, 0
			err = snapshot.Iterate([]byte("key "), func(_, value []byte) bool {
				count++
				if binary.BigEndian.Uint64(value) != uint64(version) {
					wrong++
				}
				return false
			})
			if err != nil && strings.Contains(err.Error(), ErrClosed.Error()) {
				return nil
			}
			if err != nil || count != keys || wrong > 0 {
				return fmt.Errorf("version %d: %d keys, %d wrong, %w", version, count, wrong, err)
			}
		}
	}
}
