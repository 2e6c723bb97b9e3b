package cli

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Words of --output.
const (
	outputTable = "table"
	outputJSON  = "json"
	outputCSV   = "csv"
)

// actorTypes are the labels that a query for actors takes.
var actorTypes = []string{"application", "servicer", "fisherman", "validator"}

func newQuery(io streams) *cobra.Command {
	return group(&cobra.Command{
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

func newQuerySession(io streams) *cobra.Command {
	var q sessionQuery
	command := &cobra.Command{
		Use:     "session",
		Short:   "Show the session of an application on a relay chain",
		Example: "  pocket query session --application ADDRESS --chain 0001",
		Args:    noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := requireFlags(command, "application", "chain"); err != nil {
				return err
			}
			return querySession(command.Context(), io, q)
		},
	}
	flags := command.Flags()
	addChecked(flags, &q.application, "application", "ADDRESS", types.ValidateAddress, "the application's address")
	addChecked(flags, &q.chain, "chain", "CHAIN", types.ValidateRelayChain, "the relay chain, as in 0001")
	addNumber(flags, &q.height, "height", 0, 1, math.MaxInt64, "a block of the session (default the latest)")
	addChoice(flags, &q.output, "output", outputTable, "form of the result", outputTable, outputJSON)
	addNode(flags, &q.node)
	return command
}

func querySession(ctx context.Context, io streams, q sessionQuery) error {
	node, err := openNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	session, err := node.Session(ctx, q.application, q.chain, q.height)
	if err != nil {
		return fmt.Errorf("session of application %s on chain %s: %w", q.application, q.chain, err)
	}
	if q.output == outputJSON {
		return writeJSON(io.out, session)
	}
	return writeText(io.out, sessionText(session))
}

func sessionText(session client.Session) string {
	last := session.StartHeight + session.Blocks - 1
	return fmt.Sprintf("session      %s\nheights      %d to %d, members as of %d\nrelay chain  %s\ngeo zone     %s\napplication  %s\n\n",
		clean(session.ID), session.StartHeight, last, session.Height, clean(session.RelayChain), clean(session.GeoZone),
		clean(session.Application.Address)) +
		memberText("SERVICER", session.Servicers) + "\n" + memberText("FISHERMAN", session.Fishermen)
}

func memberText(role string, members []client.Actor) string {
	rows := make([][]string, 0, len(members))
	for rank, member := range members {
		rows = append(rows, []string{strconv.Itoa(rank + 1), clean(member.Address), clean(member.ServiceURL)})
	}
	return renderTable([]string{"RANK", role, "SERVICE URL"}, rows, plain)
}

// actorsQuery is what 'pocket query actors' was told.
type actorsQuery struct {
	actorType    string
	height       int64
	output, node string
}

func newQueryActors(io streams) *cobra.Command {
	var q actorsQuery
	command := &cobra.Command{
		Use:     "actors",
		Short:   "List the staked actors",
		Example: "  pocket query actors --type servicer",
		Args:    noArguments,
		RunE:    func(command *cobra.Command, _ []string) error { return queryActors(command.Context(), io, q) },
	}
	flags := command.Flags()
	addChoice(flags, &q.actorType, "type", "", "actors of this type only (default all)", actorTypes...)
	addNumber(flags, &q.height, "height", 0, 1, math.MaxInt64, "as of this block (default the latest)")
	addChoice(flags, &q.output, "output", outputTable, "form of the result", outputTable, outputJSON)
	addNode(flags, &q.node)
	return command
}

// queryActors reads all types at the height that the first answer was given for, so that the list is of one block.
func queryActors(ctx context.Context, io streams, q actorsQuery) error {
	node, err := openNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	wanted := actorTypes
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
	if q.output == outputJSON {
		return writeJSON(io.out, found)
	}
	return writeText(io.out, actorsText(found))
}

func actorsText(found client.Actors) string {
	rows := make([][]string, 0, len(found.Actors))
	for _, actor := range found.Actors {
		paused := ""
		if actor.PausedHeight != 0 {
			paused = "since " + strconv.FormatInt(actor.PausedHeight, 10)
		}
		rows = append(rows, []string{clean(actor.Type), clean(actor.Address), clean(strings.Join(actor.Chains, ",")),
			clean(actor.GeoZone), clean(actor.StakeUPOKT), paused, clean(actor.ServiceURL)})
	}
	return fmt.Sprintf("%d actors at height %d\n\n", len(rows), found.Height) +
		renderTable([]string{"TYPE", "ADDRESS", "CHAINS", "ZONE", "STAKE uPOKT", "PAUSED", "SERVICE URL"}, rows, plain)
}

// accountQuery is what 'pocket query account' was told.
type accountQuery struct {
	address      string
	height       int64
	output, node string
}

func newQueryAccount(io streams) *cobra.Command {
	var q accountQuery
	command := &cobra.Command{
		Use:     "account",
		Short:   "Show what an address owns, and what is unbonding",
		Example: "  pocket query account --address ADDRESS",
		Args:    noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := requireFlags(command, "address"); err != nil {
				return err
			}
			return queryAccount(command.Context(), io, q)
		},
	}
	flags := command.Flags()
	addChecked(flags, &q.address, "address", "ADDRESS", types.ValidateAddress, "the account's address")
	addNumber(flags, &q.height, "height", 0, 1, math.MaxInt64, "as of this block (default the latest)")
	addChoice(flags, &q.output, "output", outputTable, "form of the result", outputTable, outputJSON)
	addNode(flags, &q.node)
	return command
}

func queryAccount(ctx context.Context, io streams, q accountQuery) error {
	node, err := openNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	account, err := node.Account(ctx, q.address, q.height)
	if err != nil {
		return fmt.Errorf("account %s: %w", q.address, err)
	}
	if q.output == outputJSON {
		return writeJSON(io.out, account)
	}
	return writeText(io.out, accountText(account))
}

func accountText(account client.Account) string {
	text := fmt.Sprintf("address    %s\nheight     %d\nbalance    %s uPOKT\nsequence   %d\n", clean(account.Address), account.Height,
		clean(account.BalanceUPOKT), account.Sequence)
	if len(account.Unbonding) == 0 {
		return text
	}
	rows := make([][]string, 0, len(account.Unbonding))
	for _, u := range account.Unbonding {
		rows = append(rows, []string{clean(u.Type), clean(u.AmountUPOKT), strconv.FormatInt(u.UnlockHeight, 10)})
	}
	return text + "\n" + renderTable([]string{"UNBONDING", "uPOKT", "AFTER BLOCK"}, rows, plain)
}
