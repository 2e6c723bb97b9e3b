package query

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// New makes the command 'pocket query'.
func New(io command.Streams) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "query",
		Short: "Read the chain's state from a node",
	}, newSession(io), newActors(io), newAccount(io), newParams(io), newBlock(io), newTransaction(io))
}

// options are what every query was told.
type options struct {
	height       int64
	output, node string
}

// addOptions completes a query: with what it is told, and with what it does.
func addOptions(cmd *cobra.Command, o *options, height string, run func(context.Context) error) *cobra.Command {
	if cmd.Args == nil {
		cmd.Args = command.NoArguments
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return run(cmd.Context()) }
	command.AddNumber(cmd.Flags(), &o.height, "height", 0, 1, math.MaxInt64, height)
	if cmd.Flags().Lookup("output") == nil {
		command.AddOutput(cmd.Flags(), &o.output)
	}
	command.AddNode(cmd.Flags(), &o.node)
	return cmd
}

// show reads something from the node and writes it, as JSON, as text or, of a table, as rows. What it is stands before an error.
func show[T any](out io.Writer, o options, what string, read func(*client.Client) (T, error), text func(T) string, rows ...func(T) [][]string) error {
	found, err := command.Ask(o.node, what, read)
	if err != nil {
		return err
	}
	var csv []func() [][]string
	for _, of := range rows {
		csv = append(csv, func() [][]string { return of(found) })
	}
	return command.WriteResult(out, o.output, found, func() string { return text(found) }, csv...)
}

func newSession(io command.Streams) *cobra.Command {
	var o options
	var application, chain string
	cmd := &cobra.Command{
		Use:     "session",
		Short:   "Show the session of an application on a relay chain",
		Example: "  pocket query session --application ADDRESS --chain 0001",
		Args:    command.Needs("application", "chain"),
	}
	command.AddTable(cmd.Flags(), &o.output)
	command.AddAddress(cmd.Flags(), &application, "application", types.ValidateAddress, "the application's address")
	command.AddChecked(cmd.Flags(), &chain, "chain", "CHAIN", types.ValidateRelayChain, "the relay chain, as in 0001")
	return addOptions(cmd, &o, "a block of the session (default the latest)", func(ctx context.Context) error {
		return show(io.Out, o, fmt.Sprintf("session of application %s on chain %s", application, chain),
			func(node *client.Client) (session api.Session, err error) {
				if application, err = command.CompleteAddress(ctx, node, "--application", application, api.AddressRoleApplication); err != nil {
					return session, err
				}
				return node.Session(ctx, application, chain, o.height)
			}, sessionText, sessionRows)
	})
}

func sessionText(session api.Session) string {
	last := session.StartHeight + session.Blocks - 1
	return fmt.Sprintf("session      %s\nheights      %d to %d, members as of %d\nrelay chain  %s\ngeo zone     %s\napplication  %s\n\n",
		terminal.Clean(session.ID), session.StartHeight, last, session.Height, terminal.Clean(session.RelayChain), terminal.Clean(session.GeoZone),
		terminal.Clean(session.Application.Address)) +
		memberText("SERVICER", session.Servicers) + "\n" + memberText("FISHERMAN", session.Fishermen)
}

func memberText(role string, members []api.Actor) string {
	rows := make([][]string, 0, len(members))
	for rank, member := range members {
		rows = append(rows, []string{strconv.Itoa(rank + 1), terminal.Clean(member.Address), terminal.Clean(member.ServiceURL)})
	}
	return terminal.Table([]string{"RANK", role, "SERVICE URL"}, rows)
}

func newActors(io command.Streams) *cobra.Command {
	var o options
	var actorType string
	cmd := &cobra.Command{
		Use:     "actors",
		Short:   "List the staked actors",
		Example: "  pocket query actors --type servicer",
	}
	command.AddTable(cmd.Flags(), &o.output)
	command.AddChoice(cmd.Flags(), &actorType, "type", "", "actors of this type only (default all)", command.ActorTypes...)
	return addOptions(cmd, &o, "as of this block (default the latest)", func(ctx context.Context) error {
		wanted := command.ActorTypes
		if actorType != "" {
			wanted = []string{actorType}
		}
		var seats []string
		return show(io.Out, o, "actors",
			func(node *client.Client) (api.Actors, error) {
				found, err := readActors(ctx, node, wanted, o.height)
				if err == nil {
					seats, _ = command.NewSeats(ctx, node, found) // without them the list is complete
				}
				return found, err
			},
			func(found api.Actors) string { return actorsText(found) + seatsText(seats) }, actorsRows)
	})
}

// readActors reads all types at the height that the first answer was given for, so that the list is of one block.
func readActors(ctx context.Context, node *client.Client, wanted []string, height int64) (api.Actors, error) {
	found := api.Actors{Height: height, Actors: []api.Actor{}}
	for _, actorType := range wanted {
		actors, err := node.Actors(ctx, actorType, found.Height)
		if err != nil {
			return found, err
		}
		found.Height = actors.Height
		found.Actors = append(found.Actors, actors.Actors...)
	}
	return found, nil
}

func actorsText(found api.Actors) string {
	rows := make([][]string, 0, len(found.Actors))
	for _, actor := range found.Actors {
		paused := ""
		if actor.PausedHeight != 0 {
			paused = "since " + strconv.FormatInt(actor.PausedHeight, 10)
		}
		rows = append(rows, []string{terminal.Clean(actor.Type), terminal.Clean(actor.Address), terminal.Clean(strings.Join(actor.RelayChains, ",")),
			terminal.Clean(actor.GeoZone), terminal.Clean(actor.StakeUPOKT), paused, terminal.Clean(actor.Operator), terminal.Clean(actor.ServiceURL)})
	}
	return fmt.Sprintf("%d actors at height %d\n\n", len(rows), found.Height) +
		terminal.Table([]string{"TYPE", "ADDRESS", "CHAINS", "ZONE", "STAKE uPOKT", "PAUSED", "OPERATOR", "SERVICE URL"}, rows)
}

// seatsText is what is said below the list about actors that are too new to be in sessions.
func seatsText(seats []string) string {
	if len(seats) == 0 {
		return ""
	}
	return "\n" + strings.Join(seats, "\n") + "\n"
}

func newAccount(io command.Streams) *cobra.Command {
	var o options
	var address string
	cmd := &cobra.Command{
		Use:     "account",
		Short:   "Show what an address owns, and what is unbonding",
		Example: "  pocket query account --address ADDRESS",
		Args:    command.Needs("address"),
	}
	command.AddTable(cmd.Flags(), &o.output)
	command.AddAddress(cmd.Flags(), &address, "address", types.ValidateAddress, "the account's address")
	return addOptions(cmd, &o, "as of this block (default the latest)", func(ctx context.Context) error {
		return show(io.Out, o, "account "+address,
			func(node *client.Client) (account api.Account, err error) {
				if address, err = command.CompleteAnybody(ctx, io, node, "--address", address); err != nil {
					return account, err
				}
				return node.Account(ctx, address, o.height)
			}, accountText, accountRows)
	})
}

func accountText(account api.Account) string {
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
