package machine

import (
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Rule says which verdicts are told, and when.
type Rule struct {
	// Name of the rule; no two rules have the same.
	Name string
	// Fisherman is true for the rule that is about the fisherman itself: that it is not ready. It has no Verdicts, Groups
	// and Servicers.
	Fisherman bool
	// Verdicts that the rule fires for.
	Verdicts []api.Verdict
	// For is how long a servicer has to have one of the verdicts, 0 or more.
	For time.Duration
	// ResolveAfter is for how long the verdict has to be another before the rule is over, 0 or more.
	ResolveAfter time.Duration
	// Repeat is the interval of reminders while the rule fires; 0 for none.
	Repeat time.Duration
	// Groups are the groups or relay chains that the rule is about; empty for all.
	Groups []string
	// Servicers that the rule is about, by name or address; empty for all.
	Servicers []string
	// Receivers that are sent the rule's messages, by name; empty for all.
	Receivers []string
}

// Key names whom an alert is about. The zero Key is the fisherman itself.
type Key struct {
	RelayChain string `json:"relay_chain,omitempty"`
	GeoZone    string `json:"geo_zone,omitempty"`
	Servicer   string `json:"servicer,omitempty"`
}

// Subject is a servicer with the verdict that it has now.
type Subject struct {
	Key
	Verdict api.Verdict
	// OwnLink is true if the verdict is unknown because our own link is out. No rule fires for that.
	OwnLink bool
	// Idle is true for a servicer of no open session. It is not asked, so that what was wrong does not go on being wrong.
	Idle bool
	// Reason of the verdict, for people.
	Reason string
}

// Snapshot is what is known at a time.
type Snapshot struct {
	// Subjects are the servicers, each Key once.
	Subjects []Subject
	// NotReady is why the fisherman is not ready; empty if it is.
	NotReady string
}

// class is what a verdict means to a rule.
type class int

const (
	// neither stops the clocks.
	neither class = iota
	// matching is a verdict that the rule fires for.
	matching
	// over is a verdict that ends what the rule fired for.
	over
)

// covers reports whether a rule is about a servicer.
func (r *Rule) covers(key Key) bool {
	return !r.Fisherman && (len(r.Groups) == 0 || slices.Contains(r.Groups, key.RelayChain)) &&
		(len(r.Servicers) == 0 || slices.Contains(r.Servicers, key.Servicer))
}

// classify returns what a servicer's verdict means to the rule.
func (r *Rule) classify(subject *Subject) class {
	switch {
	case subject.OwnLink:
		return neither
	case slices.Contains(r.Verdicts, subject.Verdict):
		if subject.Idle {
			return neither
		}
		return matching
	case tellsNothing(subject.Verdict):
		return neither
	default:
		return over
	}
}

// tellsNothing reports whether a verdict says nothing about the servicer.
func tellsNothing(verdict api.Verdict) bool {
	switch verdict {
	case api.VerdictHealthy, api.VerdictSlow, api.VerdictBehind, api.VerdictUnavailable, api.VerdictInconsistent:
		return false
	}
	return true
}

// classifyFisherman returns what the fisherman's own state means to a rule about it.
func classifyFisherman(snapshot *Snapshot) class {
	if snapshot.NotReady != "" {
		return matching
	}
	return over
}
