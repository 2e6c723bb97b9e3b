package observer

import (
	"cmp"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Observation is what is known of a node's sampling at one moment. Nobody changes it once it is made.
type Observation struct {
	At     time.Time
	Status api.Status
	// Rolling are the verdicts over the newest checks, by relay chain and geo zone; none where one session is observed.
	Rolling []api.RollingReport
	// Sessions are the newest that were asked for, newest first.
	Sessions []Session
	// Still is how long there was no new block, when that is too long; else 0.
	Still time.Duration
	// Lost is set while the node does not answer; the rest is then what it said last.
	Lost *Outage
}

// Outage is a node that does not answer any more.
type Outage struct {
	Since, Next time.Time
	Reason      string
}

// Session is a session with its checks.
type Session struct {
	Report api.SessionReport
	// Blocks of the session; 0 while they are not known.
	Blocks int64
	// Rounds are the checks that are stored so far, ordered by index.
	Rounds []api.Round
}

// BlocksLeft returns the number of blocks of the session after the one at a height; negative when that is not known.
func (s Session) BlocksLeft(height int64) int64 {
	if s.Blocks <= 0 {
		return -1
	}
	return max(s.Report.Height+s.Blocks-1-height, 0)
}

// SameStream reports whether two sessions follow one another: the sessions of one application on one chain in one zone.
func (s Session) SameStream(other Session) bool {
	return s.Report.RelayChain == other.Report.RelayChain && s.Report.GeoZone == other.Report.GeoZone &&
		s.Report.Application == other.Report.Application
}

// Sample returns what a servicer did in a round; nil when it was not asked.
func Sample(round api.Round, servicer string) *api.Sample {
	for i := range round.Samples {
		if round.Samples[i].Servicer == servicer {
			return &round.Samples[i]
		}
	}
	return nil
}

// newestFirst orders sessions: by height, then by chain, application and id, so that the order never flickers.
func newestFirst(sessions []Session) {
	slices.SortFunc(sessions, func(a, b Session) int {
		return cmp.Or(cmp.Compare(b.Report.Height, a.Report.Height), cmp.Compare(a.Report.RelayChain, b.Report.RelayChain),
			cmp.Compare(a.Report.Application, b.Report.Application), cmp.Compare(a.Report.ID, b.Report.ID))
	})
}

// mergeRounds puts fresh rounds in the place of older ones of the same index. It changes neither list.
func mergeRounds(known, fresh []api.Round) []api.Round {
	merged := append(slices.Clone(fresh), known...)
	byIndex := func(a, b api.Round) int { return cmp.Compare(a.Index, b.Index) }
	slices.SortStableFunc(merged, byIndex)
	return slices.CompactFunc(merged, func(a, b api.Round) bool { return a.Index == b.Index })
}

// firstMissing is the least index of which there is no round.
func firstMissing(rounds []api.Round) uint32 {
	for i, round := range rounds {
		if round.Index != uint32(i) {
			return uint32(i)
		}
	}
	return uint32(len(rounds))
}
