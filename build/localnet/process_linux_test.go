package localnet

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// process is a running node.
type process struct {
	command *exec.Cmd
	log     bytes.Buffer
	ended   chan error
}

// startProcess starts a command, and ends it with the test.
func startProcess(t *testing.T, command *exec.Cmd) *process {
	t.Helper()
	p := &process{command: command, ended: make(chan error, 1)}
	command.Stderr = &p.log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		p.ended <- <-p.ended
	})
	return p
}

// await waits for a condition while the process runs.
func (p *process) await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for !condition() {
		select {
		case err := <-p.ended:
			p.ended <- err
			t.Fatalf("%s: the node ended with %v: %s", what, err, p.log.String())
		case <-timeout.C:
			t.Fatalf("%s: not within %s", what, patience)
		case <-again.C:
		}
	}
}

// stop ends the process as Kubernetes does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case err := <-p.ended:
		p.ended <- err
		if err != nil {
			t.Errorf("the node ended with %v: %s", err, p.log.String())
		}
	case <-time.After(patience):
		t.Errorf("the node did not end within %s", patience)
	}
}

// newLoopback returns free loopback addresses with a node's ports: one for each node of a network.
func newLoopback(t *testing.T, count int) []string {
	t.Helper()
	for range 20 {
		hosts, free := make([]string, count), true
		second, third := 1+rand.IntN(250), rand.IntN(250)
		for i := range hosts {
			hosts[i] = fmt.Sprintf("127.%d.%d.%d", second, third, i+1)
			for _, port := range []string{"50832", "26656", "26657", "8545"} {
				listener, err := net.Listen("tcp", net.JoinHostPort(hosts[i], port))
				if free = free && err == nil; err == nil {
					listener.Close()
				}
			}
		}
		if free {
			return hosts
		}
	}
	t.Skip("something listens on all addresses of loopback at a node's ports, so no network can be made beside it")
	return nil
}

// readText returns a file's content.
func readText(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
