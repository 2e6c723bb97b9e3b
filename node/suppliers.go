package node

import (
	"reflect"
	"slices"
	"sync"

	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// suppliers are the groups of the live Pocket network.
type suppliers struct {
	mu     sync.Mutex
	groups []groups.Group
	// networks of the groups, by name; nil until they are made, fixed then.
	networks map[string]*shannon.Network
}

func newSuppliers(configured []groups.Group) *suppliers {
	s := &suppliers{groups: groups.OfSuppliers(configured), networks: make(map[string]*shannon.Network)}
	for _, group := range s.groups {
		s.networks[group.Name] = nil
	}
	return s
}

// current returns the groups as they were configured last, as far as that is in effect or will be with the next session.
func (s *suppliers) current() []groups.Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.groups)
}

// Replace has other groups sampled from their next sessions on. It returns the names of groups of the live Pocket network
// whose changes need a restart, and are not made: those that are new or gone, and those of which more changes than limits,
// questions, and what verdicts are judged by.
func (e *Endpoints) Replace(replaced []groups.Group) (restart []string) {
	named := make(map[string]groups.Group)
	for _, group := range groups.OfSuppliers(replaced) {
		named[group.Name] = group
	}
	e.network.Replace(slices.DeleteFunc(groups.OfTargets(replaced), func(group groups.Group) bool { return e.isShannon(group.Name) }))
	e.suppliers.mu.Lock()
	defer e.suppliers.mu.Unlock()
	for i, running := range e.suppliers.groups {
		updated, still := named[running.Name]
		switch {
		case still && reflect.DeepEqual(running, updated):
		case still && sameSessions(running, updated) && e.replaceSuppliers(updated) == nil:
			e.suppliers.groups[i] = updated
		default:
			restart = append(restart, running.Name)
		}
	}
	for _, group := range groups.OfSuppliers(replaced) {
		if !e.isShannon(group.Name) {
			restart = append(restart, group.Name)
		}
	}
	return restart
}

func (e *Endpoints) replaceSuppliers(updated groups.Group) error {
	made, err := e.shannonGroup(updated)
	if err != nil {
		return err
	}
	return e.suppliers.networks[updated.Name].Replace([]shannon.Group{made})
}

// sameSessions reports whether two groups are of the same sessions, read at the same nodes, with the same signer.
func sameSessions(a, b groups.Group) bool {
	one, other := *a.Shannon, *b.Shannon
	one.MaxUpoktPerSession, one.MaxUpoktPerDay, other.MaxUpoktPerSession, other.MaxUpoktPerDay = 0, 0, 0, 0
	return a.Chain == b.Chain && reflect.DeepEqual(one, other)
}
