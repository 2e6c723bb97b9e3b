package cli

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
	node, err := openNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	found, err := read(ctx, node)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if q.output == outputJSON {
		return writeJSON(out, found)
	}
	shown, err := text(found)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return writeText(out, shown)
}

// addChain adds the flags that all queries about the chain itself have.
func addChain(command *cobra.Command, q *chainQuery, height string) {
	flags := command.Flags()
	addNumber(flags, &q.height, "height", 0, 1, math.MaxInt64, height)
	addChoice(flags, &q.output, "output", outputTable, "form of the result", outputTable, outputJSON)
	addNode(flags, &q.node)
}

func newQueryParams(io streams) *cobra.Command {
	var q chainQuery
	command := &cobra.Command{
		Use:     "params",
		Short:   "Show the governed parameters",
		Example: "  pocket query params",
		Args:    noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			return ask(command.Context(), io.out, q, "parameters", func(ctx context.Context, node *client.Client) (client.Params, error) {
				return node.Params(ctx, q.height)
			}, paramsText)
		},
	}
	addChain(command, &q, "as of this block (default the latest)")
	return command
}

func newQueryBlock(io streams) *cobra.Command {
	var q chainQuery
	command := &cobra.Command{
		Use:     "block",
		Short:   "Show a block",
		Example: "  pocket query block --height 7",
		Args:    noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			return ask(command.Context(), io.out, q, "block", func(ctx context.Context, node *client.Client) (client.Block, error) {
				return node.Block(ctx, q.height)
			}, blockText)
		},
	}
	addChain(command, &q, "of this height (default the latest)")
	return command
}

func newQueryTransaction(io streams) *cobra.Command {
	var q chainQuery
	command := &cobra.Command{
		Use:     "transaction",
		Short:   "Show a transaction in a block, and what became of it",
		Example: "  pocket query transaction --hash HASH",
		Args:    noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := requireFlags(command, "hash"); err != nil {
				return err
			}
			return ask(command.Context(), io.out, q, "transaction "+q.hash, func(ctx context.Context, node *client.Client) (client.Transaction, error) {
				return node.Transaction(ctx, q.hash, q.height)
			}, transactionText)
		},
	}
	addChecked(command.Flags(), &q.hash, "hash", "HASH", types.ValidateSessionID, "SHA-256 of the transaction, as 'pocket tx' shows it")
	addChain(command, &q, "of this block (default one of the newest 1000)")
	return command
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
			rows = append(rows, []string{clean(group + "." + name), clean(valueText(value))})
		}
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return fmt.Sprintf("parameters at height %d\n\n", params.Height) + renderTable([]string{"PARAMETER", "VALUE"}, rows, plain), nil
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
		clean(block.Hash), block.Time.UTC().Format(time.RFC3339Nano), clean(block.Proposer), block.Transactions, clean(block.AppHash)), nil
}

func transactionText(found client.Transaction) (string, error) {
	result := found.Result
	if found.Log != "" {
		result = found.Log
	}
	return fmt.Sprintf("hash      %s\nheight    %d\nindex     %d\nresult    %s\nsigner    %s\nsequence  %s\nfee       %s uPOKT\nmessage   %s\n",
		clean(found.Hash), found.Height, found.Index, clean(result), clean(found.Signer), strconv.FormatUint(found.Sequence, 10),
		clean(found.FeeUPOKT), clean(string(found.Message))), nil
}
