package vantage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what has to happen.
const patience = 90 * time.Second

// programs are where TestMain builds what runs, but for a pocket that POCKET_TEST_PROGRAM names.
var programs struct{ pocket, nats string }

func TestMain(m *testing.M) {
	os.Exit(func() int {
		made, err := os.MkdirTemp("", "vantage-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(made)
		programs.pocket, programs.nats = os.Getenv("POCKET_TEST_PROGRAM"), filepath.Join(made, "nats-server")
		sources := map[string]string{programs.nats: "github.com/nats-io/nats-server/v2"}
		if programs.pocket == "" {
			programs.pocket = filepath.Join(made, "pocket")
			sources[programs.pocket] = "../../app/pocket"
		}
		for program, source := range sources {
			build := exec.Command("go", "build", "-o", program, source)
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if output, err := build.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "build %s: %v\n%s", source, err, output)
				return 1
			}
		}
		return m.Run()
	}())
}

// process is a program that can be killed and started again with the same arguments.
type process struct {
	name    string
	command func() *exec.Cmd

	mu    sync.Mutex
	log   bytes.Buffer
	cmd   *exec.Cmd
	ended chan error
}

// newProcess starts a program, and ends it with the test.
func newProcess(t testing.TB, name string, command func() *exec.Cmd) *process {
	t.Helper()
	p := &process{name: name, command: command}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s:\n%s", name, p.said())
		}
	})
	p.start(t)
	return p
}

func (p *process) start(t testing.TB) {
	t.Helper()
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = p, p
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	dieWithTest(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	p.cmd, p.ended = cmd, ended
}

// kill ends it by SIGKILL.
func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		<-p.ended
		p.cmd = nil
	}
}

// stop ends it by SIGTERM.
func (p *process) stop(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stop %s: %v", p.name, err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("%s ended with %v", p.name, err)
		}
		p.cmd = nil
	case <-time.After(patience):
		t.Errorf("%s did not end", p.name)
	}
}

// Write takes what the program says, the last of it.
func (p *process) Write(text []byte) (int, error) {
	const kept = 64 << 10
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.Write(text)
	if over := p.log.Len() - kept; over > 0 {
		p.log.Next(over)
	}
	return len(text), nil
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// attempt is how long one look at a condition may take: a request to a cluster without a leader is answered by nobody.
const attempt = 3 * time.Second

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		err := func() error {
			ctx, cancel := context.WithTimeout(ctx, attempt)
			defer cancel()
			return holds(ctx)
		}()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, errors.Join(err, ctx.Err()))
		}
	}
}
