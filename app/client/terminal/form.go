package terminal

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Form says how a report is laid out. The zero Form leaves lines whole and abbreviates identifiers.
type Form struct {
	// width cuts lines; 0 leaves them whole.
	width int
	// colour paints the verdicts.
	colour bool
	// whole shows addresses and ids in full.
	whole bool
	// lines bounds those that the servicers of a session take, without the heads of the columns; 0 shows all.
	lines int
	// session is set where a servicer is picked: its checks are drawn.
	session *observer.Session
	// throttled: a servicer was throttled; times: sessions are stretches of time, and so their members the targets of a list of
	// endpoints; owned: members have owners, and so are suppliers of the live Pocket network.
	throttled, times, owned bool
	// pick is the address of the servicer that is picked; told: its reason is told elsewhere.
	pick string
	told bool
	// rolling: rows are of the newest checks, whatever session they are of.
	rolling bool
	// newest are the checks whose times are drawn, across sessions, the oldest first.
	newest []api.Round
}

const (
	// reasonWidth is the least width at which the reason may have a column of its own, barsWidth that of the bars.
	reasonWidth = 120
	barsWidth   = 140
	// tailWidth is the least width with a column of p90, rankWidth that of the rank where a servicer is picked.
	tailWidth = 72
	rankWidth = 80
	// wholeWidth is the least width at which addresses are shown in full; where rows are scrolled, if they fit.
	wholeWidth = 160
	// widestStrip bounds how many checks are drawn in a row.
	widestStrip = 60
)

// columns are those that are shown in the form.
func (f Form) columns() []reportColumn {
	return f.shown(reportColumns)
}

// The methods below tell which columns a form has.

func (f Form) unbounded() bool { return f.width <= 0 }
func (f Form) roomy() bool     { return f.unbounded() || f.width >= reasonWidth }
func (f Form) points() bool    { return f.session != nil }
func (f Form) strips() bool    { return f.session != nil && f.roomy() }
func (f Form) sparks() bool    { return f.session != nil && f.width >= sparkWidth }
func (f Form) bars() bool      { return f.session != nil && f.width >= barsWidth }
func (f Form) ranks() bool     { return f.roomy() || f.session != nil && f.width >= rankWidth }
func (f Form) counts() bool    { return f.roomy() || f.session == nil }
func (f Form) tails() bool     { return f.unbounded() || f.width >= tailWidth }
func (f Form) throttles() bool { return f.throttled && f.roomy() }
func (f Form) owners() bool    { return f.owned && f.unbounded() }

func (f Form) picked(servicer api.ServicerReport) bool {
	return f.session != nil && servicer.Servicer == f.pick
}

// pointer marks the row of the servicer that is picked.
func (f Form) pointer(servicer api.ServicerReport) string {
	if f.picked(servicer) {
		return ">"
	}
	return ""
}

// verdict is as wide as the longest one where rows are scrolled, so that the columns stay where they are.
func (f Form) verdict(verdict api.Verdict) string {
	if f.session == nil {
		return verdictWords(verdict)
	}
	return fmt.Sprintf("%-*s", len(api.VerdictNotAskedYet), verdictWords(verdict))
}

// strip draws the checks of a servicer in a sixth of the width, so that the reason has room.
func (f Form) strip(servicer string) string {
	return strip(*f.session, servicer, min(max(f.width/6, 10), widestStrip), f.colour)
}

// spark draws the newest times of a servicer, as wide as its checks are at most.
func (f Form) spark(servicer string) string {
	return newestTimes(f.newest, servicer, f.session.Report.LatencySLA)
}

// explains reports whether a servicer's reason is told below its row where it has no column.
func (f Form) explains(servicer api.ServicerReport) bool {
	return servicer.Verdict != api.VerdictHealthy && !(f.told && f.picked(servicer))
}

func (f Form) id(id string) string {
	if f.whole {
		return Clean(id)
	}
	return ID(id)
}

// name shows a servicer or an application.
func (f Form) name(id string) string {
	if f.whole {
		return Clean(id)
	}
	return Name(id)
}

// of returns the form for the servicers of a session.
func (f Form) of(session api.SessionReport) Form {
	f.times = session.Started != nil
	f.owned = ofSuppliers(session)
	f.throttled = f.throttled || slices.ContainsFunc(session.Servicers, func(s api.ServicerReport) bool { return s.Throttled > 0 })
	return f
}

// ofSuppliers reports whether a session is one of the live Pocket network, whose members have owners.
func ofSuppliers(session api.SessionReport) bool {
	return slices.ContainsFunc(session.Servicers, func(s api.ServicerReport) bool { return s.Owner != nil })
}

// heading returns the head of a column.
func (f Form) heading(column reportColumn) string {
	switch {
	case column.header != servicerHeader:
	case f.times:
		return "TARGET"
	case f.owned:
		return "SUPPLIER"
	}
	return column.header
}

// fit cuts every line to the width.
func (f Form) fit(text string) string {
	if f.width <= 0 {
		return text
	}
	cut := lipgloss.NewStyle().MaxWidth(f.width)
	var fitted strings.Builder
	for line := range strings.Lines(text) {
		fitted.WriteString(cut.Render(strings.TrimSuffix(line, "\n")))
		fitted.WriteByte('\n')
	}
	return fitted.String()
}

// Spacious reports whether an output has room for whole addresses: a wide terminal, and anything else than a terminal.
func Spacious(out io.Writer) bool { return FormFor(out).whole }

// FormFor returns the form for an output: colours and lines that fit for a terminal, everything for anything else.
func FormFor(out io.Writer) Form {
	file, is := File(out)
	if !is {
		return Form{whole: true}
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		width = 0
	}
	return Form{width: width, colour: os.Getenv("NO_COLOR") == "", whole: width == 0 || width >= wholeWidth}
}
