package command

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/shared/account"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// KeysVariable names the environment variable that says where the keys are.
const KeysVariable = "POCKET_KEYS"

// AddKeys adds the flag --keys, the directory of stored keys.
func AddKeys(flags *pflag.FlagSet, target *string) {
	flags.StringVar(target, "keys", "", "`DIR` of the key files (default $"+KeysVariable+" or pocket/keys in your configuration directory)")
}

// OpenKeys makes a store of the directory that the flag names, else the environment, else the default.
func OpenKeys(io Streams, flag string) (*keystore.Store, error) {
	directory := flag
	if directory == "" {
		directory = os.Getenv(KeysVariable)
	}
	if directory == "" {
		configuration, err := os.UserConfigDir()
		if err != nil {
			return nil, Fail(ExitUsage, "no directory of keys: %w; give --keys DIR or %s", err, KeysVariable)
		}
		directory = filepath.Join(configuration, "pocket", "keys")
	}
	return keystore.New(directory, io.Keys), nil
}

// OpenAccount opens the stored secp256k1 key of an address or a label with the passphrase that it needs. That there is one
// of this type is known before somebody is asked for a passphrase.
func OpenAccount(ctx context.Context, io Streams, store *keystore.Store, name, passphraseFile string) (*account.PrivateKey, error) {
	address, err := store.Resolve(name)
	if err != nil {
		return nil, err
	}
	entry, err := store.Entry(address)
	if err != nil {
		return nil, err
	}
	if err := entry.Needs(keystore.Secp256k1); err != nil {
		return nil, fmt.Errorf("%s: %w", entry.Address, err)
	}
	secret, err := Passphrase(ctx, io, passphraseFile, entry.Address)
	if err != nil {
		return nil, err
	}
	return store.Account(entry.Address, secret)
}

// OpenKey opens a stored ed25519 key with the passphrase that it needs.
func OpenKey(ctx context.Context, io Streams, store *keystore.Store, address, passphraseFile string) (crypto.PrivateKey, error) {
	secret, err := Passphrase(ctx, io, passphraseFile, address)
	if err != nil {
		return crypto.PrivateKey{}, err
	}
	return store.Key(address, secret)
}
