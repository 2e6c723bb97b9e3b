package cli

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/node"
)

func newVersion(io streams) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program, and from which commit it was built",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			build := node.ThisBuild()
			if output == outputJSON {
				return writeJSON(io.out, build)
			}
			return writeText(io.out, versionLine(build))
		},
	}
	addChoice(command.Flags(), &output, "output", outputTable, "form of the result", outputTable, outputJSON)
	return command
}

// versionLine is "pocket v1.2.3 (commit 0123456789ab, modified) go1.26.8 linux/amd64".
func versionLine(build node.Build) string {
	var source []string
	if build.Revision != "" {
		source = append(source, "commit "+abbreviate(build.Revision))
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
