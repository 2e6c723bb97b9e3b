package localnet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/localnet"
)

func newAwait(io command.Streams) *cobra.Command {
	var home string
	var patience time.Duration
	cmd := &cobra.Command{
		Use:   "await",
		Short: "Wait until the servicers of a network whose nodes run apart are level",
		Long: `Waits until all servicers of a network whose homes 'pocket localnet home' wrote are level with its chain, and so can
answer relays. Run before the node of the fisherman, it keeps the first sessions from being sampled while servicers fetch
blocks. After --patience it ends without an error all the same: a servicer that is down is the fisherman's to report.`,
		Example: "  pocket localnet await --home nodes/fisherman-0",
		Args:    command.Needs("home"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), patience)
			defer cancel()
			err := localnet.AwaitServicers(ctx, home)
			if errors.Is(err, localnet.ErrNotLevel) && cmd.Context().Err() == nil {
				return command.WriteText(io.Err, fmt.Sprintf("not waiting any longer: %s\n", terminal.Clean(err.Error())))
			}
			return remedied(err)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&home, "home", "", "directory `DIR` of one of the network's nodes")
	flags.DurationVar(&patience, "patience", 2*time.Minute, "how long to wait at most")
	return cmd
}
