package command

import "github.com/spf13/cobra"

// AsConfig makes a command check a configuration file (--check FILE), or print an example (--print-example).
func AsConfig(io Streams, cmd *cobra.Command, example func() string, check func(path string) error) *cobra.Command {
	var path string
	var printed bool
	cmd.Args = NoArguments
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch given := cmd.Flags().Changed("check"); {
		case given && printed:
			return Fail(ExitUsage, "--check and --print-example exclude each other")
		case given:
			return check(path)
		case printed:
			return WriteText(io.Out, example())
		default:
			return Fail(ExitUsage, "%q needs --check FILE or --print-example", cmd.CommandPath())
		}
	}
	cmd.Flags().StringVar(&path, "check", "", "check this `FILE`")
	cmd.Flags().BoolVar(&printed, "print-example", false, "print a complete example with comments")
	return cmd
}
