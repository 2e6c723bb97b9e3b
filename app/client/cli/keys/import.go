package keys

import (
	"bytes"
	"context"
	"encoding/hex"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

func newImport(io command.Streams) *cobra.Command {
	var o options
	var from source
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Take in a key: an encrypted export, or a clear key",
		Long: `Takes in a key from FILE, or from standard input if FILE is -. What it holds is found out by itself:
  the output of 'pocket keys export', which keeps the passphrase and the label that it was exported with, or
  a clear key, the 64 hex digits of an ed25519 seed, which gets a new passphrase.
With --secp256k1 it takes in a clear key of the live Pocket network, the 64 hex digits that 'pocketd keys export NAME
--unarmored-hex --unsafe' prints, which gets a new passphrase, too: from --file, from --env, else from a prompt that does not
show them.
A key itself is never an argument: other users of the machine could see it.`,
		Example: `  pocket keys import backup.json
  pocket keys import - --label "old servicer" < seed.txt
  pocket keys import --secp256k1 --label watcher`,
		Args: func(cmd *cobra.Command, args []string) error { return from.check(cmd, args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if from.secp256k1 {
				return importAccount(cmd.Context(), io, o, from)
			}
			return importKey(cmd.Context(), io, o, args[0])
		},
	}
	from.add(cmd.Flags())
	command.AddKeys(cmd.Flags(), &o.directory)
	command.AddPassphrase(cmd.Flags(), &o.passphraseFile)
	cmd.Flags().StringVar(&o.label, "label", "", "a `NOTE` to tell a clear key by")
	command.AddOutput(cmd.Flags(), &o.output)
	return cmd
}

func importKey(ctx context.Context, io command.Streams, o options, path string) error {
	content, err := readKey(io, path)
	if err != nil {
		return command.Fail(command.ExitUsage, "%w", err)
	}
	store, err := command.OpenKeys(io, o.directory)
	if err != nil {
		return err
	}
	if clear := bytes.TrimSpace(content); isClearKey(clear) {
		var seed [32]byte
		if _, err := hex.Decode(seed[:], clear); err != nil {
			return command.Fail(command.ExitUsage, "%s is no clear key", path)
		}
		return putKey(ctx, io, o, store, crypto.KeyFromSeed(seed))
	}
	entry, err := keystore.Inspect(content)
	if err != nil {
		return command.Fail(command.ExitKeys, "%s is neither an encrypted export nor a clear key of 64 lower-case hex digits: %w", path, err)
	}
	if o.label != "" {
		return command.Fail(command.ExitUsage, "--label is for clear keys; this export has the label %q", entry.Label)
	}
	return importExport(ctx, io, o, store, content, entry.Address)
}

// readKey reads a file or standard input.
func readKey(io command.Streams, path string) ([]byte, error) {
	if path == "-" {
		return command.ReadAll(io.In, "standard input", keystore.MaximumFileSize)
	}
	return command.ReadFile(path, keystore.MaximumFileSize)
}

// isClearKey reports whether a text is an ed25519 seed, which has the form of a public key.
func isClearKey(text []byte) bool { return types.ValidatePublicKey(string(text)) == nil }

func importExport(ctx context.Context, io command.Streams, o options, store *keystore.Store, content []byte, address string) error {
	if err := store.Admit(address); err != nil {
		return err
	}
	secret, err := command.Passphrase(ctx, io, o.passphraseFile, address)
	if err != nil {
		return err
	}
	entry, err := store.Import(content, secret)
	if err != nil {
		return err
	}
	view := newKeyView(store, entry)
	return command.WriteResult(io.Out, o.output, view, view.text)
}
