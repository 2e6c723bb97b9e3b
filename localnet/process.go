package localnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	// processGrace is the time that a process has to end by itself before it is killed.
	processGrace = 3 * time.Second
	// processLine bounds a line of a process's log.
	processLine = 64 << 10
)

// run runs the process until the context ends (nil) or the process does, which is an error.
func (m *member) run(ctx context.Context, processes *Processes) error {
	if ctx.Err() != nil {
		return nil
	}
	// The process has to end with this one. Linux ties it to the thread that started it, so that thread has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	said := &processLog{name: m.name, to: processes.Log}
	command := exec.CommandContext(ctx, processes.Program, "node", "start", "--home", m.home,
		"--passphrase-file", filepath.Join(m.home, passphraseName))
	// The environment may hold settings of another node.
	command.Env = withoutSettings(os.Environ())
	command.Args[0] = "pocket"
	command.Stderr = said
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = processGrace
	command.SysProcAttr = tied()
	m.release()
	err := command.Run()
	if ctx.Err() != nil {
		if errors.Is(err, exec.ErrWaitDelay) || command.ProcessState != nil && !command.ProcessState.Exited() {
			return fmt.Errorf("%s did not end within %s and was killed", m.name, processGrace)
		}
		return nil
	}
	if err == nil {
		err = errors.New("it ended by itself")
	}
	return fmt.Errorf("run %s: %w%s", m.name, err, said.cause)
}

// withoutSettings returns the environment without the program's own variables.
func withoutSettings(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		if !strings.HasPrefix(variable, "POCKET_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// processLog forwards the lines of a process's log, and keeps the one that says why it failed. Other output of the
// process is for interactive use and is dropped.
type processLog struct {
	name  string
	to    io.Writer
	begun []byte
	cause string
}

func (l *processLog) Write(p []byte) (int, error) {
	l.begun = append(l.begun, p...)
	for {
		line, rest, complete := bytes.Cut(l.begun, []byte("\n"))
		if !complete {
			break
		}
		l.take(string(line))
		l.begun = rest
	}
	if len(l.begun) > processLine {
		l.begun = nil
	}
	return len(p), nil
}

func (l *processLog) take(line string) {
	if cause, is := strings.CutPrefix(line, "pocket: "); is {
		l.cause = ": " + cause
	}
	if strings.HasPrefix(line, "time=") {
		fmt.Fprintf(l.to, "%s process=%s\n", line, l.name)
	}
}
