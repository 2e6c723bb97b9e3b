package collector

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
		Short: "Check the configuration of a collector, or print an example",
		Long: `Checks a YAML file of a collector: unknown and repeated keys, values out of range, environment variables that are not set.
Every problem is a line, FILE:LINE:COLUMN: KEY: what is wrong; what would be right. No server is asked, and no secret is shown.
docs/collector.md describes the keys.`,
		Example: "  pocket collector config --print-example > collector.yaml\n  pocket collector config --check collector.yaml",
	}, groups.CollectorExample, func(path string) error { return checkConfig(io, path) })
}

func checkConfig(io command.Streams, path string) error {
	config, err := groups.LoadCollector(path, os.LookupEnv)
	if err != nil {
		return command.RefuseConfig(io, path, err)
	}
	return command.WriteText(io.Out, fmt.Sprintf("%s is valid: %s\n", terminal.Clean(path), counted(len(config.Fishermen), "fisherman", "fishermen")))
}
