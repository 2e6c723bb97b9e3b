package command

import (
	"context"
	"errors"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// SigningKey finds an address's key among the user's own, then among those of a LocalNet. An address has one key, so
// if a LocalNet's is the one, it does not matter what is wrong with the user's own.
func SigningKey(ctx context.Context, io Streams, keys, passphraseFile, address, chainID string) (crypto.PrivateKey, error) {
	store, err := OpenKeys(io, keys)
	if err == nil {
		_, err = store.Entry(address)
	}
	wellKnown, isWellKnown := localnet.FindKey(chainID, address)
	switch {
	case err == nil:
		return OpenKey(ctx, io, store, address, passphraseFile)
	case isWellKnown:
		return wellKnown, nil
	case errors.Is(err, keystore.ErrUnknownKey):
		return crypto.PrivateKey{}, noKey(chainID, address, store.Directory())
	}
	return crypto.PrivateKey{}, err
}

// noKey says why an address cannot be signed for.
func noKey(chainID, address, directory string) error {
	if _, isLocalnet := localnet.SeedOf(chainID); isLocalnet {
		return Fail(ExitNotFound, "no key of %s in %s, and it is none of the actors that LocalNet %s was made with; see 'pocket query actors'",
			address, directory, chainID)
	}
	return Fail(ExitNotFound, "no key of %s in %s; see 'pocket keys list'", address, directory)
}
