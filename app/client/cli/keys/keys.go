package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// keysOrder is what a command of 'pocket keys' was told.
type keysOrder struct {
	directory, passphraseFile string
	label                     string
	address                   string
	clear, yes                bool
	output                    string
}

// New makes the command 'pocket keys'.
func New(io command.Streams) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "keys",
		Short: "Make and keep private keys, encrypted with a passphrase",
		Long: `Keeps private keys, each encrypted with a passphrase in a file of its own. A passphrase comes from --passphrase-file,
else from ` + command.PassphraseVariable + `, else from a prompt; it is never an argument. Without its passphrase a key is lost.`,
	}, newKeysCreate(io), newKeysImport(io), newKeysExport(io), newKeysList(io), newKeysDelete(io))
}

func newKeysCreate(io command.Streams) *cobra.Command {
	var order keysOrder
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a new key",
		Example: `  pocket keys create --label "first servicer"
  pocket keys create --passphrase-file passphrase.txt --output json`,
		Args: command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return createKey(cmd.Context(), io, order) },
	}
	command.AddKeys(cmd.Flags(), &order.directory)
	command.AddPassphrase(cmd.Flags(), &order.passphraseFile)
	cmd.Flags().StringVar(&order.label, "label", "", "a `NOTE` to tell the key by")
	command.AddChoice(cmd.Flags(), &order.output, "output", command.OutputTable, "form of the result", command.OutputTable, command.OutputJSON)
	return cmd
}

func createKey(ctx context.Context, io command.Streams, order keysOrder) error {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand)
	store, err := command.OpenKeys(io, order.directory)
	if err != nil {
		return err
	}
	return putKey(ctx, io, order, store, crypto.KeyFromSeed(seed))
}

// putKey stores a key under a new passphrase, and tells it.
func putKey(ctx context.Context, io command.Streams, order keysOrder, store *keystore.Store, key crypto.PrivateKey) error {
	if err := store.Admit(key.Address()); err != nil {
		return err
	}
	secret, err := command.NewPassphrase(ctx, io, order.passphraseFile, key.Address())
	if err != nil {
		return err
	}
	entry, err := store.Put(key, order.label, secret)
	if err != nil {
		return err
	}
	return newKeyView(store, entry).write(io.Out, order.output)
}

func newKeysExport(io command.Streams) *cobra.Command {
	var order keysOrder
	cmd := &cobra.Command{
		Use:   "export ADDRESS",
		Short: "Print a key as its encrypted file, or in the clear",
		Long: `Prints the encrypted file of a key, which 'pocket keys import' takes together with the key's passphrase.
With --clear it prints the private key itself, as 64 hex digits: whoever sees them owns what the key owns.`,
		Example: `  pocket keys export ADDRESS > backup.json
  pocket keys export ADDRESS --clear`,
		Args: command.OneAddress,
		RunE: func(cmd *cobra.Command, args []string) error {
			order.address = args[0]
			return exportKey(cmd.Context(), io, order)
		},
	}
	command.AddKeys(cmd.Flags(), &order.directory)
	command.AddPassphrase(cmd.Flags(), &order.passphraseFile)
	cmd.Flags().BoolVar(&order.clear, "clear", false, "print the private key itself, not encrypted")
	cmd.Flags().BoolVar(&order.yes, "yes", false, "do not ask for confirmation")
	command.AddChoice(cmd.Flags(), &order.output, "output", command.OutputTable, "form of a clear key; an encrypted one is always JSON", command.OutputTable, command.OutputJSON)
	return cmd
}

func exportKey(ctx context.Context, io command.Streams, order keysOrder) error {
	store, err := command.OpenKeys(io, order.directory)
	if err != nil {
		return err
	}
	exported, err := store.Export(order.address)
	if err != nil {
		return err
	}
	if !order.clear {
		return command.WriteText(io.Out, string(exported))
	}
	if err := confirm(ctx, io, order.yes, "The private key will be shown. Type yes to go on: ", "yes"); err != nil {
		return err
	}
	key, err := command.OpenKey(ctx, io, store, order.address, order.passphraseFile)
	if err != nil {
		return err
	}
	return newClearKey(key).write(io.Out, order.output)
}

func newKeysList(io command.Streams) *cobra.Command {
	var order keysOrder
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the keys; no passphrase is needed",
		Args:  command.NoArguments,
		RunE:  func(*cobra.Command, []string) error { return listKeys(io, order) },
	}
	command.AddKeys(cmd.Flags(), &order.directory)
	command.AddChoice(cmd.Flags(), &order.output, "output", command.OutputTable, "form of the result", command.OutputTable, command.OutputJSON)
	return cmd
}

// listKeys shows the good keys even if there are bad ones, and then fails because of those.
func listKeys(io command.Streams, order keysOrder) error {
	store, err := command.OpenKeys(io, order.directory)
	if err != nil {
		return err
	}
	entries, problems, err := store.List()
	if err != nil {
		return err
	}
	if err := newKeyList(store, entries, problems).write(io.Out, order.output); err != nil {
		return err
	}
	if len(problems) > 0 {
		return command.Fail(command.ExitKeys, "%d of %d key files cannot be used; the first: %w", len(problems), len(problems)+len(entries), problems[0].Err)
	}
	return nil
}

func newKeysDelete(io command.Streams) *cobra.Command {
	var order keysOrder
	cmd := &cobra.Command{
		Use:     "delete ADDRESS",
		Short:   "Delete a key for ever",
		Example: "  pocket keys delete ADDRESS",
		Args:    command.OneAddress,
		RunE: func(cmd *cobra.Command, args []string) error {
			order.address = args[0]
			return deleteKey(cmd.Context(), io, order)
		},
	}
	command.AddKeys(cmd.Flags(), &order.directory)
	cmd.Flags().BoolVar(&order.yes, "yes", false, "do not ask for the address again")
	command.AddChoice(cmd.Flags(), &order.output, "output", command.OutputTable, "form of the result", command.OutputTable, command.OutputJSON)
	return cmd
}

// deleteKey deletes a key file even if it is damaged: that is how one gets rid of it.
func deleteKey(ctx context.Context, io command.Streams, order keysOrder) error {
	store, err := command.OpenKeys(io, order.directory)
	if err != nil {
		return err
	}
	if _, err := store.Entry(order.address); errors.Is(err, keystore.ErrUnknownKey) {
		return err
	}
	if err := confirm(ctx, io, order.yes, "The key will be gone for ever. Type its address again: ", order.address); err != nil {
		return err
	}
	if err := store.Delete(order.address); err != nil {
		return err
	}
	if order.output == command.OutputJSON {
		return command.WriteJSON(io.Out, map[string]any{"address": order.address, "deleted": true})
	}
	return command.WriteText(io.Out, fmt.Sprintf("deleted the key of %s\n", order.address))
}
