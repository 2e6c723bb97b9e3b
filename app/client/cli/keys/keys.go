package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// options are what a command of 'pocket keys' was told.
type options struct {
	directory, passphraseFile string
	label                     string
	// name is an address or a label.
	name       string
	clear, yes bool
	output     string
}

// New makes the command 'pocket keys'.
func New(io command.Streams) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "keys",
		Short: "Make and keep private keys, encrypted with a passphrase",
		Long: `Keeps private keys, each encrypted with a passphrase in a file of its own. A passphrase comes from --passphrase-file,
else from ` + command.PassphraseVariable + `, else from a prompt; it is never an argument. Without its passphrase a key is lost.
Keys of our own chain are ed25519; keys of the live Pocket network are secp256k1, and are taken in with 'import --secp256k1'.
Where a command takes the ADDRESS of a key, the label of a single key will do, too, and so will the first 8 digits of its
address or more.`,
	}, newCreate(io), newImport(io), newExport(io), newList(io), newDelete(io), newShow(io))
}

func newCreate(io command.Streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a new key",
		Example: `  pocket keys create --label "first servicer"
  pocket keys create --passphrase-file passphrase.txt --output json`,
		Args: command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return createKey(cmd.Context(), io, o) },
	}
	command.AddKeys(cmd.Flags(), &o.directory)
	command.AddPassphrase(cmd.Flags(), &o.passphraseFile)
	cmd.Flags().StringVar(&o.label, "label", "", "a `NOTE` to tell the key by")
	command.AddOutput(cmd.Flags(), &o.output)
	return cmd
}

func createKey(ctx context.Context, io command.Streams, o options) error {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand)
	store, err := command.OpenKeys(io, o.directory)
	if err != nil {
		return err
	}
	return putKey(ctx, io, o, store, crypto.KeyFromSeed(seed))
}

// putKey stores an ed25519 key under a new passphrase, and shows what is public of it.
func putKey(ctx context.Context, io command.Streams, o options, store *keystore.Store, key crypto.PrivateKey) error {
	return put(ctx, io, o, store, key.Address(), func(passphrase string) (keystore.Entry, error) {
		return store.Put(key, o.label, passphrase)
	})
}

// put stores a key of an address by a function, under a new passphrase, and shows what is public of it.
func put(ctx context.Context, io command.Streams, o options, store *keystore.Store, address string, by func(passphrase string) (keystore.Entry, error)) error {
	if err := store.Admit(address); err != nil {
		return err
	}
	secret, err := command.NewPassphrase(ctx, io, o.passphraseFile, address)
	if err != nil {
		return err
	}
	entry, err := by(secret)
	if err != nil {
		return err
	}
	view := newKeyView(store, entry)
	return command.WriteResult(io.Out, o.output, view, view.text)
}

func newExport(io command.Streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "export ADDRESS",
		Short: "Print a key as its encrypted file, or in the clear",
		Long: `Prints the encrypted file of a key, which 'pocket keys import' takes together with the key's passphrase.
With --clear it prints the private key itself, as 64 hex digits: anybody who sees them owns what the key owns. Those of a
secp256k1 key are what 'pocket keys import --secp256k1' takes.`,
		Example: `  pocket keys export ADDRESS > backup.json
  pocket keys export ADDRESS --clear`,
		Args: command.OneArgument("ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			return exportKey(cmd.Context(), io, o)
		},
	}
	command.AddKeys(cmd.Flags(), &o.directory)
	command.AddPassphrase(cmd.Flags(), &o.passphraseFile)
	cmd.Flags().BoolVar(&o.clear, "clear", false, "print the private key itself, not encrypted")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
	command.AddChoice(cmd.Flags(), &o.output, "output", command.OutputTable, "form of a clear key; an encrypted one is always JSON", command.OutputTable, command.OutputJSON)
	return cmd
}

func exportKey(ctx context.Context, io command.Streams, o options) error {
	store, err := command.OpenKeys(io, o.directory)
	if err != nil {
		return err
	}
	address, err := resolve(store, o.name)
	if err != nil {
		return err
	}
	exported, err := store.Export(address)
	if err != nil {
		return err
	}
	if !o.clear {
		return command.WriteText(io.Out, string(exported))
	}
	if err := confirm(ctx, io, o.yes, "The private key will be shown. Type yes to go on: ", "yes"); err != nil {
		return err
	}
	return exportClear(ctx, io, o, store, address)
}

