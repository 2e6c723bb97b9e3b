package terminal

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
)

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
	person, program := clienttest.PseudoTerminal(t)
	var shown strings.Builder
	asked, err := OpenPrompt(program, &shown)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan answer)
	go func() {
		line, err := asked.Hidden(t.Context(), "Passphrase: ")
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
	if line, err := asked.Line(t.Context(), "More: "); err != nil || line != "next line" {
		t.Errorf("line %q, %v", line, err)
	}
}

func TestInterruptedPromptLeavesTheTerminalAsItWas(t *testing.T) {
	_, program := clienttest.PseudoTerminal(t)
	asked, err := OpenPrompt(program, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	answered := make(chan answer)
	go func() {
		line, err := asked.Hidden(ctx, "Passphrase: ")
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
	person, program := clienttest.PseudoTerminal(t)
	asked, err := OpenPrompt(program, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(person, strings.Repeat("x", maximumLine+1)+"\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := asked.Line(t.Context(), ""); err == nil {
		t.Errorf("line of %d bytes", len(line))
	}
}
