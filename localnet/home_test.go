package localnet

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// claimed finds and claims a home that can be claimed.
func claimed(t *testing.T, path string) *home {
	t.Helper()
	h, err := findHome(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.claim(); err != nil {
		t.Fatal(err)
	}
	return h
}

// filled makes a directory a home and releases it.
func filled(t *testing.T, path string) {
	t.Helper()
	h := claimed(t, path)
	if err := h.fill(fixedMarker(t)); err != nil {
		t.Fatal(err)
	}
	if err := h.keep(); err != nil {
		t.Fatal(err)
	}
}

func fixedGenesis(t *testing.T) *genesis.Genesis {
	t.Helper()
	m := fixedMarker(t)
	return newGenesis(m.options(), 1, 1, m.Addresses.serviceURLs(), m.GenesisTime)
}

// snapshot is everything below a directory: path → mode, size or content.
func snapshot(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content := ""
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = string(data)
		}
		found[path] = info.Mode().String() + info.ModTime().Format(time.RFC3339Nano) + content
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func checkUnchanged(t *testing.T, root string, before map[string]string) {
	t.Helper()
	after := snapshot(t, root)
	for path, was := range before {
		if is, ok := after[path]; !ok || is != was {
			t.Errorf("%s changed from %q to %q", path, was, is)
		}
	}
	for path := range after {
		if _, ok := before[path]; !ok {
			t.Errorf("%s was made", path)
		}
	}
}

func TestTemporaryHomeIsRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for name, giveUp := range map[string]func(*home){
		"keep": func(h *home) {
			if err := h.keep(); err != nil {
				t.Error(err)
			}
		},
		"undo": (*home).undo,
	} {
		h := claimed(t, "")
		if err := h.fill(fixedMarker(t)); err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(h.path) != os.TempDir() {
			t.Errorf("%s: temporary home is %s, want it in %s", name, h.path, os.TempDir())
		}
		giveUp(h)
		if _, err := os.Stat(h.path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: temporary home is still there: %v", name, err)
		}
	}
}

