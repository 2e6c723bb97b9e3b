package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pseudoTerminal gives the two ends of a terminal: the person's, and the program's.
func pseudoTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// waitSilent waits until the terminal does not show what is typed.
func waitSilent(t *testing.T, terminal *os.File) {
	t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(10 * time.Second); echoes(t, terminal); <-again.C {
		if time.Now().After(deadline) {
			t.Fatal("the terminal goes on showing what is typed")
		}
	}
}

type answer struct {
	line string
	err  error
}

func TestPassphraseIsNotShown(t *testing.T) {
	person, program := pseudoTerminal(t)
	var shown strings.Builder
	asked, err := openPrompt(streams{in: program, err: &shown})
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan answer)
	go func() {
		line, err := asked.hidden(t.Context(), "Passphrase: ")
		answered <- answer{line, err}
	}()
	waitSilent(t, program)
	if _, err := io.WriteString(person, "open sesame\nnext line\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got.err != nil || got.line != "open sesame" {
		t.Errorf("answer %q, %v", got.line, got.err)
	}
	if shown.String() != "Passphrase: \n" {
		t.Errorf("prompt %q", shown.String())
	}
	if !echoes(t, program) {
		t.Error("the terminal stays silent")
	}
	if line, err := asked.line(t.Context(), "More: "); err != nil || line != "next line" {
		t.Errorf("line %q, %v", line, err)
	}
}

func TestInterruptedPromptLeavesTheTerminalAsItWas(t *testing.T) {
	_, program := pseudoTerminal(t)
	asked, err := openPrompt(streams{in: program, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	answered := make(chan answer)
	go func() {
		line, err := asked.hidden(ctx, "Passphrase: ")
		answered <- answer{line, err}
	}()
	waitSilent(t, program)
	interrupt()
	if got := <-answered; !errors.Is(got.err, context.Canceled) {
		t.Errorf("answer %q, %v", got.line, got.err)
	}
	if !echoes(t, program) {
		t.Error("the terminal stays silent")
	}
}

func TestLongLineIsRefused(t *testing.T) {
	person, program := pseudoTerminal(t)
	asked, err := openPrompt(streams{in: program, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(person, strings.Repeat("x", maximumLine+1)+"\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := asked.line(t.Context(), ""); err == nil {
		t.Errorf("line of %d bytes", len(line))
	}
}
