package command

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Signer says where the key of an address is looked for, and which node is asked.
type Signer struct {
	Keys, PassphraseFile, Node string
}

// AddFlags adds the flags --keys, --passphrase-file and --node.
func (s *Signer) AddFlags(flags *pflag.FlagSet) {
	AddKeys(flags, &s.Keys)
	AddPassphrase(flags, &s.PassphraseFile)
	AddNode(flags, &s.Node)
}

// Open returns the node, which the caller closes, the key of an address, and the id of the node's chain. The address may be
// shortened: it is then that of a key that is at hand.
func (s *Signer) Open(ctx context.Context, io Streams, address string) (node *client.Client, key crypto.PrivateKey, chainID string, err error) {
	if node, err = OpenNode(s.Node); err != nil {
		return nil, key, "", err
	}
	status, err := node.Status(ctx)
	if err == nil {
		address, err = s.complete(io, address, status.ChainID)
	}
	if err == nil {
		key, err = signingKey(ctx, io, s.Keys, s.PassphraseFile, address, status.ChainID)
	}
	if err != nil {
		node.Close()
		return nil, key, "", err
	}
	return node, key, status.ChainID, nil
}

// complete completes a shortened address among those whose keys are at hand: the user's own, and those of a LocalNet.
func (s *Signer) complete(io Streams, address, chainID string) (string, error) {
	if !shortened(address) {
		return address, nil
	}
	store, err := OpenKeys(io, s.Keys)
	if err != nil {
		return "", err
	}
	return Complete("sign as "+address, address, "no key in "+terminal.Clean(store.Directory()), AtHand(store, address, chainID))
}

// AtHand returns the addresses that begin with a prefix and whose keys are in a store, or are those of a LocalNet's actors. What
// is wrong with the store matters when a key is opened.
func AtHand(store *keystore.Store, prefix, chainID string) Candidates {
	own, _ := store.Beginning(prefix)
	candidates := AddressesOf("a LocalNet's", localnet.FindAddresses(chainID, prefix)...)
	for _, address := range own {
		candidates[address] = "your key"
	}
	return candidates
}

// signingKey finds an address's key among the user's own, then among those of a LocalNet. An address has one key, so
// if a LocalNet's is the one, it does not matter what is wrong with the user's own.
func signingKey(ctx context.Context, io Streams, keys, passphraseFile, address, chainID string) (crypto.PrivateKey, error) {
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
