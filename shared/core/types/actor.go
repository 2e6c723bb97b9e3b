package types

import "slices"

// SinceOn returns the height of the block since which the actor is staked for a chain as it is now: unpaused, in its geo
// zone and at its service URL; 0 since the genesis. staked is false if it is not staked for the chain.
func (a *Actor) SinceOn(chain string) (height int64, staked bool) {
	i := slices.Index(a.GetChains(), chain)
	if i < 0 {
		return 0, false
	}
	if i < len(a.GetSinceHeights()) {
		height = a.GetSinceHeights()[i]
	}
	return height, true
}

// SetSince sets the height since which the actor is as it is now, for each of its chains except those for which it was
// the same before, in the same zone and at the same service URL: it keeps their heights. before is nil for an actor that
// was not in sessions.
func (a *Actor) SetSince(height int64, before *Actor) {
	moved := before == nil || before.GetGeoZone() != a.GetGeoZone() || before.GetServiceUrl() != a.GetServiceUrl()
	a.SinceHeights = make([]int64, len(a.GetChains()))
	for i, chain := range a.GetChains() {
		a.SinceHeights[i] = height
		if moved {
			continue
		}
		if since, staked := before.SinceOn(chain); staked {
			a.SinceHeights[i] = since
		}
	}
}
