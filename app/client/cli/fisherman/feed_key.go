package fisherman

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

func newFeedKey(io command.Streams) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "feed-key",
		Short: "Print the public key that the samples of a fisherman without a chain are signed with",
		Long: `Prints the public key that a fisherman of endpoints signs what it publishes with (docs/feed.md), for the configuration of
collectors: 64 hex digits. The key is in the file feed-key of the data directory; it is made if there is none.

The fisherman of a node signs with its own key, whose public key 'pocket keys list' shows. Both are in /v1/status.`,
		Example: "  pocket fisherman feed-key --config fisherman.yaml",
		Args:    command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return command.Fail(command.ExitUsage, "%q needs --config FILE", cmd.CommandPath())
			}
			config, err := groups.Load(path, os.LookupEnv)
			if err != nil {
				return command.RefuseConfig(io, path, err)
			}
			if err := os.MkdirAll(config.Data, 0o700); err != nil {
				return command.Fail(command.ExitHome, "data directory cannot be used: %w", err)
			}
			key, err := node.FeedKey(config.Data)
			if err != nil {
				return command.Fail(command.ExitHome, "%w", err)
			}
			return command.WriteText(io.Out, key.PublicKeyHex()+"\n")
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "configuration of the fisherman, a YAML `FILE`")
	return cmd
}
