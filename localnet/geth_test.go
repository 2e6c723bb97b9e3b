package localnet

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program writes a script that replaces geth.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), gethName)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func fakeGeth(t *testing.T, script string) *geth {
	t.Helper()
	listener, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return &geth{program: program(t, script), home: filepath.Join(t.TempDir(), "data"), listener: listener,
		address: listener.Addr().String(), logger: slog.New(slog.DiscardHandler)}
}

func TestFindGeth(t *testing.T) {
	there := program(t, "")
	if got, err := findGeth(there); err != nil || got != there {
		t.Errorf("named: %q, %v", got, err)
	}
	t.Setenv("PATH", filepath.Dir(there))
	if got, err := findGeth(""); err != nil || got != there {
		t.Errorf("on PATH: %q, %v", got, err)
	}
	t.Setenv("PATH", t.TempDir())
	for _, given := range []string{"", filepath.Join(t.TempDir(), "absent"), t.TempDir()} {
		if got, err := findGeth(given); !errors.Is(err, ErrNoGeth) || strings.Contains(err.Error(), "\n") {
			t.Errorf("findGeth(%q) = %q, %v; want one line of ErrNoGeth", given, got, err)
		}
	}
}

// Missing requirements of a LocalNet are reported before anything is made.
func TestNewWithoutGeth(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	o := quick()
	o.Ethereum, o.Home = true, filepath.Join(t.TempDir(), "home")
	if _, err := New(t.Context(), o); !errors.Is(err, ErrNoGeth) {
		t.Errorf("New() = %v, want ErrNoGeth", err)
	}
	if _, err := os.Stat(o.Home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the home was made: %v", err)
	}
}

func TestGethListensOnLoopbackOnlyAndTalksToNobody(t *testing.T) {
	arguments, err := (&geth{home: "/h", address: "127.0.0.1:4321"}).arguments()
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{"--http.addr", "127.0.0.1"}, {"--http.port", "4321"}, {"--authrpc.addr", "127.0.0.1"},
		{"--maxpeers", "0"}, {"--datadir", "/h"}, {"--nat", "none"}} {
		if index := slices.Index(arguments, pair[0]); index < 0 || arguments[index+1] != pair[1] {
			t.Errorf("%s is not %s in %v", pair[0], pair[1], arguments)
		}
	}
	for _, flag := range []string{"--nodiscover", "--ipcdisable", "--dev"} {
		if !slices.Contains(arguments, flag) {
			t.Errorf("no %s in %v", flag, arguments)
		}
	}
}

func TestGethEndsWithItsContext(t *testing.T) {
	for name, script := range map[string]string{
		"at the signal": `touch "$HOME/up"; exec sleep 60`,
		"by force":      `trap '' TERM; touch "$HOME/up"; while :; do sleep 0.1; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GETH_DATADIR", "/elsewhere")
			node := fakeGeth(t, script)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- node.Serve(ctx) }()
			awaitFile(t, filepath.Join(node.home, "up"))
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Serve() = %v, want nil at the context's end", err)
				}
			case <-time.After(gethGrace + 3*time.Second):
				t.Fatal("Serve() does not return")
			}
		})
	}
}

func awaitFile(t *testing.T, path string) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	timeout := time.After(10 * time.Second)
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-again.C:
		case <-timeout:
			t.Fatalf("%s does not come", path)
		}
	}
}

func TestGethThatEndsByItselfSaysWhy(t *testing.T) {
	err := fakeGeth(t, `echo first; echo "Fatal: no room" >&2; exit 3`).Serve(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no room") {
		t.Errorf("Serve() = %v", err)
	}
	if err := fakeGeth(t, "exit 0").Serve(t.Context()); err == nil {
		t.Error("a geth that ended well was no error")
	}
}

// A geth that ends because its disk is full or read-only starts again when the disk takes writes, also if that is soon; one
// that ends for another reason does not.
func TestGethStartsAgainAfterItsDiskWasFull(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EROFS} {
		node := fakeGeth(t, `echo x >> "$HOME/starts"; [ "$(wc -l < "$HOME/starts")" -ge 3 ] || { echo "panic: $(cat "$HOME/starts")" >&2; exit 2; }; touch "$HOME/up"; exec sleep 60`)
		tries := 0
		node.retry = time.Millisecond
		node.probe = func() error {
			if tries++; tries%4 != 0 {
				return &os.PathError{Op: "open", Path: "room.tmp", Err: cause}
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- node.Serve(ctx) }()
		awaitFile(t, filepath.Join(node.home, "up"))
		cancel()
		if err := <-ended; err != nil || tries != 8 {
			t.Errorf("%v: Serve() = %v after %d probes", cause, err, tries)
		}
	}
	other := fakeGeth(t, "exit 2")
	other.probe = func() error { return syscall.EIO }
	if err := other.Serve(t.Context()); err == nil {
		t.Error("a geth that ended for another reason was started again")
	}
}

// While the disk stays full, a LocalNet can be stopped.
func TestGethOnAFullDiskEndsWithItsContext(t *testing.T) {
	node := fakeGeth(t, "exit 2")
	probed := make(chan struct{}, 1)
	node.retry = time.Millisecond
	node.probe = func() error {
		select {
		case probed <- struct{}{}:
		default:
		}
		return syscall.EROFS
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- node.Serve(ctx) }()
	<-probed
	<-probed
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve() = %v", err)
	}
}

// A LocalNet whose geth does not start fails with geth's message, and leaves nothing behind.
func TestRunFailsWithGeth(t *testing.T) {
	o := quick()
	o.Ethereum, o.Home = true, filepath.Join(t.TempDir(), "home")
	o.Geth = program(t, `echo "Fatal: no room"; exit 1`)
	l, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	err = l.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no room") || strings.Contains(err.Error(), "\n") {
		t.Errorf("Run() = %v", err)
	}
	checkRefused(t, "RPC", l.RPCURL())
	checkRefused(t, "Ethereum RPC", l.EthereumURL())
}

// One that is stopped while its geth starts is stopped in time.
func TestRunStopsWhileGethStarts(t *testing.T) {
	o := quick()
	o.Ethereum, o.Geth = true, program(t, `exec sleep 60`)
	t.Setenv("TMPDIR", t.TempDir())
	l, stop := started(t, o)
	stop()
	if _, err := os.Stat(l.Home()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary home is still there: %v", err)
	}
}

func TestGethLogKeepsTheLastLineWithinBounds(t *testing.T) {
	log := &gethLog{logger: slog.New(slog.DiscardHandler)}
	for _, text := range []string{"one\ntw", "o\n\n", strings.Repeat("x", 5*gethLine), "y"} {
		if n, err := log.Write([]byte(text)); err != nil || n != len(text) {
			t.Fatalf("Write() = %d, %v", n, err)
		}
	}
	if log.last != "two" || len(log.rest) > gethLine {
		t.Errorf("last line %q, %d bytes kept", log.last, len(log.rest))
	}
}
