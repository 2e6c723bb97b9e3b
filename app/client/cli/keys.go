package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// keysVariable names the environment variable that says where the keys are.
const keysVariable = "POCKET_KEYS"

// keysOrder is what a command of 'pocket keys' was told.
type keysOrder struct {
	directory, passphraseFile string
	label                     string
	address                   string
	clear, yes                bool
	output                    string
}

func newKeys(io streams) *cobra.Command {
	return group(&cobra.Command{
		Use:   "keys",
		Short: "Make and keep private keys, encrypted with a passphrase",
		Long: `Keeps private keys, each encrypted with a passphrase in a file of its own. A passphrase comes from --passphrase-file,
else from ` + passphraseVariable + `, else from a prompt; it is never an argument. Without its passphrase a key is lost.`,
	}, newKeysCreate(io), newKeysImport(io), newKeysExport(io), newKeysList(io), newKeysDelete(io))
}

func addKeys(flags *pflag.FlagSet, target *string) {
	flags.StringVar(target, "keys", "", "`DIR` of the key files (default $"+keysVariable+" or pocket/keys in your configuration directory)")
}

// openKeys makes a store of the directory that the flag names, else the environment, else the default.
func openKeys(io streams, flag string) (*keystore.Store, error) {
	directory := flag
	if directory == "" {
		directory = os.Getenv(keysVariable)
	}
	if directory == "" {
		configuration, err := os.UserConfigDir()
		if err != nil {
			return nil, fail(ExitUsage, "no directory of keys: %w; give --keys DIR or %s", err, keysVariable)
		}
		directory = filepath.Join(configuration, "pocket", "keys")
	}
	return keystore.New(directory, io.keys), nil
}

// openKey opens a stored key with the passphrase that it needs.
func openKey(ctx context.Context, io streams, store *keystore.Store, address, passphraseFile string) (crypto.PrivateKey, error) {
	secret, err := passphrase(ctx, io, passphraseFile, address)
	if err != nil {
		return crypto.PrivateKey{}, err
	}
	return store.Key(address, secret)
}

func newKeysCreate(io streams) *cobra.Command {
	var order keysOrder
	command := &cobra.Command{
		Use:   "create",
		Short: "Make a new key",
		Example: `  pocket keys create --label "first servicer"
  pocket keys create --passphrase-file passphrase.txt --output json`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error { return createKey(command.Context(), io, order) },
	}
	addKeys(command.Flags(), &order.directory)
	addPassphrase(command.Flags(), &order.passphraseFile)
	command.Flags().StringVar(&order.label, "label", "", "a `NOTE` to tell the key by")
	addChoice(command.Flags(), &order.output, "output", outputTable, "form of the result", outputTable, outputJSON)
	return command
}

func createKey(ctx context.Context, io streams, order keysOrder) error {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand)
	store, err := openKeys(io, order.directory)
	if err != nil {
		return err
	}
	return putKey(ctx, io, order, store, crypto.KeyFromSeed(seed))
}

// putKey stores a key under a new passphrase, and tells it.
func putKey(ctx context.Context, io streams, order keysOrder, store *keystore.Store, key crypto.PrivateKey) error {
	if err := store.Admit(key.Address()); err != nil {
		return err
	}
	secret, err := newPassphrase(ctx, io, order.passphraseFile, key.Address())
	if err != nil {
		return err
	}
	entry, err := store.Put(key, order.label, secret)
	if err != nil {
		return err
	}
	return newKeyView(store, entry).write(io.out, order.output)
}

func newKeysExport(io streams) *cobra.Command {
	var order keysOrder
	command := &cobra.Command{
		Use:   "export ADDRESS",
		Short: "Print a key as its encrypted file, or in the clear",
		Long: `Prints the encrypted file of a key, which 'pocket keys import' takes together with the key's passphrase.
With --clear it prints the private key itself, as 64 hex digits: whoever sees them owns what the key owns.`,
		Example: `  pocket keys export ADDRESS > backup.json
  pocket keys export ADDRESS --clear`,
		Args: oneAddress,
		RunE: func(command *cobra.Command, args []string) error {
			order.address = args[0]
			return exportKey(command.Context(), io, order)
		},
	}
	addKeys(command.Flags(), &order.directory)
	addPassphrase(command.Flags(), &order.passphraseFile)
	command.Flags().BoolVar(&order.clear, "clear", false, "print the private key itself, not encrypted")
	command.Flags().BoolVar(&order.yes, "yes", false, "do not ask for confirmation")
	addChoice(command.Flags(), &order.output, "output", outputTable, "form of a clear key; an encrypted one is always JSON", outputTable, outputJSON)
	return command
}

func exportKey(ctx context.Context, io streams, order keysOrder) error {
	store, err := openKeys(io, order.directory)
	if err != nil {
		return err
	}
	exported, err := store.Export(order.address)
	if err != nil {
		return err
	}
	if !order.clear {
		return writeText(io.out, string(exported))
	}
	if err := confirm(ctx, io, order.yes, "The private key will be shown. Type yes to go on: ", "yes"); err != nil {
		return err
	}
	key, err := openKey(ctx, io, store, order.address, order.passphraseFile)
	if err != nil {
		return err
	}
	return newClearKey(key).write(io.out, order.output)
}

func newKeysList(io streams) *cobra.Command {
	var order keysOrder
	command := &cobra.Command{
		Use:   "list",
		Short: "List the keys; no passphrase is needed",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return listKeys(io, order) },
	}
	addKeys(command.Flags(), &order.directory)
	addChoice(command.Flags(), &order.output, "output", outputTable, "form of the result", outputTable, outputJSON)
	return command
}

// listKeys shows the good keys even if there are bad ones, and then fails because of those.
func listKeys(io streams, order keysOrder) error {
	store, err := openKeys(io, order.directory)
	if err != nil {
		return err
	}
	entries, problems, err := store.List()
	if err != nil {
		return err
	}
	if err := newKeyList(store, entries, problems).write(io.out, order.output); err != nil {
		return err
	}
	if len(problems) > 0 {
		return fail(ExitKeys, "%d of %d key files cannot be used; the first: %w", len(problems), len(problems)+len(entries), problems[0].Err)
	}
	return nil
}

func newKeysDelete(io streams) *cobra.Command {
	var order keysOrder
	command := &cobra.Command{
		Use:     "delete ADDRESS",
		Short:   "Delete a key for ever",
		Example: "  pocket keys delete ADDRESS",
		Args:    oneAddress,
		RunE: func(command *cobra.Command, args []string) error {
			order.address = args[0]
			return deleteKey(command.Context(), io, order)
		},
	}
	addKeys(command.Flags(), &order.directory)
	command.Flags().BoolVar(&order.yes, "yes", false, "do not ask for the address again")
	addChoice(command.Flags(), &order.output, "output", outputTable, "form of the result", outputTable, outputJSON)
	return command
}

// deleteKey deletes a key file even if it is damaged: that is how one gets rid of it.
func deleteKey(ctx context.Context, io streams, order keysOrder) error {
	store, err := openKeys(io, order.directory)
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
	if order.output == outputJSON {
		return writeJSON(io.out, map[string]any{"address": order.address, "deleted": true})
	}
	return writeText(io.out, fmt.Sprintf("deleted the key of %s\n", order.address))
}
