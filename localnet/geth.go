package localnet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/disk"
	"github.com/pocket-fisherman/fisherman/shared/pause"
)

const (
	// EthereumChain is the relay chain that a geth in developer mode serves.
	EthereumChain = "0021"

	// ethereumDepth is the number of blocks below the head that are not settled yet. A single geth has no forks.
	ethereumDepth = 2
	// gethName is the name of the program, beside this one or on PATH, and of its directory within the home.
	gethName = "geth"
	// gethGrace is the time that geth has to stop before it is killed.
	gethGrace = 2 * time.Second
	// gethStart is the time that geth has to make its first settled blocks.
	gethStart = 30 * time.Second
	// gethLook is the interval at which a starting geth is polled.
	gethLook = 100 * time.Millisecond
	// gethRoom is what has to fit on geth's disk before a geth that ended on a full one starts again, in bytes; gethReserve
	// the room in MiB below which it ends. It is what the chain wants as well.
	gethRoom, gethReserve = 32 << 20, "16"
	// gethRetry is how often such a disk is tried.
	gethRetry = 5 * time.Second
	// gethLine bounds the bytes that are kept of a line of geth's log.
	gethLine = 1 << 10
)

// geth is an Ethereum node in developer mode: a separate process that makes a block per second, has no peers and
// listens on one loopback port.
type geth struct {
	program string
	home    string
	// listener reserves the port until geth opens it.
	listener net.Listener
	address  string
	logger   *slog.Logger
	// probe replaces the one of the disk, and retry the interval of probes, in tests.
	probe func() error
	retry time.Duration
}

// findGeth returns the program's path: the given one, or the one beside this program, or the one on PATH. The error is
// ErrNoGeth.
func findGeth(given string) (string, error) {
	candidates, where := []string{given}, fmt.Sprintf("%q cannot be run", given)
	if given == "" {
		candidates, where = []string{gethName}, "none is beside this program or on PATH"
		if self, err := os.Executable(); err == nil {
			candidates = []string{filepath.Join(filepath.Dir(self), gethName), gethName}
		}
	}
	for _, candidate := range candidates {
		found, err := exec.LookPath(candidate)
		if err != nil {
			continue
		}
		if found, err = filepath.Abs(found); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("%w: %s", ErrNoGeth, where)
}

func (g *geth) arguments() ([]string, error) {
	_, port, err := net.SplitHostPort(g.address)
	if err != nil {
		return nil, fmt.Errorf("read geth's address: %w", err)
	}
	return []string{
		"--dev", "--dev.period", "1", "--datadir", g.home, "--datadir.minfreedisk", gethReserve, "--gcmode", "archive", "--cache", "64",
		"--http", "--http.addr", "127.0.0.1", "--http.port", port, "--http.api", "eth,net,web3",
		"--authrpc.addr", "127.0.0.1", "--authrpc.port", "0", "--ipcdisable",
		"--nodiscover", "--maxpeers", "0", "--port", "0", "--nat", "none", "--verbosity", "2",
	}, nil
}

// Serve runs geth until ctx ends (nil) or geth does. It returns when the process is gone. A geth that ended because its
// disk takes no writes starts again when the disk does.
func (g *geth) Serve(ctx context.Context) error {
	for {
		err := g.run(ctx)
		if err == nil || !disk.Full(g.room()) {
			return err
		}
		g.logger.Error("geth has ended: its disk is full or takes no writes; it starts again by itself when there is room",
			"home", g.home, "reason", err)
		if !g.roomAgain(ctx) {
			return nil
		}
		g.logger.Info("geth starts again: the disk takes writes again")
	}
}

// room checks that the disk takes writes.
func (g *geth) room() error {
	if g.probe != nil {
		return g.probe()
	}
	return disk.Probe(g.home, gethRoom)
}

// roomAgain waits until the disk takes writes; false when ctx ends.
func (g *geth) roomAgain(ctx context.Context) bool {
	for pause.For(ctx, cmp.Or(g.retry, gethRetry)) == nil {
		if g.room() == nil {
			return true
		}
	}
	return false
}

// run runs one process. On Linux it ends with this one even if this one is killed.
func (g *geth) run(ctx context.Context) error {
	// The end of the thread that started geth counts as the parent's end.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	arguments, err := g.arguments()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(g.home, 0o700); err != nil {
		return fmt.Errorf("make geth's directory: %w", err)
	}
	command := exec.CommandContext(ctx, g.program, arguments...)
	log := &gethLog{logger: g.logger}
	command.Stdout, command.Stderr = log, log
	// The user's environment does not affect geth, and geth writes nothing into the user's home.
	command.Env = []string{"HOME=" + g.home, "TMPDIR=" + g.home}
	command.SysProcAttr = ownedProcess()
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = gethGrace
	g.listener.Close()
	err = command.Run()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("%w, after %q", cmp.Or(err, errors.New("it ended by itself")), log.last)
}

// await waits until geth has a settled block.
func (g *geth) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, gethStart, fmt.Errorf("geth has no settled block after %v; if a crash of the machine damaged its chain, remove %s", gethStart, g.home))
	defer cancel()
	node := newEthereumClient(httpURL(g.address))
	defer node.close()
	for {
		if height, err := node.height(ctx); err == nil && height > ethereumDepth {
			return nil
		}
		if pause.For(ctx, gethLook) != nil {
			return context.Cause(ctx)
		}
	}
}

// gethLog forwards geth's log line by line, and keeps the last line for an error. Only one goroutine writes to it.
type gethLog struct {
	logger *slog.Logger
	rest   []byte
	last   string
}

func (l *gethLog) Write(text []byte) (int, error) {
	l.rest = append(l.rest, text...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			break
		}
		l.rest = append([]byte(nil), rest...)
		if said := strings.TrimSpace(string(line[:min(len(line), gethLine)])); said != "" {
			l.last = said
			l.logger.Debug("geth: " + said)
		}
	}
	if len(l.rest) > gethLine {
		l.rest = l.rest[:gethLine]
	}
	return len(text), nil
}
