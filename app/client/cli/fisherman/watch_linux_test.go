package fisherman

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// sampledAPI is the API of a node that shows one session, and goes on with every call of its status.
func sampledAPI(t *testing.T) string {
	t.Helper()
	session := clienttest.Report().Sessions[0]
	session.Complete = false
	page := api.RoundPage{Session: session.ID, Stored: 10}
	for index := range uint32(10) {
		page.Rounds = append(page.Rounds, clienttest.Round(session.ID, index))
	}
	answers := map[string]any{
		"/v1/qos":        api.Report{Sessions: []api.SessionReport{session}},
		"/v1/session":    api.Session{ID: session.ID, Blocks: 10},
		"/v1/qos/rounds": page,
		"/v1/status":     api.Status{ChainID: "pocket-test", Height: 15},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answers[r.URL.Path]); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// person sits at a terminal and reads what is shown.
type person struct {
	t        *testing.T
	terminal *os.File
	mutex    sync.Mutex
	text     strings.Builder
}

func (p *person) watch() {
	buffer := make([]byte, 4096)
	for {
		n, err := p.terminal.Read(buffer)
		p.mutex.Lock()
		p.text.Write(buffer[:n])
		p.mutex.Unlock()
		if err != nil {
			return
		}
	}
}

// sees waits until a text is shown, and forgets it and what was shown before.
func (p *person) sees(text string) {
	p.t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-again.C {
		p.mutex.Lock()
		shown := p.text.String()
		_, rest, found := strings.Cut(shown, text)
		if found {
			p.text.Reset()
			p.text.WriteString(rest)
		}
		p.mutex.Unlock()
		if found {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%q is not shown, but %q", text, shown)
		}
	}
}

func (p *person) types(text string) {
	p.t.Helper()
	if _, err := p.terminal.WriteString(text); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) resizes(width, height uint16) {
	p.t.Helper()
	if err := unix.IoctlSetWinsize(int(p.terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: width, Row: height}); err != nil {
		p.t.Fatal(err)
	}
	// The kernel tells only the terminal's own processes.
	if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
		p.t.Fatal(err)
	}
}

// modes are those of a terminal, to compare.
func modes(t *testing.T, terminal *os.File) unix.Termios {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *state
}

// watched runs 'pocket fisherman watch' on a terminal of 80x24.
func watched(t *testing.T, ctx context.Context) (*person, *os.File, chan command.ExitCode) {
	t.Helper()
	t.Setenv("TERM", "xterm-256color")
	end, program := clienttest.PseudoTerminal(t)
	sitting := &person{t: t, terminal: end}
	if err := unix.IoctlSetWinsize(int(end.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: 80, Row: 24}); err != nil {
		t.Fatal(err)
	}
	go sitting.watch()
	ended := make(chan command.ExitCode, 1)
	io := command.Streams{In: program, Out: program, Err: program}
	root := command.Root(io, &cobra.Command{Use: "pocket"}, New)
	args := []string{"fisherman", "watch", "--node", sampledAPI(t)}
	go func() {
		ended <- command.Run(ctx, io, root, args)
	}()
	return sitting, program, ended
}

const (
	leaveAlternateScreen = "\x1b[?1049l"
	showCursor           = "\x1b[?25h"
)

func TestWatchOnATerminal(t *testing.T) {
	sitting, program, ended := watched(t, t.Context())
	before := modes(t, program)
	sitting.sees("\x1b[?1049h")
	sitting.sees("d4d4d4d4d4d4")
	sitting.resizes(200, 30)
	sitting.sees("disagreed with the majority in 9 of 9 decidable checks")
	sitting.types("\x1b[B\r") // down, enter
	sitting.sees("QUESTION")
	sitting.types("?")
	sitting.sees("half a screen at a time")
	sitting.types("q")
	sitting.sees(leaveAlternateScreen)
	if code := <-ended; code != command.ExitOK {
		t.Errorf("exit code %d", code)
	}
	if after := modes(t, program); after != before {
		t.Errorf("the terminal is left in other modes: %+v, before %+v", after, before)
	}
}

func TestWatchLeavesTheTerminalWhenItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	sitting, program, ended := watched(t, ctx)
	before := modes(t, program)
	sitting.sees("d4d4d4d4d4d4")
	stop()
	if code := <-ended; code != command.ExitOK {
		t.Errorf("exit code %d", code)
	}
	sitting.sees(showCursor)
	if after := modes(t, program); after != before {
		t.Error("the terminal is left in other modes")
	}
}

func TestCtrlCQuitsTheWatch(t *testing.T) {
	sitting, _, ended := watched(t, t.Context())
	sitting.sees("d4d4d4d4d4d4")
	sitting.types("\x03")
	if code := <-ended; code != command.ExitOK {
		t.Errorf("exit code %d", code)
	}
}
