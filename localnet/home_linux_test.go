package localnet

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// asNobody runs f with the file permissions of a user that owns nothing, even if the tests run as root.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	const nobody = 65534
	done := make(chan error)
	go func() {
		// Not unlocked: the thread, whose user is changed, ends with the goroutine.
		runtime.LockOSThread()
		if os.Geteuid() == 0 {
			if err := syscall.Setfsuid(nobody); err != nil {
				done <- err
				return
			}
		}
		f()
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestHomeWithoutPermission(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{root, filepath.Dir(root)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		mode os.FileMode
		want string
	}{
		{"unreadable", 0o000, "read directory"},
		{"unwritable", 0o555, "lock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(root, c.name)
			if err := os.Mkdir(path, c.mode); err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, root)
			var err error
			asNobody(t, func() {
				var h *home
				if h, err = findHome(path); err == nil {
					err = h.claim()
				}
			})
			if !errors.Is(err, ErrHomeUnusable) || !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("home is %v, want ErrHomeUnusable, denied: %s", err, c.want)
			}
			checkUnchanged(t, root, before)
		})
	}
	asNobody(t, func() {
		h, err := findHome(filepath.Join(root, "unwritable", "below"))
		if err != nil {
			t.Error(err)
			return
		}
		if err := h.claim(); !errors.Is(err, ErrHomeUnusable) || !errors.Is(err, os.ErrPermission) {
			t.Errorf("claim() = %v, want ErrHomeUnusable and what was denied", err)
		}
	})
}
