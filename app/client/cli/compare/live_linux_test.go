package compare

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
)

// On a terminal it says who the targets are, then how far it is, and takes away what it has drawn.
func TestOnATerminal(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	person, program := clienttest.PseudoTerminal(t)
	if err := unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(&shown, person) }) // ends with an error once the program's end is closed
	var out bytes.Buffer
	streams := command.Streams{Out: &out, Err: program}
	code := command.Run(t.Context(), streams, command.Root(streams, New(streams)),
		[]string{"--allow-private", "--for", "2s", "a=" + serve(t, honest), "b=" + serve(t, honest), "c=" + serve(t, honest)})
	_ = program.Close()
	reading.Wait()
	if code != command.ExitOK || !strings.HasPrefix(out.String(), "RANK") {
		t.Errorf("code %d: %s", code, out.String())
	}
	for _, want := range []string{"asking the targets who they are", "Fake/v1", "check ", "RANK"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("%q is not shown: %q", want, shown.String())
		}
	}
	if strings.Contains(shown.String(), "\x1b[?1049h") {
		t.Error("it draws on another screen, from which nothing stays")
	}
}
