package pocketd

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
	"syscall"
	"time"
)

const (
	// grace is the time that a process has to end by itself before it is killed.
	grace = 10 * time.Second
	// tailBytes is how much of a log's end is shown in an error.
	tailBytes = 2 << 10
)

// process is one long-running pocketd.
type process struct {
	name string
	// log is the file that holds its output.
	log  string
	pid  int
	stop context.CancelFunc
	// ended is closed when the process is gone; err, which may be read then, is nil if it was told to end.
	ended chan struct{}
	err   error
}

// program is pocketd with the directory that all of its files are in.
type program struct {
	path string
	// dir holds everything; dir/node is the home of validator, keys and RelayMiners.
	dir string
}

func (p program) home() string { return filepath.Join(p.dir, "node") }

// command returns pocketd with the arguments. It sees nothing of the user's environment and writes nothing into the
// user's home.
func (p program) command(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, p.path, append(arguments, "--home", p.home())...)
	command.Env = []string{"HOME=" + p.dir, "TMPDIR=" + p.dir, "PATH=" + os.Getenv("PATH")}
	command.Dir = p.dir
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = grace
	command.SysProcAttr = owned()
	return command
}

// run runs a short command and returns its standard output.
func (p program) run(ctx context.Context, input string, arguments ...string) ([]byte, error) {
	// The end of the thread that started a process counts as the parent's end.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	command := p.command(ctx, arguments...)
	var out, said bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = bytes.NewBufferString(input), &out, &said
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("run pocketd %s: %w: %s", arguments[0], errors.Join(err, context.Cause(ctx)), reason(said.Bytes()))
	}
	return out.Bytes(), nil
}

// start starts a long-running command. The process ends when ctx does or stop is called.
func (p program) start(ctx context.Context, name string, arguments ...string) (*process, error) {
	log, err := os.Create(filepath.Join(p.dir, name+".log"))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	started := &process{name: name, log: log.Name(), stop: stop, ended: make(chan struct{})}
	command := p.command(ctx, arguments...)
	command.Stdout, command.Stderr = log, log
	up := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(started.ended)
		defer log.Close()
		err := command.Start()
		up <- err
		if err != nil {
			return
		}
		err = command.Wait()
		if ctx.Err() == nil {
			started.err = fmt.Errorf("%s ended by itself: %w: %s", name, errors.Join(err), started.tail())
		}
	}()
	if err := <-up; err != nil {
		stop()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	started.pid = command.Process.Pid
	return started, nil
}

// end tells the process to end and waits until it is gone.
func (p *process) end() {
	p.stop()
	<-p.ended
}

// tail returns the end of the process's log.
func (p *process) tail() string {
	file, err := os.Open(p.log)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		_, _ = file.Seek(-tailBytes, io.SeekEnd) // a longer tail does no harm
	}
	data, _ := io.ReadAll(io.LimitReader(file, tailBytes))
	return string(data)
}

// reason returns the last paragraph of what a command has said: before it comes its usage.
func reason(said []byte) []byte {
	said = bytes.TrimSpace(said)
	return tail(said[bytes.LastIndex(said, []byte("\n\n"))+1:])
}

func tail(text []byte) []byte { return text[max(0, len(text)-tailBytes):] }
