package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// processNet are processes of the program.
type processNet struct {
	t         *testing.T
	ctx       context.Context
	directory string
	// started are all that were, in order.
	started []*processNode
}

// processNode is one of them.
type processNode struct {
	home    string
	process *exec.Cmd
	log     bytes.Buffer
	ended   chan error
}

// command is the program with arguments, as a process of this test's binary.
func (n *processNet) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		n.t.Fatal(err)
	}
	command := exec.CommandContext(n.ctx, self, args...)
	command.Args[0] = "pocket"
	command.Dir = n.directory
	command.Env = append(os.Environ(), "POCKET_KEYS="+filepath.Join(n.directory, "keys"), "POCKET_PASSPHRASE=secret")
	return command
}

// newProcesses has three minutes for everything, which takes seconds on an idle machine.
func newProcesses(t *testing.T) *processNet {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return &processNet{t: t, ctx: ctx, directory: t.TempDir()}
}

// run runs a process until it ends or the test does.
func (n *processNet) run(node *processNode) {
	n.t.Helper()
	if err := node.process.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.started = append(n.started, node)
	running, ended := node.process, make(chan error, 1)
	node.ended = ended
	go func() { ended <- running.Wait() }()
	n.t.Cleanup(func() { _ = running.Process.Kill() })
}

// kill ends a node without giving it a chance.
func (n *processNet) kill(node *processNode) {
	n.t.Helper()
	if err := node.process.Process.Kill(); err != nil {
		n.t.Fatal(err)
	}
	err := <-node.ended
	node.ended <- err
}

// await asks again and again until the condition holds; when the time is up, it shows the logs of all processes.
func (n *processNet) await(what string, holds func() bool) {
	n.t.Helper()
	begin, again := time.Now(), time.NewTicker(100*time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-n.ctx.Done():
			for _, node := range n.started {
				_ = node.process.Process.Kill()
				n.t.Logf("%s ended with %v:\n%s", node.home, <-node.ended, node.log.String())
			}
			n.t.Fatalf("gave up after %s: %s", time.Since(begin), what)
		}
	}
}
