package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Lines writes what is observed as lines to Out: one for every check, and a table at a session's end. Trouble is told
// once, on Err. The sessions that were complete at the beginning are left out, unless it is the only one.
type Lines struct {
	Out, Err io.Writer
	// Stop is called when Out takes no more; Failure is why.
	Stop    func()
	Failure error

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

// Show writes what is new in an observation.
func (w *Lines) Show(seen observer.Observation) {
	w.trouble(seen)
	if seen.Lost != nil {
		return
	}
	told := make(map[string]*toldSession)
	for _, session := range slices.Backward(seen.Sessions) {
		before := w.told[session.Report.ID]
		if before == nil {
			before = &toldSession{checks: make(map[uint32]bool), done: !w.began && session.Report.Complete && len(seen.Sessions) > 1}
		}
		told[session.Report.ID] = before
		if !before.done {
			w.session(session, before)
		}
	}
	w.told, w.began = told, true
}

func (w *Lines) session(session observer.Session, told *toldSession) {
	for _, round := range session.Rounds {
		if !told.checks[round.Index] {
			told.checks[round.Index] = true
			w.write(checkLine(session, round))
		}
	}
	if session.Report.Complete {
		told.done = true
		w.write(sessionEnd(session.Report))
	}
}

// trouble tells once that the node is lost or the chain stands still, and once that it is over.
func (w *Lines) trouble(seen observer.Observation) {
	if lost := seen.Lost != nil; lost != w.lost {
		w.lost = lost
		if lost {
			w.warn(seen.At, "node lost, trying again: "+Clean(seen.Lost.Reason))
			return
		}
		w.warn(seen.At, "node is back")
	}
	if still := seen.Still > 0; still != w.still && seen.Lost == nil {
		w.still = still
		if still {
			w.warn(seen.At, fmt.Sprintf("the chain stands still: no new block for %s", seen.Still.Truncate(time.Second)))
			return
		}
		w.warn(seen.At, "the chain goes on")
	}
}

// warn fails silently: standard error is where its failure would be told.
func (w *Lines) warn(at time.Time, text string) {
	_, _ = fmt.Fprintf(w.Err, "%s %s\n", at.UTC().Format(time.RFC3339), text)
}

func (w *Lines) write(text string) {
	if w.Failure != nil {
		return
	}
	if _, err := io.WriteString(w.Out, text); err != nil {
		w.Failure = fmt.Errorf("write result: %w", err)
		w.Stop()
	}
}

// checkLine tells one check: what became of it, how many answered, and who did not or contradicted.
func checkLine(session observer.Session, round api.Round) string {
	where := "chain"
	if session.Report.Started != nil {
		where = "group"
	}
	line := fmt.Sprintf("%s session %s %s %s check %s of %d %s: ", checkMoment(round), ID(round.Session), where,
		Clean(session.Report.RelayChain), checkName(round), session.Report.ChecksPlanned, strings.ToLower(Clean(round.Status)))
	if round.Status != roundDone {
		return line + Clean(round.Reason) + "\n"
	}
	answered, counted := 0, 0
	exceptions := ""
	for _, sample := range round.Samples {
		if sample.Outcome == outcomeOK {
			answered++
		}
		if sample.Outcome != outcomeVoid && sample.Outcome != outcomeThrottled {
			counted++
		}
		if what := exception(session, round, sample); what != "" {
			exceptions += "; " + Name(sample.Servicer) + " " + what
		}
	}
	return line + fmt.Sprintf("%d of %d answered, skew %s%s\n", answered, counted, skewText(round.SkewMicros), exceptions)
}

// checkMoment is when a check was released, or else planned.
func checkMoment(round api.Round) string {
	switch {
	case round.Released != nil:
		return round.Released.UTC().Format(time.RFC3339)
	case round.Planned != nil:
		return round.Planned.UTC().Format(time.RFC3339)
	}
	return Absent
}

// exception says what was not well with a sample; empty when all was.
func exception(session observer.Session, round api.Round, sample api.Sample) string {
	switch shown := markOf(round, sample.Servicer, session.Report.MaxLag); {
	case sample.Outcome != outcomeOK:
		return Clean(sample.Outcome)
	case shown.meaning == markDisagrees.meaning, shown.meaning == markOverSLA.meaning:
		return shown.meaning
	case shown.meaning == markBehind.meaning:
		return Behind(api.Value(sample.Lag))
	}
	return ""
}
