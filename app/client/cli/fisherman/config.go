package fisherman

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

func newConfig(io command.Streams) *cobra.Command {
	return command.AsConfig(io, &cobra.Command{
		Use:   "config",
		Short: "Check the configuration of a fisherman that samples endpoints, or print an example",
		Long: `Checks a YAML file of groups of endpoints: unknown and repeated keys, values out of range, environment variables that are
not set, files of secrets that cannot be read. Every problem is a line, FILE:LINE:COLUMN: KEY: what is wrong; what would
be right. Nothing is asked of an endpoint, and no secret is shown. docs/endpoints_configuration.md describes the keys.`,
		Example: "  pocket fisherman config --print-example > fisherman.yaml\n  pocket fisherman config --check fisherman.yaml",
	}, groups.Example, func(path string) error { return checkConfig(io, path) })
}

func checkConfig(io command.Streams, path string) error {
	config, err := groups.Load(path, os.LookupEnv)
	if err != nil {
		return command.RefuseConfig(io, path, err)
	}
	targets := 0
	for _, group := range config.Groups {
		targets += len(group.Targets)
	}
	valid := fmt.Sprintf("%s is valid: %s, %s", terminal.Clean(path), counted(len(config.Groups), "group"), counted(targets, "target"))
	if applications := len(groups.OfSuppliers(config.Groups)); applications > 0 {
		valid += ", " + counted(applications, "application")
	}
	return command.WriteText(io.Out, valid+"\n")
}

// counted returns a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
