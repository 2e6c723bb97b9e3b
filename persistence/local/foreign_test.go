package local

import (
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestForeignDirectoryIsRefusedUnchanged(t *testing.T) {
	for name, fill := range map[string]func(t *testing.T, dir string){
		"a file of somebody": func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("x"), 0o600))
		},
		"a directory": func(t *testing.T, dir string) { must(t, os.Mkdir(filepath.Join(dir, "data"), 0o700)) },
		"a LevelDB": func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "CURRENT"), []byte("MANIFEST-000000\n"), 0o600))
			must(t, os.WriteFile(filepath.Join(dir, "MANIFEST-000000"), nil, 0o600))
		},
		"a file of somebody on a fresh disk": func(t *testing.T, dir string) {
			must(t, os.Mkdir(filepath.Join(dir, "lost+found"), 0o700))
			must(t, os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600))
		},
		"a stray file beside samples": func(t *testing.T, dir string) {
			s := openIn(t, dir, DefaultOptions(), vfs.Default)
			must(t, s.Close())
			must(t, os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600))
		},
		"another pebble database": func(t *testing.T, dir string) { fillPebble(t, dir, "other", "thing") },
		"another version's schema": func(t *testing.T, dir string) {
			fillPebble(t, dir, string(schemaKey), "pocket-fisherman/qos-samples/v0")
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir)
			before := contents(t, dir)
			_, err := Open(dir, DefaultOptions())
			wantError(t, err, ErrForeign)
			if !strings.Contains(err.Error(), dir) {
				t.Errorf("%q does not name the directory", err)
			}
			if strings.Contains(err.Error(), "lost+found") {
				t.Errorf("%q names what the disk put there", err)
			}
			if after := contents(t, dir); !maps.Equal(before, after) {
				t.Error("the directory was changed")
			}
		})
	}
}

// A directory may be the root of a disk, and hold what disks and platforms put there, before a store's first start or
// after; it is left alone.
func TestDirectoryOfADisk(t *testing.T) {
	opens := map[string]func(dir string) (io.Closer, error){
		"samples": func(dir string) (io.Closer, error) { return Open(dir, DefaultOptions()) },
		"relays":  func(dir string) (io.Closer, error) { return OpenRelays(dir, DefaultOptions()) },
	}
	for name, open := range opens {
		for _, late := range []bool{false, true} {
			dir := t.TempDir()
			for round := range 3 {
				if round == 1 || !late && round == 0 {
					for _, folder := range []string{"lost+found", ".Trash-1000", ".snapshot", "System Volume Information"} {
						must(t, os.MkdirAll(filepath.Join(dir, folder), 0o700))
					}
					for _, file := range []string{".DS_Store", ".nfs000000000000000700000001", "aquota.user", "lost+found/000001.log"} {
						must(t, os.WriteFile(filepath.Join(dir, file), []byte("x"), 0o600))
					}
				}
				store, err := open(dir)
				if err != nil {
					t.Fatalf("%s, start %d: %v", name, round, err)
				}
				must(t, store.Close())
			}
			if left, err := os.ReadFile(filepath.Join(dir, "lost+found/000001.log")); err != nil || string(left) != "x" {
				t.Errorf("%s: what the disk holds became %q, %v", name, left, err)
			}
		}
	}
}

// fillPebble makes an older pebble database with one key.
func fillPebble(t *testing.T, dir, key, value string) {
	t.Helper()
	db, err := pebble.Open(dir, &pebble.Options{
		FormatMajorVersion: pebble.FormatFlushableIngest, Logger: pebbleLogger{slog.New(slog.DiscardHandler), func(error) {}},
	})
	must(t, err)
	must(t, db.Set([]byte(key), []byte(value), pebble.Sync))
	must(t, db.Close())
}

func TestUnusableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if _, err := Open(dir, DefaultOptions()); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("open %s: %v", dir, err)
		}
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(filepath.Dir(dir))
	s := openIn(t, dir, DefaultOptions(), vfs.Default)
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	for _, spelling := range []string{dir, dir + "/", filepath.Base(dir), filepath.Join(dir, "..", filepath.Base(dir))} {
		_, err := Open(spelling, DefaultOptions())
		wantError(t, err, ErrInUse)
	}
	must(t, s.PutRound(t.Context(), roundOf(1, 0, 10)))
	must(t, s.Close())
	again, err := Open(filepath.Base(dir), DefaultOptions())
	must(t, err)
	wantRounds(t, again, 1, 10, 0)
	must(t, again.Close())
}
