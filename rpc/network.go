package rpc

import (
	"fmt"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Network is what the API has to know of the network that the node's fisherman samples. The zero value stands for our own
// chain.
type Network struct {
	// Kind names it; empty for our own chain.
	Kind api.Network
	// Identifiers checks what requests name.
	Identifiers Identifiers
	// Ready returns nil when the fisherman samples, and otherwise why it does not, for people. It is asked on a network
	// without a chain; nil stands for one that always samples.
	Ready func() error
	// Groups are those that are sampled, by name; nil where there are none.
	Groups func() []api.Group
	// chainless says why there is no chain, for people; empty for a fisherman's reason.
	chainless string
}

// Identifiers are the checks of a network's identifiers, all or none: each returns an error, for people, unless the text has
// the form of one.
type Identifiers struct {
	Session, Servicer, Application, RelayChain func(string) error
}

// Endpoints is a network of groups without a chain here: lists of endpoints, and sessions of the live Pocket network. A group
// that names no network is a list of endpoints. Identifiers are printable ASCII text of 1 to 128 bytes.
func Endpoints(groups func() []api.Group, ready func() error) Network {
	return Network{
		Kind:        api.NetworkEndpoints,
		Identifiers: Identifiers{Session: validateName, Servicer: validateName, Application: validateName, RelayChain: validateName},
		Ready:       ready,
		Groups:      groups,
	}
}

// completed returns the network with the rules of our own chain in the place of what it leaves open.
func (n Network) completed() Network {
	if n.Kind == "" {
		n.Kind = api.NetworkPocket
	}
	if n.Identifiers.Session == nil {
		n.Identifiers = Identifiers{Session: short(types.ValidateSessionID), Servicer: short(types.ValidateAddress),
			Application: short(types.ValidateAddress), RelayChain: short(types.ValidateRelayChain)}
	}
	if n.Ready == nil {
		n.Ready = func() error { return nil }
	}
	if n.Groups == nil {
		n.Groups = func() []api.Group { return []api.Group{} }
	}
	return n
}

// sampled returns the groups, each with its network, and the network that all of them are of together: that of the live Pocket
// network as soon as one is.
func (n Network) sampled() (api.Network, []api.Group) {
	kind, groups := n.Kind, append([]api.Group{}, n.Groups()...)
	for i := range groups {
		if groups[i].Network == "" {
			groups[i].Network = api.NetworkEndpoints
		}
		if groups[i].Network == api.NetworkShannon {
			kind = api.NetworkShannon
		}
	}
	return kind, groups
}

// withoutChain says why there is no chain, for people.
func (n Network) withoutChain() string {
	if n.chainless != "" {
		return n.chainless
	}
	if kind, _ := n.sampled(); kind == api.NetworkShannon {
		return "this fisherman samples the live Pocket network, and is no node of it; there is no chain"
	}
	return "this fisherman samples a list of endpoints; there is no chain"
}

// of returns the network of a group.
func (n Network) of(name string) api.Network {
	_, groups := n.sampled()
	for _, group := range groups {
		if group.Name == name {
			return group.Network
		}
	}
	return n.Kind
}

// short refuses what is longer than any identifier of our own chain before its form is looked at.
func short(check func(string) error) func(string) error {
	return func(value string) error {
		if len(value) > shownBytes {
			return fmt.Errorf("%s is too long", shown(value))
		}
		return check(value)
	}
}

// validateName returns an error unless a text is printable ASCII of 1 to 128 bytes.
func validateName(name string) error {
	wrong := name == "" || len(name) > types.MaxOpaque
	for i := 0; i < len(name) && !wrong; i++ {
		wrong = name[i] < ' ' || name[i] > '~'
	}
	if wrong {
		return fmt.Errorf("%s is not 1 to %d bytes of printable ASCII", shown(name), types.MaxOpaque)
	}
	return nil
}
