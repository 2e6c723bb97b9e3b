package cli

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

// errNoTerminal: there is nobody to ask.
var errNoTerminal = errors.New("there is no terminal to ask at")

// prompter asks a person.
type prompter struct {
	in     *os.File
	prompt io.Writer
	close  func()
}

// openPrompt finds a person: at standard input, else, when that is used for something else, at the terminal that
// standard error is shown on. Errors: errNoTerminal.
func openPrompt(io streams) (*prompter, error) {
	if in, is := io.in.(*os.File); is && term.IsTerminal(int(in.Fd())) {
		return &prompter{in, io.err, func() {}}, nil
	}
	if shown, is := io.err.(*os.File); is && term.IsTerminal(int(shown.Fd())) {
		if in, err := os.Open(controllingTerminal); err == nil {
			return &prompter{in, io.err, func() { _ = in.Close() }}, nil
		}
	}
	return nil, errNoTerminal
}

// hidden asks for a line that is not shown while it is typed. Neither is its end, so that one is shown afterwards.
func (p *prompter) hidden(ctx context.Context, prompt string) (string, error) {
	descriptor := int(p.in.Fd())
	line, err := p.ask(ctx, prompt, func() (string, error) {
		line, err := term.ReadPassword(descriptor)
		return string(line), err
	})
	_, _ = fmt.Fprintln(p.prompt)
	return line, err
}

// line asks for a line.
func (p *prompter) line(ctx context.Context, prompt string) (string, error) {
	line, err := p.ask(ctx, prompt, func() (string, error) { return readLine(p.in) })
	if err != nil {
		_, _ = fmt.Fprintln(p.prompt)
	}
	return line, err
}

// ask ends with the context. Reading a terminal cannot be interrupted, so the reader is then left behind; the command,
// and with it the process, ends at once. The terminal is left as it was found.
func (p *prompter) ask(ctx context.Context, prompt string, read func() (string, error)) (string, error) {
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

// confirm asks a person to type a word, unless that was declined beforehand with --yes.
func confirm(ctx context.Context, io streams, yes bool, question, word string) error {
	if yes {
		return nil
	}
	asked, err := openPrompt(io)
	if err != nil {
		return fail(ExitUsage, "%w for confirmation; give --yes", err)
	}
	defer asked.close()
	line, err := asked.line(ctx, question)
	if err != nil {
		return err
	}
	if strings.TrimSpace(line) != word {
		return fail(ExitUsage, "not confirmed: wanted %q; nothing was done", word)
	}
	return nil
}
