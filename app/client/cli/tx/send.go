package tx

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func newSend(io command.Streams) *cobra.Command {
	var recipient string
	var amount uint64
	cmd := txCommand(io, &cobra.Command{
		Use:   "send",
		Short: "Send uPOKT to an account",
		Long: `Sends uPOKT to an account. The recipient's address may be shortened to its first 8 digits or more if exactly one address
that anybody has begins so, and if it is that of a staked actor, or of a key of yours. Accounts of others need the whole
address: anybody can make one whose first digits are as somebody wants. The whole address is written to standard error
before the transaction is signed.`,
		Example: "  pocket tx send --from ADDRESS --to ADDRESS --amount 1000000 --wait",
	}, []string{"to", "amount"}, func(ctx context.Context, node *client.Client, o *options) (*types.Transaction, error) {
		whole, note, err := completeRecipient(ctx, io, node, o, "--to", recipient)
		if err == nil {
			err = command.WriteText(io.Err, note)
		}
		if err != nil {
			return nil, err
		}
		return &types.Transaction{Message: &types.Transaction_Send{
			Send: &types.Send{Recipient: whole, AmountUpokt: amount}}}, nil
	})
	command.AddAddress(cmd.Flags(), &recipient, "to", types.ValidateAddress, "the account that receives it")
	command.AddNumber(cmd.Flags(), &amount, "amount", 0, 1, math.MaxInt64, "the amount in uPOKT")
	return cmd
}

// completeRecipient completes the shortened address of somebody who is given something. That somebody is a staked actor or has a
// key of the user's: a look-alike of an account that nobody has heard of yet costs some hours of computing, a look-alike of an
// actor makes the beginning ambiguous. The note says who it is; empty for a whole address, it is shown before anything is signed.
func completeRecipient(ctx context.Context, io command.Streams, node *client.Client, o *options, where, given string) (whole, note string, err error) {
	store, err := command.OpenKeys(io, o.signer.Keys)
	if err != nil {
		return "", "", err
	}
	if !types.IsAddressPrefix(given) {
		return given, "", nil
	}
	candidates, err := command.Anybody(ctx, store, node, given)
	if err != nil {
		return "", "", fmt.Errorf("%s: complete %s: %w", where, given, err)
	}
	whole, err = command.Complete(where, given, "nobody known to the node at "+node.URL()+", and no key of yours,", candidates)
	if err != nil {
		return "", "", err
	}
	own, err := store.Beginning(given)
	if candidates[whole] == string(api.AddressRoleAccount) && !(err == nil && slices.Contains(own, whole)) {
		return "", "", command.Fail(command.ExitUsage, "%s: %s begins the address of an account that is neither staked nor yours; give the whole address if it is meant: %s",
			where, given, whole)
	}
	return whole, fmt.Sprintf("%s %s is %s (%s)\n", strings.TrimPrefix(where, "--"), given, whole, terminal.Clean(candidates[whole])), nil
}
