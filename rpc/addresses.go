package rpc

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// defaultAddresses is how many addresses GET /v1/addresses answers when it is not told; maximumAddresses is the most.
	defaultAddresses = 20
	maximumAddresses = 100
)

// AddressFinder finds addresses in the state after the block at a height. Errors on which the server decides:
// modules.ErrHeightUnavailable.
type AddressFinder interface {
	// Addresses returns those that begin with a prefix, ordered, at most limit: of a role, or with
	// ActorType_ACTOR_TYPE_UNSPECIFIED those that have an account.
	Addresses(ctx context.Context, height int64, role types.ActorType, prefix string, limit int) ([]string, error)
}

// addressRoles are the roles of addresses, in the order in which an address has them.
var addressRoles = []api.AddressRole{api.AddressRoleApplication, api.AddressRoleServicer, api.AddressRoleFisherman, api.AddressRoleValidator,
	api.AddressRoleAccount}

// addresses answers which addresses begin with a prefix, of the chain and of what the fisherman sampled.
func (s *Server) addresses(ctx context.Context, parameters query) (any, error) {
	prefix, err := parameters.optional("prefix", validateName)
	if err != nil {
		return nil, err
	}
	limit, err := parameters.integer("limit", 1, maximumAddresses, defaultAddresses)
	if err != nil {
		return nil, err
	}
	wanted := addressRoles
	if role, given := parameters["role"]; given {
		if !slices.Contains(addressRoles, api.AddressRole(role)) {
			return nil, badParameter("role: %s is not one of application, servicer, fisherman, validator, account", shown(role))
		}
		wanted = []api.AddressRole{api.AddressRole(role)}
	}
	if err := s.begun(); err != nil {
		return nil, err
	}
	found, err := s.findAddresses(ctx, wanted, prefix, int(limit)+1)
	if err != nil {
		return nil, err
	}
	return viewAddresses(found, int(limit)), nil
}

// findAddresses returns the roles of addresses: the first few of each role.
func (s *Server) findAddresses(ctx context.Context, wanted []api.AddressRole, prefix string, most int) (map[string][]api.AddressRole, error) {
	var sampled samples.Members
	if s.readers.Members != nil {
		var err error
		if sampled, err = s.readers.Members(ctx, prefix, most); err != nil {
			return nil, fmt.Errorf("read whom the fisherman sampled: %w", err)
		}
	}
	found := make(map[string][]api.AddressRole)
	for _, role := range wanted {
		names := map[api.AddressRole][]string{api.AddressRoleServicer: sampled.Servicers, api.AddressRoleApplication: sampled.Applications}[role]
		if s.readers.Addresses != nil {
			actorType, _ := types.ParseActorType(string(role)) // none for an account
			onChain, err := s.readers.Addresses.Addresses(ctx, s.readers.Chain.Height(), actorType, prefix, most)
			if err != nil {
				return nil, err
			}
			names = append(slices.Clone(names), onChain...)
		}
		for _, name := range names {
			if !slices.Contains(found[name], role) {
				found[name] = append(found[name], role)
			}
		}
	}
	return found, nil
}

// viewAddresses shows the first addresses.
func viewAddresses(found map[string][]api.AddressRole, limit int) api.Addresses {
	view := api.Addresses{Addresses: []api.KnownAddress{}, More: len(found) > limit}
	for _, address := range slices.Sorted(maps.Keys(found)) {
		if len(view.Addresses) == limit {
			break
		}
		view.Addresses = append(view.Addresses, api.KnownAddress{Address: address, Roles: found[address]})
	}
	return view
}
