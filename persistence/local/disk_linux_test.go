package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// diskVariable makes TestRealDisk the process in a namespace of its own that may mount; it names a directory.
const diskVariable = "POCKET_TEST_DISK"

// A real disk gets full, gets room again, and is mounted to be read only.
func TestRealDisk(t *testing.T) {
	if dir := os.Getenv(diskVariable); dir != "" {
		useDisk(t, dir)
		return
	}
	program, err := os.Executable()
	must(t, err)
	inside := exec.CommandContext(t.Context(), program, "-test.run=^TestRealDisk$", "-test.v")
	inside.Env = append(os.Environ(), diskVariable+"="+t.TempDir())
	inside.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	output, err := inside.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Skipf("no namespace in which a disk can be mounted: %v", err)
	}
	if strings.Contains(string(output), "--- SKIP") {
		t.Skipf("no disk can be mounted in a namespace:\n%s", output)
	}
	if err != nil || !strings.Contains(string(output), "--- PASS") {
		t.Errorf("%v\n%s", err, output)
	}
}

// mount mounts a disk of a size, or changes it.
func mount(t *testing.T, dir, size string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("disk", dir, "tmpfs", flags, "size="+size); err != nil {
		if flags == 0 {
			t.Skipf("mount: %v", err)
		}
		t.Fatalf("mount again: %v", err)
	}
}

func useDisk(t *testing.T, dir string) {
	const most = 200
	store, ctx := filepath.Join(dir, "store"), t.Context()
	mount(t, dir, "6m", 0)
	s := sampleIn(t, store, vfs.Default)
	must(t, s.PutSession(ctx, sessionOf(1)))
	stored := 0
	for ; stored < most && s.Health().Durable; stored++ {
		must(t, s.PutRound(ctx, roundOf(1, uint32(stored), 100_000)))
	}
	if reason := s.Health().Reason; !strings.Contains(reason, "no space left on device") {
		t.Fatalf("%d rounds are stored, the reason is %q", stored, reason)
	}
	for range 5 {
		must(t, s.PutRound(ctx, roundOf(1, uint32(stored), 100_000)))
		stored++
	}
	wantStored := func(samples *Samples) {
		t.Helper()
		rounds, err := samples.Rounds(ctx, idOf(1))
		must(t, err)
		if len(rounds) != stored {
			t.Fatalf("%d rounds can be read, want %d", len(rounds), stored)
		}
	}
	wantStored(s.Samples)
	s.later() // still full
	s.wantDurable(false)

	mount(t, dir, "100m", syscall.MS_REMOUNT)
	s.later()
	s.wantDurable(true)
	wantStored(s.Samples)
	must(t, s.Close())

	mount(t, dir, "100m", syscall.MS_REMOUNT|syscall.MS_RDONLY)
	s = sampleIn(t, store, vfs.Default)
	if reason := s.Health().Reason; !strings.Contains(reason, "read-only file system") {
		t.Fatalf("the reason is %q", reason)
	}
	wantStored(s.Samples)
	must(t, s.PutSession(ctx, sessionOf(2)))
	s.put(2, 0, 1)
	s.later()
	s.wantDurable(false)
	s.wantHeld(2, 0, 1)

	mount(t, dir, "100m", syscall.MS_REMOUNT)
	s.later()
	s.wantDurable(true)
	must(t, s.Close())
	after := openIn(t, store, DefaultOptions(), vfs.Default)
	wantRounds(t, after, 1, 100_000, upTo(stored)...)
	wantRounds(t, after, 2, 10, 0, 1)
}
