package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// controllingTerminal is the terminal of the process, whatever its standard streams are.
const controllingTerminal = "/dev/tty"

// maximumLine bounds what is typed at a prompt, in bytes.
const maximumLine = 1 << 10

// ErrNoTerminal is returned when no terminal is there to ask at.
var ErrNoTerminal = errors.New("there is no terminal to ask at")

// Prompt asks a person at a terminal.
type Prompt struct {
	in     *os.File
	prompt io.Writer
	close  func()
}

// OpenPrompt finds a person: at the input, else, when that is used for something else, at the terminal that the output is
// shown on. Errors: ErrNoTerminal.
func OpenPrompt(in io.Reader, shown io.Writer) (*Prompt, error) {
	if file, is := in.(*os.File); is && term.IsTerminal(int(file.Fd())) {
		return &Prompt{file, shown, func() {}}, nil
	}
	if file, is := shown.(*os.File); is && term.IsTerminal(int(file.Fd())) {
		if in, err := os.Open(controllingTerminal); err == nil {
			return &Prompt{in, shown, func() { _ = in.Close() }}, nil
		}
	}
	return nil, ErrNoTerminal
}

// Close releases the terminal.
func (p *Prompt) Close() { p.close() }

// Hidden asks for a line that is not shown while it is typed. Neither is its end, so that one is shown afterwards.
func (p *Prompt) Hidden(ctx context.Context, prompt string) (string, error) {
	descriptor := int(p.in.Fd())
	line, err := p.ask(ctx, prompt, func() (string, error) {
		line, err := term.ReadPassword(descriptor)
		return string(line), err
	})
	_, _ = fmt.Fprintln(p.prompt)
	return line, err
}

// Line asks for a line.
func (p *Prompt) Line(ctx context.Context, prompt string) (string, error) {
	line, err := p.ask(ctx, prompt, func() (string, error) { return readLine(p.in) })
	if err != nil {
		_, _ = fmt.Fprintln(p.prompt)
	}
	return line, err
}

// ask ends with the context. Reading a terminal cannot be interrupted, so the reader is then left behind; the command,
// and with it the process, ends at once. The terminal is left as it was found.
func (p *Prompt) ask(ctx context.Context, prompt string, read func() (string, error)) (string, error) {
	before, err := term.GetState(int(p.in.Fd()))
	if err != nil {
		return "", fmt.Errorf("read terminal: %w", err)
	}
	if _, err := io.WriteString(p.prompt, prompt); err != nil {
		return "", fmt.Errorf("write prompt: %w", err)
	}
	type answer struct {
		line string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		line, err := read()
		answered <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(int(p.in.Fd()), before))
	case got := <-answered:
		if got.err != nil && got.err != io.EOF {
			return "", fmt.Errorf("read terminal: %w", got.err)
		}
		if len(got.line) > maximumLine {
			return "", fmt.Errorf("read terminal: the line is longer than %d bytes", maximumLine)
		}
		return got.line, nil
	}
}

// readLine reads a line and no byte more: what follows may be the answer to the next question.
func readLine(in io.Reader) (string, error) {
	var line strings.Builder
	for one := make([]byte, 1); line.Len() <= maximumLine; {
		n, err := in.Read(one)
		if n == 1 && one[0] == '\n' || err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		line.Write(one[:n])
	}
	return strings.TrimSuffix(line.String(), "\r"), nil
}
