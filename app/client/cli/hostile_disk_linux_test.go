package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// diskVariable makes TestHostileDisk the process in a namespace of its own that may mount; it names a directory.
const diskVariable = "POCKET_TEST_DISK"

// TestHostileDisk: the disk below a whole LocalNet gets full, twice. The process stays, samples on and says why its chain
// has halted; it goes on when there is room, and starts again afterwards.
func TestHostileDisk(t *testing.T) {
	if os.Getenv("POCKET_TEST_HOSTILE") == "" {
		t.Skip("most of a minute of a LocalNet: make test_hostile")
	}
	if dir := os.Getenv(diskVariable); dir != "" {
		fillDisk(t, dir)
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	inside := exec.CommandContext(t.Context(), program, "-test.run=^TestHostileDisk$", "-test.v")
	inside.Env = append(os.Environ(), diskVariable+"="+t.TempDir())
	inside.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	output, err := inside.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Skipf("no namespace in which a disk can be mounted: %v", err)
	}
	if strings.Contains(string(output), "--- SKIP") {
		t.Skipf("no disk can be mounted in a namespace:\n%s", output)
	}
	t.Logf("%s", output)
	if err != nil || !strings.Contains(string(output), "--- PASS") {
		t.Error(err)
	}
}

// diskNet is a LocalNet on a disk of its own.
type diskNet struct {
	*processNet
	disk, address string
	api           *client.Client
}

func fillDisk(t *testing.T, disk string) {
	if err := syscall.Mount("disk", disk, "tmpfs", 0, "size=150m"); err != nil {
		t.Skipf("mount: %v", err)
	}
	n := &diskNet{processNet: newProcesses(t), disk: disk,
		address: fmt.Sprintf("127.%d.%d.1:50832", 1+rand.IntN(250), rand.IntN(250))}
	var err error
	if n.api, err = client.New("http://" + n.address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.api.Close)
	node := n.start()
	for _, left := range []int64{0, 12 << 20} {
		n.await("the beginning of a session", func() bool { return n.height()%10 == 2 && n.ready() == nil })
		n.fill(left)
		n.await("a halt", func() bool { err := n.ready(); return err != nil && strings.Contains(err.Error(), "has halted") })
		halted, rounds := n.height(), n.rounds()
		n.await("samples while the disk is full", func() bool { return n.rounds() >= rounds+3 })
		t.Logf("%d bytes left: halted at height %d with %d rounds; %d rounds while it is full", left, halted, rounds, n.rounds())
		if height := n.height(); height != halted {
			t.Errorf("the chain went on to %d", height)
		}
		n.empty()
		n.await("blocks after the halt", func() bool { return n.height() > halted+2 && n.ready() == nil })
	}
	last := n.height()
	n.end(node)
	if lines := strings.Count(node.log.String(), "level=ERROR"); lines != strings.Count(node.log.String(), "has halted on this node") || lines != 2 {
		t.Errorf("%d errors:\n%s", lines, node.log.String())
	}
	node = n.start()
	n.await("blocks after a new start", func() bool { return n.height() > last+2 && n.ready() == nil })
	n.end(node)
}

func (n *diskNet) start() *processNode {
	home := filepath.Join(n.disk, "home")
	node := &processNode{home: home, process: n.command("localnet", "--home", home, "--servicers", "4", "--slow", "0",
		"--rpc-listen", n.address, "--block-time", "500ms", "--log-level", "error")}
	node.process.Stderr = &node.log
	node.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	n.run(node)
	return node
}

func (n *diskNet) end(node *processNode) {
	n.t.Helper()
	if err := node.process.Process.Signal(os.Interrupt); err != nil {
		n.t.Fatal(err)
	}
	if err := <-node.ended; err != nil {
		n.t.Errorf("ended with %v:\n%s", err, node.log.String())
	}
	node.ended <- nil
}

// fill leaves a number of bytes.
func (n *diskNet) fill(left int64) {
	n.t.Helper()
	file, err := os.Create(filepath.Join(n.disk, "fill"))
	if err != nil {
		n.t.Fatal(err)
	}
	piece := make([]byte, 64<<10)
	for err == nil {
		var at syscall.Statfs_t
		if err = syscall.Statfs(n.disk, &at); err == nil && left > 0 && int64(at.Bfree)*at.Bsize <= left {
			break
		}
		_, err = file.Write(piece)
	}
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		n.t.Fatal(err)
	}
	_ = file.Close()
}

func (n *diskNet) empty() {
	n.t.Helper()
	if err := os.Remove(filepath.Join(n.disk, "fill")); err != nil {
		n.t.Fatal(err)
	}
}

func (n *diskNet) ready() error {
	_, err := n.api.Ready(n.ctx)
	return err
}

func (n *diskNet) height() int64 {
	status, err := n.api.Status(n.ctx)
	if err != nil {
		return 0
	}
	return status.Height
}

// rounds are all that were made, on the disk or in memory.
func (n *diskNet) rounds() int {
	status, err := n.api.Status(context.WithoutCancel(n.ctx))
	if err != nil || status.Store == nil {
		n.t.Fatalf("status: %+v, %v", status, err)
	}
	return int(status.Store.Disk.Rounds + status.Store.Memory.Rounds)
}