// A home may be the root of a disk: what the disk keeps there is left alone.
func TestHomeOnADisk(t *testing.T) {
	path := t.TempDir()
	for _, name := range []string{"lost+found", ".Trash-1000"} {
		if err := os.Mkdir(filepath.Join(path, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	before := snapshot(t, filepath.Join(path, "lost+found"))
	filled(t, path)
	h := claimed(t, path)
	if h.marker == nil {
		t.Error("the home has no marker")
	}
	h.undo()
	checkUnchanged(t, filepath.Join(path, "lost+found"), before)
	other := t.TempDir()
	for _, name := range []string{"lost+found", "thesis"} {
		if err := os.Mkdir(filepath.Join(other, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := findHome(other); !errors.Is(err, ErrForeignHome) || !strings.Contains(err.Error(), "thesis") {
		t.Errorf("a home with a stranger's folder: %v", err)
	}
}

func TestHomeIsMadeForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	h := claimed(t, path)
	defer h.keep()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("home has mode %v, want 0700", info.Mode().Perm())
	}
}

func TestHomeIsReopened(t *testing.T) {
	path := t.TempDir()
	filled(t, path)
	h, err := findHome(path)
	if err != nil {
		t.Fatal(err)
	}
	if h.marker == nil || h.marker.ChainID != "pocket-localnet-1" {
		t.Errorf("marker found: %+v", h.marker)
	}
	if err := h.claim(); err != nil {
		t.Fatal(err)
	}
	if h.marker == nil || h.fresh {
		t.Errorf("marker %v, fresh %v; want the marker and an old home", h.marker, h.fresh)
	}
	before := snapshot(t, path)
	h.undo()
	checkUnchanged(t, path, before)
}

func TestInterruptedClaimIsClaimedAgain(t *testing.T) {
	path := t.TempDir()
	for _, name := range []string{lockName, markerName + halfName} {
		if err := os.WriteFile(filepath.Join(path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	filled(t, path)
	if _, err := os.Stat(filepath.Join(path, markerName+halfName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a marker is still there: %v", err)
	}
}

func TestForeignHomeIsLeftAlone(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"other file", "notes.txt", "mine", `holds "notes.txt" and no localnet.json`},
		{"other marker", markerName, `{"name": "other"}`, "format is 0"},
		{"later marker", markerName, `{"format": 3}`, "format is 3"},
		{"no JSON", markerName, "\x00", "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := t.TempDir()
			if err := os.WriteFile(filepath.Join(path, c.file), []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, path)
			_, err := findHome(path)
			if !errors.Is(err, ErrForeignHome) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("findHome() = %v, want ErrForeignHome with %q", err, c.want)
			}
			checkUnchanged(t, path, before)
		})
	}
}

func TestSecondInstanceIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home")
	first := claimed(t, path)
	second, err := findHome(path)
	if err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, path)
	if err := second.claim(); !errors.Is(err, ErrHomeInUse) {
		t.Errorf("claim() = %v, want ErrHomeInUse", err)
	}
	checkUnchanged(t, path, before)
	first.undo()
	if err := second.claim(); err != nil {
		t.Errorf("claim() after the first gave up = %v", err)
	}
	second.undo()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("home that was undone is still there: %v", err)
	}
}

func TestUndoLeavesAsBefore(t *testing.T) {
	parent := t.TempDir()
	for _, path := range []string{parent, filepath.Join(parent, "a", "b")} {
		h := claimed(t, path)
		if err := h.fill(fixedMarker(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := h.genesis(fixedGenesis(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := h.nodeHome(); err != nil {
			t.Fatal(err)
		}
		h.undo()
		if entries, err := os.ReadDir(parent); err != nil || len(entries) != 0 {
			t.Errorf("after undo of %s there is %v, %v", path, entries, err)
		}
	}
}

func TestUnusableHome(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		_, err := findHome(path)
		if !errors.Is(err, ErrHomeUnusable) || !strings.Contains(err.Error(), "read directory") {
			t.Errorf("findHome(%s) = %v, want ErrHomeUnusable with what was attempted", path, err)
		}
	}
	// Not even root can make a directory there.
	h, err := findHome("/proc/localnet-test")
	if err != nil {
		t.Skipf("no /proc to try: %v", err)
	}
	if err := h.claim(); !errors.Is(err, ErrHomeUnusable) || !strings.Contains(err.Error(), "make directory") {
		t.Errorf("claim() = %v, want ErrHomeUnusable with what was attempted", err)
	}
}

func TestGenesisIsStoredOnce(t *testing.T) {
	path := t.TempDir()
	h := claimed(t, path)
	defer h.keep()
	if err := h.fill(fixedMarker(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.genesis(fixedGenesis(t)); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(path, genesisName), `"checks_per_session": 10`, `"checks_per_session": 33`)
	stored, err := h.genesis(fixedGenesis(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := stored.Params.Qos.ChecksPerSession; got != 33 {
		t.Errorf("checks per session = %d, want the stored 33", got)
	}
}

func TestBadGenesisIsRefused(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"out of range", `"checks_per_session": 10`, `"checks_per_session": 0`,
			"params.qos.checks_per_session is 0; allowed: 1 to 10000"},
		{"other chain", `"pocket-localnet-1"`, `"pocket-localnet-2"`, "not a LocalNet's home"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := t.TempDir()
			h := claimed(t, path)
			defer h.keep()
			if _, err := h.genesis(fixedGenesis(t)); err != nil {
				t.Fatal(err)
			}
			edit(t, filepath.Join(path, genesisName), c.old, c.new)
			_, err := h.genesis(fixedGenesis(t))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), genesisName) {
				t.Errorf("genesis() = %v, want an error with %q and the file", err, c.want)
			}
		})
	}
}

// edit replaces one text in a file.
func edit(t *testing.T, path, old, new string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s has no %q", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
