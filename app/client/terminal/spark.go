package terminal

import (
	"strings"

	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// sparkLevels draw times up to the SLA, or up to the longest where there is none; sparkOver is one over the SLA, sparkNull no
// answer, and sparkNone a check that does not count for the servicer.
var sparkLevels = []rune("▁▂▃▄▅▆▇")

const (
	sparkOver = '█'
	sparkNull = '✗'
	sparkNone = ' '
	// sparkWidth is the least width of a terminal with drawings of times, widestSpark how many are drawn at most.
	sparkWidth  = 150
	widestSpark = 30
)

// newestRounds returns the newest checks of a session and of those before it in its stream, the oldest first. Sessions are
// ordered newest first.
func newestRounds(sessions []observer.Session, of observer.Session, most int) []api.Round {
	var newest []api.Round // newest first
	for _, session := range sessions {
		if !session.SameStream(of) || session.Report.Height > of.Report.Height {
			continue
		}
		for i := len(session.Rounds) - 1; i >= 0 && len(newest) < most; i-- {
			if session.Rounds[i].Status == roundDone {
				newest = append(newest, session.Rounds[i])
			}
		}
	}
	for i, j := 0, len(newest)-1; i < j; i, j = i+1, j-1 {
		newest[i], newest[j] = newest[j], newest[i]
	}
	return newest
}

// newestTimes draws a servicer's newest round-trip times, the oldest on the left. Without an SLA the longest of them is the scale.
func newestTimes(rounds []api.Round, servicer string, sla *float64) string {
	samples, longest := make([]*api.Sample, len(rounds)), 0.0
	for i, round := range rounds {
		samples[i] = observer.Sample(round, servicer)
		if samples[i] != nil {
			longest = max(longest, api.Value(samples[i].RoundTripTime))
		}
	}
	if sla != nil && *sla > 0 {
		longest = *sla
	}
	var drawn strings.Builder
	for _, sample := range samples {
		drawn.WriteRune(sparkSign(sample, longest))
	}
	return drawn.String()
}

func sparkSign(sample *api.Sample, scale float64) rune {
	switch {
	case sample == nil || sample.Outcome == outcomeVoid || sample.Outcome == outcomeThrottled:
		return sparkNone
	case sample.Outcome != outcomeOK || sample.RoundTripTime == nil:
		return sparkNull
	case sample.OverSLA:
		return sparkOver
	case scale <= 0:
		return sparkLevels[0]
	}
	level := int(*sample.RoundTripTime / scale * float64(len(sparkLevels)))
	return sparkLevels[min(max(level, 0), len(sparkLevels)-1)]
}
