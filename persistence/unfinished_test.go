package persistence_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pocket-fisherman/fisherman/persistence"
)

// A process may be killed at every step of making a database. What it leaves can be opened after ForgetUnfinished, and a
// database that was ever finished is not touched.
func TestForgetUnfinished(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		whole bool // it was opened once
	}{
		{"nothing", nil, false},
		{"manifest only", map[string]string{"MANIFEST-000000": "half"}, false},
		{"empty CURRENT on its way", map[string]string{"MANIFEST-000000": "half", "CURRENT.0": ""}, false},
		{"half of CURRENT on its way", map[string]string{"MANIFEST-000000": "half", "CURRENT.0": "MANI"}, false},
		{"finished", nil, true},
		{"finished, then another CURRENT on its way", map[string]string{"MANIFEST-000007": "half", "CURRENT.7": ""}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			home := t.TempDir()
			database := filepath.Join(home, "state", "state.db")
			if err := os.MkdirAll(database, 0o700); err != nil {
				t.Fatal(err)
			}
			if test.whole {
				open(t, filepath.Join(home, "state"))
			}
			for name, content := range test.files {
				if err := os.WriteFile(filepath.Join(database, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before := names(t, database)
			if err := persistence.ForgetUnfinished(home); err != nil {
				t.Fatal(err)
			}
			if after := names(t, database); test.whole && !slices.Equal(before, after) {
				t.Errorf("a finished database had %v and has %v", before, after)
			}
			open(t, filepath.Join(home, "state"))
		})
	}
}

// A database that lost its CURRENT is not mistaken for one that never had it.
func TestForgetUnfinishedLeavesTheDamaged(t *testing.T) {
	home := t.TempDir()
	open(t, filepath.Join(home, "state"))
	if err := os.Remove(filepath.Join(home, "state", "state.db", "CURRENT")); err != nil {
		t.Fatal(err)
	}
	if err := persistence.ForgetUnfinished(home); err != nil {
		t.Fatal(err)
	}
	if store, err := persistence.Open(filepath.Join(home, "state")); err == nil {
		store.Close()
		t.Error("a damaged database opened as if it were new")
	}
}

// What a disk keeps for itself is not looked into: it may be unreadable, and may hold what was once a database.
func TestForgetUnfinishedLeavesTheDisk(t *testing.T) {
	home := t.TempDir()
	for _, folder := range []string{home, filepath.Join(home, "state"), filepath.Join(home, "state", "state.db")} {
		kept := filepath.Join(folder, "lost+found", "#7.db")
		if err := os.MkdirAll(kept, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(kept, "MANIFEST-000000"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := persistence.ForgetUnfinished(home); err != nil {
		t.Fatal(err)
	}
	open(t, filepath.Join(home, "state"))
	if got := names(t, filepath.Join(home, "lost+found", "#7.db")); len(got) != 1 {
		t.Errorf("lost+found has %v", got)
	}
}

func TestForgetUnfinishedOfANewHome(t *testing.T) {
	if err := persistence.ForgetUnfinished(filepath.Join(t.TempDir(), "absent")); err != nil {
		t.Error(err)
	}
}

func open(t *testing.T, dir string) {
	t.Helper()
	store, err := persistence.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
