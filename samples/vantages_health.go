package samples

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

const (
	// mostContradictions bounds those that are shown of a vantage point, and mostNamed the servicers in a sentence.
	mostContradictions = 32
	mostNamed          = 3
)

// healthKept is how long what is known of the vantage points is shown again: those who ask for a status ask often, and a merge
// costs more than the rest of it.
const healthKept = 5 * time.Second

// keptHealth is what was known of the vantage points at a moment.
type keptHealth struct {
	at    time.Time
	shown []api.Vantage
}

// Vantages returns the vantage points, by place, with how they are by the newest checks of the default span, as of five seconds
// ago at most. The slice is shared and not changed.
func (v *Vantages) Vantages() []api.Vantage {
	if kept := v.health.Load(); kept != nil {
		if age := v.now().Sub(kept.at); age >= 0 && age < healthKept {
			return kept.shown
		}
	}
	merged := make(map[where]qos.Merged)
	if v.several() {
		_, merged = v.merge(qos.DefaultRolling())
	}
	return v.vantages(merged)
}

// vantages makes the vantage points of what was merged, and keeps them.
func (v *Vantages) vantages(merged map[where]qos.Merged) []api.Vantage {
	now := v.now()
	shown := make([]api.Vantage, 0, len(v.points))
	for _, p := range v.points {
		shown = append(shown, p.shown(merged, now))
	}
	v.health.Store(&keptHealth{now, shown})
	return shown
}

// standing is what the merges of all relay chains and geo zones say of a vantage point.
type standing struct {
	places, out int
	lost        []string
}

func (p *point) shown(merged map[where]qos.Merged, now time.Time) api.Vantage {
	health := p.health()
	shown := api.Vantage{Place: p.Place, Fisherman: p.Fisherman, Contradictions: []api.Contradiction{}}
	if !health.Heard.IsZero() {
		shown.Heard = new(health.Heard.UTC())
	}
	if health.Skew != nil {
		shown.SkewMS = new(qos.Milliseconds(*health.Skew))
	}
	var all standing
	for _, at := range slices.SortedFunc(maps.Keys(merged), where.compare) {
		all.add(&shown, at.place, merged[at].Places[p.Place])
	}
	shown.State, shown.Why = all.state(&shown, health, now)
	shown.StateWord = api.WordOf(shown.State)
	return shown
}

// add adds what the merge of one relay chain and geo zone says; nil for nothing.
func (s *standing) add(shown *api.Vantage, at place, found *qos.MergedPlace) {
	if found == nil || found.Samples+found.PathNulls == 0 && !found.Out {
		return
	}
	s.places++
	if found.Out {
		s.out++
	}
	s.lost = append(s.lost, found.Lost...)
	shown.Samples += found.Samples
	shown.NullSamples += found.NullSamples
	shown.PathNulls += found.PathNulls
	for _, each := range found.Contradictions {
		if len(shown.Contradictions) < mostContradictions {
			each.RelayChain, each.GeoZone = at.chain, at.zone
			shown.Contradictions = append(shown.Contradictions, each)
		}
	}
}

// state returns how a vantage point is, and why it is not OK.
func (s *standing) state(shown *api.Vantage, health VantageHealth, now time.Time) (api.VantageState, string) {
	switch {
	case health.silent(now):
		return api.VantageStateSilent, "nothing was heard of it for " + now.Sub(health.Heard).Round(time.Second).String()
	case s.places > 0 && s.out == s.places:
		return api.VantageStateOut, "it has no answer of any servicer, and others have, or none of its newest checks counts"
	case health.skewed():
		direction := "ahead of"
		if *health.Skew < 0 {
			direction = "behind"
		}
		return api.VantageStateSkewed, fmt.Sprintf("its clock is %v %s the collector's", health.Skew.Abs().Round(time.Millisecond), direction)
	case len(shown.Contradictions) > 0:
		var about []string
		for _, each := range shown.Contradictions {
			about = append(about, each.Servicer)
		}
		return api.VantageStateContradicted, "most others contradict what it says of " + some(about) + ": it lies, or is answered in another way"
	case len(s.lost) > 0:
		return api.VantageStatePath, "it lost the way to " + some(s.lost) + ", which most others reach"
	}
	return api.VantageStateOK, ""
}

// some names the first of several servicers.
func some(servicers []string) string {
	var named []string
	for _, servicer := range servicers[:min(len(servicers), mostNamed)] {
		named = append(named, text.Line(servicer, 128))
	}
	if more := len(servicers) - len(named); more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(named, ", "), more)
	}
	return strings.Join(named, ", ")
}
