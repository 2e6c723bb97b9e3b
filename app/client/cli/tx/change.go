package tx

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// changeOptions are what 'pocket tx change-parameter' was told.
type changeOptions struct {
	parameter, value string
	add, remove      []string
}

func newChangeParameter(io command.Streams) *cobra.Command {
	var c changeOptions
	cmd := txCommand(io, &cobra.Command{
		Use:     "change-parameter",
		Aliases: []string{"change-param"},
		Short:   "Change a governed parameter from the next session on",
		Long: `Changes a governed parameter from the next session on, and shows what it was and what it becomes. A list may be given in
any order. --add and --remove change single items of a list, as the chain has it for the next session; use --wait between
two of them, so that the second one knows of the first.`,
		Example: `  pocket tx change-parameter --from ADDRESS --parameter qos.checks_per_session --value 30
  pocket tx change-parameter --from ADDRESS --parameter governance.fisherman_access_list --add ADDRESS --wait`,
	}, []string{"parameter"}, func(ctx context.Context, node *client.Client, o *options) (*types.Transaction, error) {
		return c.body(ctx, io, node, o)
	})
	needed := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := needed(cmd, args); err != nil {
			return err
		}
		return c.fits(cmd)
	}
	flags := cmd.Flags()
	flags.StringVar(&c.parameter, "parameter", "", "the `PATH` below params in the genesis file, as in qos.checks_per_session")
	flags.StringVar(&c.value, "value", "", "the new `VALUE`: a number, a duration, a text, or a list separated by commas")
	flags.StringSliceVar(&c.add, "add", nil, "an `ADDRESS` that a list gets, or its first 8 digits or more; may be repeated")
	flags.StringSliceVar(&c.remove, "remove", nil, "an `ADDRESS` that a list loses, or its first 8 digits or more; may be repeated")
	return cmd
}

// fits refuses flags that do not go together.
func (c *changeOptions) fits(cmd *cobra.Command) error {
	whole, items := cmd.Flags().Changed("value"), len(c.add)+len(c.remove) > 0
	switch {
	case whole && items:
		return command.Fail(command.ExitUsage, "--value (the whole value) and --add or --remove (items of a list) exclude each other")
	case !whole && !items:
		return command.Fail(command.ExitUsage, "%q needs --value, --add or --remove; see '%s --help'", cmd.CommandPath(), cmd.CommandPath())
	case whole:
		return nil
	}
	list, err := genesis.IsList(c.parameter)
	if err != nil {
		return command.Fail(command.ExitUsage, "change %s: %w", terminal.Short(c.parameter), err)
	}
	if !list {
		return command.Fail(command.ExitUsage, "--add and --remove are for a list, which %s is not; give --value", c.parameter)
	}
	for _, item := range slices.Concat(c.add, c.remove) {
		if err := command.OrPrefix(types.ValidateAddress)(item); err != nil {
			return command.Fail(command.ExitUsage, "--add or --remove: %w", err)
		}
	}
	return nil
}

// body makes the change, and notes what it changes.
func (c *changeOptions) body(ctx context.Context, io command.Streams, node *client.Client, o *options) (*types.Transaction, error) {
	value := c.value
	if _, err := genesis.IsList(c.parameter); err != nil {
		return nil, command.Fail(command.ExitUsage, "change %s: %w", terminal.Short(c.parameter), err)
	}
	present, err := readParameter(ctx, node, c.parameter)
	if err != nil {
		return nil, err
	}
	if len(c.add)+len(c.remove) > 0 {
		items, err := c.changed(ctx, io, node, o, present)
		if err != nil {
			return nil, err
		}
		value = strings.Join(items, ",")
	}
	change, err := genesis.ParseChange(c.parameter, value)
	if err != nil {
		return nil, command.Fail(command.ExitUsage, "change %s: %w", terminal.Short(c.parameter), err)
	}
	o.change = &parameterChange{Parameter: c.parameter, Old: present, New: value}
	if list := change.GetList(); list != nil {
		o.change.New = append([]string{}, list.GetItems()...)
	}
	return &types.Transaction{Message: &types.Transaction_ChangeParameter{ChangeParameter: change}}, nil
}

// changed returns the items of a list with those to add, and without those to remove.
func (c *changeOptions) changed(ctx context.Context, io command.Streams, node *client.Client, o *options, present any) ([]string, error) {
	list, is := present.([]any)
	if !is {
		return nil, command.Fail(command.ExitUntrusted, "the node's value of %s is not a list", c.parameter)
	}
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = fmt.Sprint(item)
	}
	before, notes := slices.Clone(items), ""
	for _, given := range c.remove {
		whole, err := command.Complete("--remove", given, "nobody on "+c.parameter, command.AddressesOf("", before...))
		if err != nil {
			return nil, err
		}
		at := slices.Index(items, whole)
		if at < 0 {
			return nil, command.Fail(command.ExitNotFound, "--remove: %s is not on %s; nothing was sent", whole, c.parameter)
		}
		items = slices.Delete(items, at, at+1)
	}
	for _, given := range c.add {
		whole, note, err := completeRecipient(ctx, io, node, o, "--add", given)
		if err != nil {
			return nil, err
		}
		switch {
		case slices.Contains(before, whole) && !slices.Contains(items, whole):
			return nil, command.Fail(command.ExitUsage, "--add and --remove both name %s; nothing was sent", whole)
		case slices.Contains(before, whole):
			return nil, command.Fail(command.ExitUsage, "--add: %s is on %s already; nothing was sent", whole, c.parameter)
		case slices.Contains(items, whole):
			return nil, command.Fail(command.ExitUsage, "--add names %s twice; nothing was sent", whole)
		}
		items, notes = append(items, whole), notes+note
	}
	return items, command.WriteText(io.Err, notes)
}

// readParameter returns the value of a parameter as the next session has it, in the JSON form of the genesis file; nil where the
// node has none.
func readParameter(ctx context.Context, node *client.Client, parameter string) (any, error) {
	params, err := node.Params(ctx, 0)
	if err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	encoded := params.Params
	if len(params.Next) > 0 && string(params.Next) != "null" {
		encoded = params.Next
	}
	var groups map[string]map[string]any
	if err := json.Unmarshal(encoded, &groups); err != nil {
		return nil, command.Fail(command.ExitUntrusted, "the node's parameters: %w", err)
	}
	group, name, _ := strings.Cut(parameter, ".")
	return groups[group][name], nil
}

// parameterChange is what a transaction changes.
type parameterChange struct {
	Parameter string `json:"parameter"`
	// Old is the value for the next session without the change, New the one with it.
	Old any `json:"old"`
	New any `json:"new"`
}

func (c *parameterChange) text() string {
	return fmt.Sprintf("parameter    %s\nold          %s\nnew          %s\n", c.Parameter, valueText(c.Old), valueText(c.New))
}

// valueText shows a value as --value takes it.
func valueText(value any) string {
	switch list := value.(type) {
	case nil:
		return "unknown"
	case []string:
		return listText(list)
	case []any:
		items := make([]string, len(list))
		for i, item := range list {
			items[i] = fmt.Sprint(item)
		}
		return listText(items)
	}
	return terminal.Clean(fmt.Sprint(value))
}

func listText(items []string) string {
	if len(items) == 0 {
		return "an empty list"
	}
	return terminal.Clean(strings.Join(items, ","))
}
