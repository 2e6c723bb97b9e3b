package query

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func newParams(io command.Streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:     "params",
		Short:   "Show the governed parameters",
		Example: "  pocket query params",
	}
	command.AddTable(cmd.Flags(), &o.output)
	return addOptions(cmd, &o, "as of this block (default the latest)", func(ctx context.Context) error {
		var groups map[string]map[string]any
		return show(io.Out, o, "parameters", func(node *client.Client) (api.ParamsAt, error) {
			params, err := node.Params(ctx, o.height)
			if err != nil {
				return params, err
			}
			return params, json.Unmarshal(params.Params, &groups)
		}, func(params api.ParamsAt) string { return paramsText(params.Height, groups) },
			func(params api.ParamsAt) [][]string { return paramsRows(params.Height, groups) })
	})
}

func newBlock(io command.Streams) *cobra.Command {
	var o options
	return addOptions(&cobra.Command{
		Use:     "block",
		Short:   "Show a block",
		Example: "  pocket query block --height 7",
	}, &o, "of this height (default the latest)", func(ctx context.Context) error {
		return show(io.Out, o, "block",
			func(node *client.Client) (api.Block, error) { return node.Block(ctx, o.height) }, blockText)
	})
}

func newTransaction(io command.Streams) *cobra.Command {
	var o options
	var hash string
	cmd := &cobra.Command{
		Use:     "transaction",
		Short:   "Show a transaction in a block, and what became of it",
		Example: "  pocket query transaction --hash HASH",
		Args:    command.Needs("hash"),
	}
	command.AddChecked(cmd.Flags(), &hash, "hash", "HASH", types.ValidateSessionID, "SHA-256 of the transaction, as 'pocket tx' shows it")
	return addOptions(cmd, &o, "of this block (default one of the newest 1000)", func(ctx context.Context) error {
		return show(io.Out, o, "transaction "+hash,
			func(node *client.Client) (api.Transaction, error) { return node.Transaction(ctx, hash, o.height) }, transactionText)
	})
}

// paramsText has one line for each parameter, under the name by which it is changed.
func paramsText(height int64, groups map[string]map[string]any) string {
	rows := parameterRows(groups)
	for _, row := range rows {
		row[0], row[1] = terminal.Clean(row[0]), terminal.Clean(row[1])
	}
	return fmt.Sprintf("parameters at height %d\n\n", height) + terminal.Table([]string{"PARAMETER", "VALUE"}, rows)
}

// parameterRows are names with values, ordered.
func parameterRows(groups map[string]map[string]any) (rows [][]string) {
	for group, values := range groups {
		for name, value := range values {
			rows = append(rows, []string{group + "." + name, valueText(value)})
		}
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return rows
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

func blockText(block api.Block) string {
	return fmt.Sprintf("height        %d\nhash          %s\ntime          %s\nproposer      %s\ntransactions  %d\napp hash      %s\n", block.Height,
		terminal.Clean(block.Hash), block.Time.UTC().Format(time.RFC3339Nano), terminal.Clean(block.Proposer), block.Transactions, terminal.Clean(block.AppHash))
}

func transactionText(found api.Transaction) string {
	result := string(found.Result)
	if found.Log != "" {
		result = found.Log
	}
	message, _ := json.Marshal(found.Message) // it was decoded, so it can be encoded
	return fmt.Sprintf("hash      %s\nheight    %d\nindex     %d\nresult    %s\nsigner    %s\nsequence  %s\nfee       %s uPOKT\nmessage   %s\n",
		terminal.Clean(found.Hash), found.Height, found.Index, terminal.Clean(result), terminal.Clean(found.Signer), strconv.FormatUint(found.Sequence, 10),
		terminal.Clean(found.FeeUPOKT), terminal.Clean(string(message)))
}
