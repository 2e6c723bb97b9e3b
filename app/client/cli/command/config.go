package command

import (
	"errors"
	"fmt"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// RefuseConfig writes a line for each problem of a fisherman's configuration, and returns the error that ends the command.
func RefuseConfig(io Streams, path string, err error) error {
	wrong, is := errors.AsType[*groups.Error](err)
	if !is {
		return err
	}
	for _, line := range wrong.Lines() {
		if _, err := fmt.Fprintln(io.Err, line); err != nil {
			return fmt.Errorf("write problems: %w", err)
		}
	}
	problems := "1 problem"
	if n := wrong.Count(); n != 1 {
		problems = fmt.Sprintf("%d problems", n)
	}
	return Fail(ExitUsage, "%s is not valid: %s", terminal.Clean(path), problems)
}
