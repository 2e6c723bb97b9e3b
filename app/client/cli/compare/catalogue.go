package compare

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

const flagCatalogue = "catalogue"

// withQuestions returns the group with what it is to be asked.
func withQuestions(group groups.Group, catalogue string) (groups.Group, error) {
	switch {
	case catalogue == "" && group.Chain == groups.ChainCustom:
		return group, command.Fail(command.ExitUsage, "--chain custom needs questions; give --catalogue FILE")
	case catalogue == "":
		return group, nil
	case slices.Contains(groups.Catalogues(groups.ChainAuto), catalogue):
		named, err := group.WithCatalogue(catalogue)
		if err != nil {
			return group, command.Fail(command.ExitUsage, "--catalogue: %w", err)
		}
		return named, nil
	}
	asked, err := group.LoadQuestions(catalogue, os.LookupEnv)
	if wrong, is := errors.AsType[*groups.Error](err); is {
		text := wrong.Lines()[0]
		if _, missing := os.Stat(catalogue); missing != nil {
			text += "; the catalogues that have a name are " + strings.Join(groups.Catalogues(groups.ChainAuto), ", ")
		}
		return group, command.Fail(command.ExitUsage, "--catalogue: %s", text)
	}
	return asked, err
}
