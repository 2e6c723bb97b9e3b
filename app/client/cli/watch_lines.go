package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// watchLines writes what is observed as lines: one for every check, a table at a session's end, and trouble once. The
// sessions that were complete at the beginning are left out, unless it is the only one.
type watchLines struct {
	out, err io.Writer
	// stop is called when the output takes no more; failure is why.
	stop    func()
	failure error

	began bool
	// told are the checks of a session that have their line; done says that its table has been written too.
	told map[string]*toldSession
	lost bool
	// still: it has been told that the chain stands still.
	still bool
}

type toldSession struct {
	checks map[uint32]bool
	done   bool
}

// show writes what is new in an observation.
func (w *watchLines) show(seen observation) {
	w.trouble(seen)
	if seen.lost != nil {
		return
	}
	told := make(map[string]*toldSession)
	for _, session := range slices.Backward(seen.sessions) {
		before := w.told[session.report.ID]
		if before == nil {
			before = &toldSession{checks: make(map[uint32]bool), done: !w.began && session.report.Complete && len(seen.sessions) > 1}
		}
		told[session.report.ID] = before
		if !before.done {
			w.session(session, before)
		}
	}
	w.told, w.began = told, true
}

func (w *watchLines) session(session seenSession, told *toldSession) {
	for _, round := range session.rounds {
		if !told.checks[round.Index] {
			told.checks[round.Index] = true
			w.write(checkLine(session, round))
		}
	}
	if session.report.Complete {
		told.done = true
		w.write(sessionEnd(session.report))
	}
}

// trouble tells once that the node is lost or the chain stands still, and once that it is over.
func (w *watchLines) trouble(seen observation) {
	if lost := seen.lost != nil; lost != w.lost {
		w.lost = lost
		if lost {
			w.warn(seen.at, "node lost, trying again: "+clean(seen.lost.reason))
			return
		}
		w.warn(seen.at, "node is back")
	}
	if still := seen.still > 0; still != w.still && seen.lost == nil {
		w.still = still
		if still {
			w.warn(seen.at, fmt.Sprintf("the chain stands still: no new block for %s", seen.still.Truncate(time.Second)))
			return
		}
		w.warn(seen.at, "the chain goes on")
	}
}

// warn fails silently: standard error is where its failure would be told.
func (w *watchLines) warn(at time.Time, text string) {
	_, _ = fmt.Fprintf(w.err, "%s %s\n", at.UTC().Format(time.RFC3339), text)
}

func (w *watchLines) write(text string) {
	if w.failure != nil {
		return
	}
	if w.failure = writeText(w.out, text); w.failure != nil {
		w.stop()
	}
}

// checkLine tells one check: what became of it, how many answered, and who did not or contradicted.
func checkLine(session seenSession, round client.Round) string {
	line := fmt.Sprintf("%s session %s chain %s check %s of %d %s: ", checkMoment(round), abbreviate(round.Session),
		clean(session.report.RelayChain), checkName(round), session.report.ChecksPlanned, strings.ToLower(clean(round.Status)))
	if round.Status != roundDone {
		return line + clean(round.Reason) + "\n"
	}
	answered, counted := 0, 0
	exceptions := ""
	for _, sample := range round.Samples {
		if sample.Outcome == outcomeOK {
			answered++
		}
		if sample.Outcome != outcomeVoid {
			counted++
		}
		if what := exception(round, sample); what != "" {
			exceptions += "; " + abbreviate(sample.Servicer) + " " + what
		}
	}
	return line + fmt.Sprintf("%d of %d answered, skew %s%s\n", answered, counted, skewText(round.SkewMicros), exceptions)
}

// checkMoment is when a check was released, or else planned.
func checkMoment(round client.Round) string {
	switch {
	case round.Released != nil:
		return round.Released.UTC().Format(time.RFC3339)
	case round.Planned != nil:
		return round.Planned.UTC().Format(time.RFC3339)
	}
	return absent
}

// exception says what was not well with a sample; empty when all was.
func exception(round client.Round, sample client.Sample) string {
	switch shown := markOf(round, sample.Servicer); {
	case sample.Outcome != outcomeOK:
		return clean(sample.Outcome)
	case shown.meaning == markDisagrees.meaning, shown.meaning == markOverSLA.meaning:
		return shown.meaning
	}
	return ""
}
