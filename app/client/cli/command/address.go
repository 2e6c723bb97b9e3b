package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/account"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// shownCandidates bounds how many addresses are named when one was shortened too much.
	shownCandidates = 5
	// askedCandidates bounds how many of them a node is asked for.
	askedCandidates = 100
)

// AddAddress adds a flag for an address, or the first 8 digits of one or more, which the command completes. Check finds a whole
// address valid.
func AddAddress(flags *pflag.FlagSet, target *string, name string, check func(string) error, usage string) {
	AddChecked(flags, target, name, "ADDRESS", OrPrefix(check), usage+", or its first 8 digits or more")
}

// OrPrefix returns a check that also takes the beginning of an address of our own chain.
func OrPrefix(check func(string) error) func(string) error {
	return func(address string) error {
		if types.IsAddressPrefix(address) {
			return nil
		}
		if err := check(address); err != nil {
			return fmt.Errorf("%w, or the first 8 of them or more", err)
		}
		return nil
	}
}

// OrAccountPrefix returns a check that also takes the beginning of an address of the live Pocket network.
func OrAccountPrefix(check func(string) error) func(string) error {
	return func(address string) error {
		if account.IsPrefix(address) {
			return nil
		}
		return check(address)
	}
}

// shortened reports whether a text may be the beginning of an address, of either kind, and is no whole one.
func shortened(text string) bool {
	return types.IsAddressPrefix(text) || account.IsPrefix(text)
}

// Candidates are the addresses that a shortened one may stand for, each with what it is, for people.
type Candidates map[string]string

// AddressesOf returns candidates of a list: what each of them is.
func AddressesOf(what string, addresses ...string) Candidates {
	found := make(Candidates, len(addresses))
	for _, address := range addresses {
		found[address] = what
	}
	return found
}

// Complete returns the whole address that a shortened one stands for among candidates. What is not shortened is returned as it
// is, and so is what is itself a candidate. Where names what the text was given for, as in "--from", and whom says whom the
// candidates are of, as in "no key in DIR". Errors: one with ExitUsage if there are several, with ExitNotFound if there is none.
func Complete(where, given, whom string, candidates Candidates) (string, error) {
	if _, whole := candidates[given]; whole || !shortened(given) {
		return given, nil
	}
	fitting := slices.DeleteFunc(slices.Sorted(maps.Keys(candidates)), func(a string) bool { return !strings.HasPrefix(a, given) })
	switch len(fitting) {
	case 1:
		return fitting[0], nil
	case 0:
		return "", Fail(ExitNotFound, "%s: %s has an address that begins with %s", where, whom, given)
	}
	var shown []string
	for _, address := range fitting[:min(shownCandidates, len(fitting))] {
		if what := candidates[address]; what != "" {
			address += " (" + what + ")"
		}
		shown = append(shown, terminal.Clean(address))
	}
	more := ""
	if rest := len(fitting) - len(shown); rest > 0 {
		more = fmt.Sprintf(" and %d more", rest)
	}
	return "", Fail(ExitUsage, "%s: %s begins several addresses: %s%s; give more digits", where, given, strings.Join(shown, ", "), more)
}

// CompleteAddress returns the whole address that a shortened one stands for among those of a role that a node knows; an empty
// role stands for all. What is not shortened is returned without asking anybody.
func CompleteAddress(ctx context.Context, node *client.Client, where, given string, role api.AddressRole) (string, error) {
	if !shortened(given) {
		return given, nil
	}
	candidates, err := KnownTo(ctx, node, given, role)
	if err != nil {
		return "", fmt.Errorf("%s: complete %s: %w", where, given, err)
	}
	if len(candidates) == 0 {
		// Names of targets may look like anything: those that the node has not heard of yet are its to judge.
		if status, err := node.Status(ctx); err == nil && status.Network != api.NetworkPocket && !account.IsPrefix(given) {
			return given, nil
		}
	}
	whom := "nobody known to the node at " + node.URL()
	if role != "" {
		whom = fmt.Sprintf("no %s known to the node at %s", role, node.URL())
	}
	return Complete(where, given, whom, candidates)
}

// KnownTo returns the addresses that a node knows, of a role, or of all with an empty one, that begin with a prefix.
func KnownTo(ctx context.Context, node *client.Client, prefix string, role api.AddressRole) (Candidates, error) {
	found, err := node.Addresses(ctx, prefix, role, askedCandidates)
	if refused, is := errors.AsType[*client.Error](err); is && refused.Code == api.ErrorCodeUnknownPath {
		return nil, errors.New("the node is of an earlier version, which completes no address; give the whole one")
	}
	candidates := make(Candidates, len(found.Addresses))
	for _, known := range found.Addresses {
		candidates[known.Address] = describe(known)
	}
	return candidates, err
}

// CompleteAnybody returns the whole address that a shortened one stands for among all that a node knows, the user's own keys in
// the default directory and the actors of a LocalNet.
func CompleteAnybody(ctx context.Context, io Streams, node *client.Client, where, given string) (string, error) {
	if !shortened(given) {
		return given, nil
	}
	store, err := OpenKeys(io, "")
	if err != nil {
		return "", err
	}
	candidates, err := Anybody(ctx, store, node, given)
	if err != nil {
		return "", fmt.Errorf("%s: complete %s: %w", where, given, err)
	}
	return Complete(where, given, "nobody known to the node at "+node.URL()+", and no key of yours,", candidates)
}

// Anybody returns the addresses that begin with a prefix of all that a node knows, of a store's keys, and of the actors of a
// LocalNet.
func Anybody(ctx context.Context, store *keystore.Store, node *client.Client, prefix string) (Candidates, error) {
	status, err := node.Status(ctx)
	if err != nil {
		return nil, err
	}
	known, err := KnownTo(ctx, node, prefix, "")
	if err != nil {
		return nil, err
	}
	candidates := AtHand(store, prefix, status.ChainID)
	maps.Copy(candidates, known)
	return candidates, nil
}
