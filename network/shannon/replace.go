package shannon

import (
	"bytes"
	"fmt"
	"slices"
)

// Replace has groups sampled by other rules from their next sessions on: limits, interval, questions and what verdicts are
// judged by. Names, applications, services, signers and kinds of endpoints are those that the network was made with; an
// error names a group that has others, is not known, or is wrong, and then nothing changes.
func (n *Network) Replace(configured []Group) error {
	found := make([]*group, len(configured))
	for i := range configured {
		next := &configured[i]
		next.setDefaults()
		if err := next.check(); err != nil {
			return err
		}
		at := slices.IndexFunc(n.groups, func(g *group) bool { return g.Name == next.Name })
		if at < 0 || !n.groups[at].isFor(next) {
			return fmt.Errorf("group %s: it is new, or has another application, service, signer or kind of endpoints: that needs a restart", next.Name)
		}
		found[i] = n.groups[at]
	}
	for i, g := range found {
		g.mu.Lock()
		g.next = &configured[i]
		g.mu.Unlock()
	}
	return nil
}

// isFor reports whether another group has the same sessions, and asks in the same way.
func (g *group) isFor(other *Group) bool {
	return g.Application == other.Application && g.Service == other.Service && bytes.Equal(g.Signer.PublicKey(), other.Signer.PublicKey()) &&
		slices.Equal(g.RPCTypes, other.RPCTypes)
}

// takeOver has the next session sampled by the newest rules.
func (g *group) takeOver() {
	g.mu.Lock()
	next := g.next
	g.next = nil
	g.mu.Unlock()
	if next == nil {
		return
	}
	g.rules = *next
	g.network.spent.limit(g.account(), next.Limits)
	g.logger.Info("the group's changes are in effect")
}
