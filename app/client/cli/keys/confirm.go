package keys

import (
	"context"
	"strings"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
)

// confirm asks a person to type a word, unless that was declined beforehand with --yes.
func confirm(ctx context.Context, io command.Streams, yes bool, question, word string) error {
	if yes {
		return nil
	}
	asked, err := terminal.OpenPrompt(io.In, io.Err)
	if err != nil {
		return command.Fail(command.ExitUsage, "%w for confirmation; give --yes", err)
	}
	defer asked.Close()
	line, err := asked.Line(ctx, question)
	if err != nil {
		return err
	}
	if strings.TrimSpace(line) != word {
		return command.Fail(command.ExitUsage, "not confirmed: wanted %q; nothing was done", word)
	}
	return nil
}
