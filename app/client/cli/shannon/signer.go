package shannon

import (
	"context"
	"fmt"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// checkSigner refuses a key itself, which others could see and which errors would repeat.
func checkSigner(name string) error {
	if command.LooksLikeKey(name) {
		return command.RefuseKey()
	}
	return nil
}

// findSigner returns the address of the signer's key in the keystore, which has to be one of the live network.
func findSigner(io command.Streams, a *access) (string, error) {
	store, err := command.OpenKeys(io, a.keys)
	if err != nil {
		return "", err
	}
	address, err := store.Resolve(a.signer)
	if err != nil {
		return "", err
	}
	entry, err := store.Entry(address)
	if err != nil {
		return "", err
	}
	if err := entry.Needs(keystore.Secp256k1); err != nil {
		return "", fmt.Errorf("%s: %w", entry.Address, err)
	}
	return entry.Address, nil
}

// openSigner opens the signer's key, which somebody may be asked a passphrase for.
func openSigner(ctx context.Context, io command.Streams, a *access) (*protocol.PrivateKey, error) {
	store, err := command.OpenKeys(io, a.keys)
	if err != nil {
		return nil, err
	}
	return command.OpenAccount(ctx, io, store, a.signer, a.passphraseFile)
}
