package cli

import (
	"cmp"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// observation is what is known of a node's sampling at one moment. Nobody changes it once it is made.
type observation struct {
	at     time.Time
	status client.Status
	// sessions are the newest that were asked for, newest first.
	sessions []seenSession
	// still is how long there was no new block, when that is too long; else 0.
	still time.Duration
	// lost is set while the node does not answer; the rest is then what it said last.
	lost *outage
}

// outage is a node that does not answer any more.
type outage struct {
	since, next time.Time
	reason      string
}

// seenSession is a session with its checks.
type seenSession struct {
	report qos.SessionReport
	// blocks of the session; 0 while they are not known.
	blocks int64
	// rounds are the checks that are stored so far, ordered by index.
	rounds []client.Round
}

// blocksLeft are the blocks of the session after the one at a height; negative when that is not known.
func (s seenSession) blocksLeft(height int64) int64 {
	if s.blocks <= 0 {
		return -1
	}
	return max(s.report.Height+s.blocks-1-height, 0)
}

// sameStream tells whether two sessions follow one another: the sessions of one application on one chain in one zone.
func (s seenSession) sameStream(other seenSession) bool {
	return s.report.RelayChain == other.report.RelayChain && s.report.GeoZone == other.report.GeoZone &&
		s.report.Application == other.report.Application
}

// sample is what a servicer did in a round; nil when it was not asked.
func sample(round client.Round, servicer string) *client.Sample {
	for i := range round.Samples {
		if round.Samples[i].Servicer == servicer {
			return &round.Samples[i]
		}
	}
	return nil
}

// newestFirst orders sessions: by height, then by chain, application and id, so that the order never flickers.
func newestFirst(sessions []seenSession) {
	slices.SortFunc(sessions, func(a, b seenSession) int {
		return cmp.Or(cmp.Compare(b.report.Height, a.report.Height), cmp.Compare(a.report.RelayChain, b.report.RelayChain),
			cmp.Compare(a.report.Application, b.report.Application), cmp.Compare(a.report.ID, b.report.ID))
	})
}

// mergeRounds puts fresh rounds in the place of older ones of the same index. It changes neither list.
func mergeRounds(known, fresh []client.Round) []client.Round {
	merged := append(slices.Clone(fresh), known...)
	byIndex := func(a, b client.Round) int { return cmp.Compare(a.Index, b.Index) }
	slices.SortStableFunc(merged, byIndex)
	return slices.CompactFunc(merged, func(a, b client.Round) bool { return a.Index == b.Index })
}

// firstMissing is the least index of which there is no round.
func firstMissing(rounds []client.Round) uint32 {
	for i, round := range rounds {
		if round.Index != uint32(i) {
			return uint32(i)
		}
	}
	return uint32(len(rounds))
}
