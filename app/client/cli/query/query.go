package query

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// New makes the command 'pocket query'.
func New(io command.Streams) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "query",
		Short: "Read the chain's state from a node",
	}, newQuerySession(io), newQueryActors(io), newQueryAccount(io), newQueryParams(io), newQueryBlock(io), newQueryTransaction(io))
}

// sessionQuery is what 'pocket query session' was told.
type sessionQuery struct {
	application, chain string
	height             int64
	output, node       string
}

func newQuerySession(io command.Streams) *cobra.Command {
	var q sessionQuery
	cmd := &cobra.Command{
		Use:     "session",
		Short:   "Show the session of an application on a relay chain",
		Example: "  pocket query session --application ADDRESS --chain 0001",
		Args:    command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := command.RequireFlags(cmd, "application", "chain"); err != nil {
				return err
			}
			return querySession(cmd.Context(), io, q)
		},
	}
	flags := cmd.Flags()
	command.AddChecked(flags, &q.application, "application", "ADDRESS", types.ValidateAddress, "the application's address")
	command.AddChecked(flags, &q.chain, "chain", "CHAIN", types.ValidateRelayChain, "the relay chain, as in 0001")
	command.AddNumber(flags, &q.height, "height", 0, 1, math.MaxInt64, "a block of the session (default the latest)")
	command.AddChoice(flags, &q.output, "output", command.OutputTable, "form of the result", command.OutputTable, command.OutputJSON)
	command.AddNode(flags, &q.node)
	return cmd
}

func querySession(ctx context.Context, io command.Streams, q sessionQuery) error {
	node, err := command.OpenNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	session, err := node.Session(ctx, q.application, q.chain, q.height)
	if err != nil {
		return fmt.Errorf("session of application %s on chain %s: %w", q.application, q.chain, err)
	}
	if q.output == command.OutputJSON {
		return command.WriteJSON(io.Out, session)
	}
	return command.WriteText(io.Out, sessionText(session))
}

func sessionText(session client.Session) string {
	last := session.StartHeight + session.Blocks - 1
	return fmt.Sprintf("session      %s\nheights      %d to %d, members as of %d\nrelay chain  %s\ngeo zone     %s\napplication  %s\n\n",
		terminal.Clean(session.ID), session.StartHeight, last, session.Height, terminal.Clean(session.RelayChain), terminal.Clean(session.GeoZone),
		terminal.Clean(session.Application.Address)) +
		memberText("SERVICER", session.Servicers) + "\n" + memberText("FISHERMAN", session.Fishermen)
}

func memberText(role string, members []client.Actor) string {
	rows := make([][]string, 0, len(members))
	for rank, member := range members {
		rows = append(rows, []string{strconv.Itoa(rank + 1), terminal.Clean(member.Address), terminal.Clean(member.ServiceURL)})
	}
	return terminal.Table([]string{"RANK", role, "SERVICE URL"}, rows)
}

// actorsQuery is what 'pocket query actors' was told.
type actorsQuery struct {
	actorType    string
	height       int64
	output, node string
}

func newQueryActors(io command.Streams) *cobra.Command {
	var q actorsQuery
	cmd := &cobra.Command{
		Use:     "actors",
		Short:   "List the staked actors",
		Example: "  pocket query actors --type servicer",
		Args:    command.NoArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return queryActors(cmd.Context(), io, q) },
	}
	flags := cmd.Flags()
	command.AddChoice(flags, &q.actorType, "type", "", "actors of this type only (default all)", command.ActorTypes...)
	command.AddNumber(flags, &q.height, "height", 0, 1, math.MaxInt64, "as of this block (default the latest)")
	command.AddChoice(flags, &q.output, "output", command.OutputTable, "form of the result", command.OutputTable, command.OutputJSON)
	command.AddNode(flags, &q.node)
	return cmd
}

// queryActors reads all types at the height that the first answer was given for, so that the list is of one block.
func queryActors(ctx context.Context, io command.Streams, q actorsQuery) error {
	node, err := command.OpenNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	wanted := command.ActorTypes
	if q.actorType != "" {
		wanted = []string{q.actorType}
	}
	found := client.Actors{Height: q.height, Actors: []client.Actor{}}
	for _, actorType := range wanted {
		actors, err := node.Actors(ctx, actorType, found.Height)
		if err != nil {
			return fmt.Errorf("actors of type %s: %w", actorType, err)
		}
		found.Height = actors.Height
		found.Actors = append(found.Actors, actors.Actors...)
	}
	if q.output == command.OutputJSON {
		return command.WriteJSON(io.Out, found)
	}
	return command.WriteText(io.Out, actorsText(found))
}

func actorsText(found client.Actors) string {
	rows := make([][]string, 0, len(found.Actors))
	for _, actor := range found.Actors {
		paused := ""
		if actor.PausedHeight != 0 {
			paused = "since " + strconv.FormatInt(actor.PausedHeight, 10)
		}
		rows = append(rows, []string{terminal.Clean(actor.Type), terminal.Clean(actor.Address), terminal.Clean(strings.Join(actor.Chains, ",")),
			terminal.Clean(actor.GeoZone), terminal.Clean(actor.StakeUPOKT), paused, terminal.Clean(actor.ServiceURL)})
	}
	return fmt.Sprintf("%d actors at height %d\n\n", len(rows), found.Height) +
		terminal.Table([]string{"TYPE", "ADDRESS", "CHAINS", "ZONE", "STAKE uPOKT", "PAUSED", "SERVICE URL"}, rows)
}

// accountQuery is what 'pocket query account' was told.
type accountQuery struct {
	address      string
	height       int64
	output, node string
}

func newQueryAccount(io command.Streams) *cobra.Command {
	var q accountQuery
	cmd := &cobra.Command{
		Use:     "account",
		Short:   "Show what an address owns, and what is unbonding",
		Example: "  pocket query account --address ADDRESS",
		Args:    command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := command.RequireFlags(cmd, "address"); err != nil {
				return err
			}
			return queryAccount(cmd.Context(), io, q)
		},
	}
	flags := cmd.Flags()
	command.AddChecked(flags, &q.address, "address", "ADDRESS", types.ValidateAddress, "the account's address")
	command.AddNumber(flags, &q.height, "height", 0, 1, math.MaxInt64, "as of this block (default the latest)")
	command.AddChoice(flags, &q.output, "output", command.OutputTable, "form of the result", command.OutputTable, command.OutputJSON)
	command.AddNode(flags, &q.node)
	return cmd
}

func queryAccount(ctx context.Context, io command.Streams, q accountQuery) error {
	node, err := command.OpenNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	account, err := node.Account(ctx, q.address, q.height)
	if err != nil {
		return fmt.Errorf("account %s: %w", q.address, err)
	}
	if q.output == command.OutputJSON {
		return command.WriteJSON(io.Out, account)
	}
	return command.WriteText(io.Out, accountText(account))
}

func accountText(account client.Account) string {
	text := fmt.Sprintf("address    %s\nheight     %d\nbalance    %s uPOKT\nsequence   %d\n", terminal.Clean(account.Address), account.Height,
		terminal.Clean(account.BalanceUPOKT), account.Sequence)
	if len(account.Unbonding) == 0 {
		return text
	}
	rows := make([][]string, 0, len(account.Unbonding))
	for _, u := range account.Unbonding {
		rows = append(rows, []string{terminal.Clean(u.Type), terminal.Clean(u.AmountUPOKT), strconv.FormatInt(u.UnlockHeight, 10)})
	}
	return text + "\n" + terminal.Table([]string{"UNBONDING", "uPOKT", "AFTER BLOCK"}, rows)
}
