package qos

import (
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// SessionDigest is what a window takes of a session: its report and, of each servicer, sketches of its times in the place
// of its samples. It is not changed by being merged.
type SessionDigest struct {
	Report api.SessionReport
	rows   []row
	rules  rules
	// blocks in the session.
	blocks int64
	// joined and asked are when the session was taken up and when its last check was asked; nanoseconds since the Unix
	// epoch.
	joined, asked int64
	// times of the servicers by address.
	times map[string]answerTimes
}

// answerTimes are the times of a servicer's answers on warm and on cold connections.
type answerTimes struct {
	warm, cold timed
}

// timed are times, and how many of them are above the SLA of the session that they are of.
type timed struct {
	sketch *Sketch // nil for none
	over   int
}

// Digest sums up a session as Summarize does, for a window.
func Digest(session *types.QoSSession, rounds []*types.QoSRound) SessionDigest {
	report, rows, counted := summarize(session, rounds)
	digest := SessionDigest{
		Report: report,
		rows:   rows,
		rules:  rulesOf(session),
		blocks: session.GetBlocks(),
		joined: session.GetJoinedUnixNano(),
		asked:  session.GetJoinedUnixNano(),
		times:  make(map[string]answerTimes, len(counted)),
	}
	for _, round := range planned(session, rounds) {
		if asked(round) {
			digest.asked = max(digest.asked, round.GetReleasedUnixNano())
		}
	}
	for address, tally := range counted {
		digest.times[address] = answerTimes{warm: digest.rules.timed(tally.warm), cold: digest.rules.timed(tally.cold)}
	}
	return digest
}

// timed sketches times.
func (r rules) timed(times []time.Duration) timed {
	if len(times) == 0 {
		return timed{}
	}
	made := timed{sketch: NewSketch()}
	for _, elapsed := range times {
		made.sketch.Add(elapsed)
		if r.over(elapsed) {
			made.over++
		}
	}
	return made
}

// merge adds the times of another session, which stay as they are.
func (t *timed) merge(other timed) {
	if other.sketch == nil {
		return
	}
	if t.sketch == nil {
		t.sketch = NewSketch()
	}
	t.sketch.Merge(other.sketch)
	t.over += other.over
}

func (t timed) count() int {
	if t.sketch == nil {
		return 0
	}
	return t.sketch.Count()
}