func exportClear(ctx context.Context, io command.Streams, o options, store *keystore.Store, address string) error {
	entry, err := store.Entry(address)
	if err != nil {
		return err
	}
	if entry.Type == keystore.Secp256k1 {
		key, err := command.OpenAccount(ctx, io, store, address, o.passphraseFile)
		if err != nil {
			return err
		}
		shown := newClearAccount(key)
		return command.WriteResult(io.Out, o.output, shown, shown.text)
	}
	key, err := command.OpenKey(ctx, io, store, address, o.passphraseFile)
	if err != nil {
		return err
	}
	shown := newClearKey(key)
	return command.WriteResult(io.Out, o.output, shown, shown.text)
}

func newList(io command.Streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the keys; no passphrase is needed",
		Args:  command.NoArguments,
		RunE:  func(*cobra.Command, []string) error { return listKeys(io, o) },
	}
	command.AddKeys(cmd.Flags(), &o.directory)
	command.AddTable(cmd.Flags(), &o.output)
	return cmd
}

// listKeys shows the good keys even if there are bad ones, and then fails because of those.
func listKeys(io command.Streams, o options) error {
	store, err := command.OpenKeys(io, o.directory)
	if err != nil {
		return err
	}
	entries, problems, err := store.List()
	if err != nil {
		return err
	}
	list := newKeyList(store, entries, problems)
	if err := command.WriteResult(io.Out, o.output, list, list.text, list.rows); err != nil {
		return err
	}
	if len(problems) > 0 {
		return command.Fail(command.ExitKeys, "%d of %d key files cannot be used; the first: %w", len(problems), len(problems)+len(entries), problems[0].Err)
	}
	return nil
}

func newShow(io command.Streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:     "show ADDRESS",
		Short:   "Show what is public of a key; no passphrase is needed",
		Example: "  pocket keys show watcher",
		Args:    command.OneArgument("ADDRESS"),
		RunE: func(_ *cobra.Command, args []string) error {
			o.name = args[0]
			return showKey(io, o)
		},
	}
	command.AddKeys(cmd.Flags(), &o.directory)
	command.AddOutput(cmd.Flags(), &o.output)
	return cmd
}

func showKey(io command.Streams, o options) error {
	store, err := command.OpenKeys(io, o.directory)
	if err != nil {
		return err
	}
	address, err := resolve(store, o.name)
	if err != nil {
		return err
	}
	entry, err := store.Entry(address)
	if err != nil {
		return err
	}
	view := newKeyView(store, entry)
	return command.WriteResult(io.Out, o.output, view, view.text)
}

// resolve returns the address of an argument. One that is neither an address nor a label is a mistake in the command line.
func resolve(store *keystore.Store, name string) (string, error) {
	address, err := store.Resolve(name)
	if errors.Is(err, keystore.ErrUnknownKey) {
		return "", command.Fail(command.ExitUsage, "ADDRESS: %w", err)
	}
	return address, err
}

func newDelete(io command.Streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:     "delete ADDRESS",
		Short:   "Delete a key for ever",
		Example: "  pocket keys delete ADDRESS",
		Args:    command.OneArgument("ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			return deleteKey(cmd.Context(), io, o)
		},
	}
	command.AddKeys(cmd.Flags(), &o.directory)
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask for the address again")
	command.AddOutput(cmd.Flags(), &o.output)
	return cmd
}

// deleteKey deletes a key file even if it is damaged: that is how one gets rid of it.
func deleteKey(ctx context.Context, io command.Streams, o options) error {
	store, err := command.OpenKeys(io, o.directory)
	if err != nil {
		return err
	}
	address, err := resolve(store, o.name)
	if err != nil {
		return err
	}
	if _, err := store.Entry(address); errors.Is(err, keystore.ErrUnknownKey) {
		return err
	}
	if err := confirm(ctx, io, o.yes, "The key will be gone for ever. Type its address again: ", address); err != nil {
		return err
	}
	if err := store.Delete(address); err != nil {
		return err
	}
	return command.WriteResult(io.Out, o.output, map[string]any{"address": address, "deleted": true},
		func() string { return fmt.Sprintf("deleted the key of %s\n", address) })
}

// confirm asks a person to type a word, unless that was declined beforehand with --yes.
func confirm(ctx context.Context, io command.Streams, yes bool, question, word string) error {
	if yes {
		return nil
	}
	asked, err := terminal.OpenPrompt(io.In, io.Err)
	if err != nil {
		return command.Fail(command.ExitUsage, "%w for confirmation; give --yes", err)
	}
	defer asked.Close()
	line, err := asked.Line(ctx, question)
	if err != nil {
		return err
	}
	if strings.TrimSpace(line) != word {
		return command.Fail(command.ExitUsage, "not confirmed: wanted %q; nothing was done", word)
	}
	return nil
}
