package query

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// chainQuery is what a query about the chain itself was told.
type chainQuery struct {
	hash         string
	height       int64
	output, node string
}

// ask reads something from the node and writes it, as JSON or as text.
func ask[T any](ctx context.Context, out io.Writer, q chainQuery, what string,
	read func(context.Context, *client.Client) (T, error), text func(T) (string, error)) error {
	node, err := command.OpenNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	found, err := read(ctx, node)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if q.output == command.OutputJSON {
		return command.WriteJSON(out, found)
	}
	shown, err := text(found)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return command.WriteText(out, shown)
}

// addChain adds the flags that all queries about the chain itself have.
func addChain(cmd *cobra.Command, q *chainQuery, height string) {
	flags := cmd.Flags()
	command.AddNumber(flags, &q.height, "height", 0, 1, math.MaxInt64, height)
	command.AddChoice(flags, &q.output, "output", command.OutputTable, "form of the result", command.OutputTable, command.OutputJSON)
	command.AddNode(flags, &q.node)
}

func newQueryParams(io command.Streams) *cobra.Command {
	var q chainQuery
	cmd := &cobra.Command{
		Use:     "params",
		Short:   "Show the governed parameters",
		Example: "  pocket query params",
		Args:    command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd.Context(), io.Out, q, "parameters", func(ctx context.Context, node *client.Client) (client.Params, error) {
				return node.Params(ctx, q.height)
			}, paramsText)
		},
	}
	addChain(cmd, &q, "as of this block (default the latest)")
	return cmd
}

func newQueryBlock(io command.Streams) *cobra.Command {
	var q chainQuery
	cmd := &cobra.Command{
		Use:     "block",
		Short:   "Show a block",
		Example: "  pocket query block --height 7",
		Args:    command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd.Context(), io.Out, q, "block", func(ctx context.Context, node *client.Client) (client.Block, error) {
				return node.Block(ctx, q.height)
			}, blockText)
		},
	}
	addChain(cmd, &q, "of this height (default the latest)")
	return cmd
}

func newQueryTransaction(io command.Streams) *cobra.Command {
	var q chainQuery
	cmd := &cobra.Command{
		Use:     "transaction",
		Short:   "Show a transaction in a block, and what became of it",
		Example: "  pocket query transaction --hash HASH",
		Args:    command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := command.RequireFlags(cmd, "hash"); err != nil {
				return err
			}
			return ask(cmd.Context(), io.Out, q, "transaction "+q.hash, func(ctx context.Context, node *client.Client) (client.Transaction, error) {
				return node.Transaction(ctx, q.hash, q.height)
			}, transactionText)
		},
	}
	command.AddChecked(cmd.Flags(), &q.hash, "hash", "HASH", types.ValidateSessionID, "SHA-256 of the transaction, as 'pocket tx' shows it")
	addChain(cmd, &q, "of this block (default one of the newest 1000)")
	return cmd
}

// paramsText has one line for each parameter, under the name by which it is changed.
func paramsText(params client.Params) (string, error) {
	var groups map[string]map[string]any
	if err := json.Unmarshal(params.Params, &groups); err != nil {
		return "", fmt.Errorf("read the node's parameters: %w", err)
	}
	var rows [][]string
	for group, values := range groups {
		for name, value := range values {
			rows = append(rows, []string{terminal.Clean(group + "." + name), terminal.Clean(valueText(value))})
		}
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return fmt.Sprintf("parameters at height %d\n\n", params.Height) + terminal.Table([]string{"PARAMETER", "VALUE"}, rows), nil
}

// valueText shows a list with commas, as 'pocket tx change-parameter' takes it.
func valueText(value any) string {
	list, is := value.([]any)
	if !is {
		return fmt.Sprint(value)
	}
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = fmt.Sprint(item)
	}
	return strings.Join(items, ",")
}

func blockText(block client.Block) (string, error) {
	return fmt.Sprintf("height        %d\nhash          %s\ntime          %s\nproposer      %s\ntransactions  %d\napp hash      %s\n", block.Height,
		terminal.Clean(block.Hash), block.Time.UTC().Format(time.RFC3339Nano), terminal.Clean(block.Proposer), block.Transactions, terminal.Clean(block.AppHash)), nil
}

func transactionText(found client.Transaction) (string, error) {
	result := found.Result
	if found.Log != "" {
		result = found.Log
	}
	return fmt.Sprintf("hash      %s\nheight    %d\nindex     %d\nresult    %s\nsigner    %s\nsequence  %s\nfee       %s uPOKT\nmessage   %s\n",
		terminal.Clean(found.Hash), found.Height, found.Index, terminal.Clean(result), terminal.Clean(found.Signer), strconv.FormatUint(found.Sequence, 10),
		terminal.Clean(found.FeeUPOKT), terminal.Clean(string(found.Message))), nil
}
