package version

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/node"
)

// New makes the command 'pocket version'.
func New(io command.Streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program, and from which commit it was built",
		Args:  command.NoArguments,
		RunE: func(*cobra.Command, []string) error {
			build := node.ThisBuild()
			return command.WriteResult(io.Out, output, build, func() string { return versionLine(build) })
		},
	}
	command.AddOutput(cmd.Flags(), &output)
	return cmd
}

// Line returns what 'pocket version' prints.
func Line() string { return versionLine(node.ThisBuild()) }

// versionLine is "pocket v1.2.3 (commit 0123456789ab, modified) go1.26.8 linux/amd64".
func versionLine(build node.Build) string {
	var source []string
	if build.Revision != "" {
		source = append(source, "commit "+terminal.ID(build.Revision))
	}
	if build.Modified {
		source = append(source, "modified")
	}
	line := "pocket " + build.Version
	if len(source) > 0 {
		line += " (" + strings.Join(source, ", ") + ")"
	}
	return line + fmt.Sprintf(" %s %s/%s\n", build.Go, runtime.GOOS, runtime.GOARCH)
}
