package terminal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Heights of terminals from which on the parts around the table are shown; narrowWidth is the least width of one on which the
// lines around it go on in the next.
const (
	footerHeight = 8
	panelHeight  = 16
	tallHeight   = 32
	narrowWidth  = 40
)

var (
	strong = lipgloss.NewStyle().Bold(true)
	faint  = lipgloss.NewStyle().Faint(true)
	alarm  = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Red)
)

// View draws the whole terminal, never more lines than it has.
func (s screen) View() tea.View {
	view := tea.NewView(s.draw())
	view.AltScreen, view.WindowTitle = true, "pocket fisherman watch"
	return view
}

func (s screen) draw() string {
	if s.width <= 0 || s.height <= 0 {
		return ""
	}
	// What does not fit into a line goes on in the next, unless there are few lines.
	form := Form{width: s.width}
	lay := form.laid
	if s.height < panelHeight || s.width < narrowWidth {
		lay = form.leading
	}
	head, foot := lay(s.head()), ""
	if s.height >= footerHeight {
		foot = lay(s.footer())
	}
	body := s.body(s.height - strings.Count(head, "\n") - strings.Count(foot, "\n"))
	lines := strings.Split(strings.TrimSuffix(form.fit(head+body), "\n"), "\n")
	if rest := s.height - strings.Count(foot, "\n"); len(lines) > rest {
		lines = lines[:rest]
	} else if foot != "" {
		lines = append(lines, make([]string, rest-len(lines))...)
	}
	drawn := strings.Join(lines, "\n")
	if foot != "" {
		drawn += "\n" + strings.TrimSuffix(form.fit(foot), "\n")
	}
	return drawn
}

// body is what is below the head, in at most the given number of lines.
func (s screen) body(lines int) string {
	session := s.current()
	switch {
	case s.help:
		return helpText(s.whom(), session != nil && Form{}.of(session.Report).throttled)
	case session == nil:
		return "\n" + s.waiting() + "\n"
	case s.samples:
		return s.samplesTable(*session, lines)
	}
	return s.servicersTable(*session, lines)
}

// waiting says why there is no session.
func (s screen) waiting() string {
	if s.onChain() && s.seen.Status.Height == 0 {
		return "waiting for the chain's first block"
	}
	return "no session sampled yet; the first appears when the fisherman takes one up"
}

// head says which node and session it is, and what is wrong.
func (s screen) head() string {
	text := strong.Render("pocket fisherman watch") + "  "
	if s.onChain() {
		text += fmt.Sprintf("%s at %s  height %d\n", Clean(s.seen.Status.ChainID), Clean(s.url), s.seen.Status.Height)
	} else {
		text += fmt.Sprintf("%s at %s  groups %d\n", sampledWords(s.seen.Status.Network), Clean(s.url), len(s.seen.Status.Groups))
	}
	if session := s.current(); session != nil && !s.help {
		text += s.sessionHead(*session)
	}
	return text + s.alarms() + "\n"
}

// onChain reports whether the node is one of our own chain.
func (s screen) onChain() bool { return s.seen.Status.Network.HasChain() }

// sampledWords says what is sampled where there is no chain.
func sampledWords(network api.Network) string {
	if network == api.NetworkShannon {
		return "live Pocket network"
	}
	return "list of endpoints"
}

// What networks call those that are asked.
const (
	servicerWord = "servicer"
	targetWord   = "target"
	supplierWord = "supplier"
)

// whom is what the network of the session calls those that are asked.
func (s screen) whom() string {
	session := s.current()
	switch {
	case s.onChain():
		return servicerWord
	case s.seen.Status.Network == api.NetworkShannon && (session == nil || session.Report.Started == nil):
		return supplierWord
	}
	return targetWord
}

// group is that of a session; nil where there are no groups, or it is not sampled any more.
func (s screen) group(report api.SessionReport) *api.Group {
	for i, group := range s.seen.Status.Groups {
		if group.Name == report.RelayChain {
			return &s.seen.Status.Groups[i]
		}
	}
	return nil
}

// sessionHead says first what has to fit a narrow terminal too.
func (s screen) sessionHead(session observer.Session) string {
	report := session.Report
	text := fmt.Sprintf("session %s%s  %s  ", strong.Render(ID(report.ID)), atPlace(report), s.sessionState(session))
	if all := len(s.seen.Sessions); all > 1 {
		text += faint.Render(fmt.Sprintf("(%d of %d)  ", s.index()+1, all))
	}
	switch {
	case report.Started != nil:
		text += fmt.Sprintf("group %s  questions %s\n", Clean(report.RelayChain), orAbsent(report.Catalogue))
	case !s.onChain():
		text += fmt.Sprintf("group %s  application %s  questions %s\n", Clean(report.RelayChain), Name(report.Application), orAbsent(report.Catalogue))
	default:
		text += fmt.Sprintf("chain %s  application %s  zone %s\n", Clean(report.RelayChain), Name(report.Application), Clean(report.GeoZone))
	}
	text += fmt.Sprintf("checks %s %d of %d done, %d dropped, %d void  largest skew %s\n", checksBar(report), report.ChecksDone,
		report.ChecksPlanned, report.ChecksDropped, report.ChecksVoid, skewText(report.MaxSkewMicros))
	text += rollingSummary(s.seen.Rolling, report.RelayChain, report.GeoZone)
	if group := s.group(report); group != nil && !decided(report) {
		text += budgetLine(group.Budget)
	}
	return text
}

// sessionState says how far a session is.
func (s screen) sessionState(session observer.Session) string {
	if report := session.Report; report.Started == nil && !s.onChain() {
		height := int64(0)
		if group := s.group(report); group != nil {
			height = api.Value(group.Height)
		}
		return blockState(report, height)
	}
	return sessionState(session, s.seen.Status.Height, s.now)
}

// blockState says which blocks a session has, and how many are left where the height of their chain is known; it is 0 where not.
func blockState(report api.SessionReport, height int64) string {
	last := report.Height + report.Blocks - 1
	switch {
	case report.Complete:
		return "complete"
	case decided(report), height > last:
		return "over"
	}
	text := fmt.Sprintf("height %d to %d", report.Height, last)
	switch left := last - max(height, report.Height); {
	case height == 0:
		return text
	case left == 1:
		return text + ", 1 block left"
	default:
		return fmt.Sprintf("%s, %d blocks left", text, left)
	}
}

// decided reports whether all checks of a session are done, dropped or void.
func decided(report api.SessionReport) bool {
	return report.ChecksDone+report.ChecksDropped+report.ChecksVoid >= report.ChecksPlanned
}

// sessionState says how far a session is.
func sessionState(session observer.Session, height int64, now time.Time) string {
	if report := session.Report; report.Started != nil && !report.Complete {
		return timeState(*report.Started, api.Value(report.Ended), now)
	}
	left := session.BlocksLeft(height)
	over := session.Blocks > 0 && height >= session.Report.Height+session.Blocks
	switch {
	case session.Report.Complete:
		return "complete"
	case over:
		return "over"
	case left < 0:
		return fmt.Sprintf("from height %d", session.Report.Height)
	case left == 1:
		return "1 block left"
	}
	return fmt.Sprintf("%d blocks left", left)
}

// timeState says how far a session is that is a stretch of time.
func timeState(started, ended, now time.Time) string {
	switch {
	case !now.Before(ended):
		return "over"
	case now.Before(started):
		return "from " + started.UTC().Format(time.TimeOnly)
	}
	return fmt.Sprintf("%s left", ended.Sub(now).Round(time.Second))
}

// checksBar draws how much of the plan is decided.
func checksBar(report api.SessionReport) string {
	if report.ChecksPlanned <= 0 {
		return ""
	}
	full := min(barWidth*(report.ChecksDone+report.ChecksDropped+report.ChecksVoid)/report.ChecksPlanned, barWidth)
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
}

// alarms are the lines on what a reader must not overlook.
func (s screen) alarms() string {
	text := ""
	if lost := s.seen.Lost; lost != nil {
		again := max(lost.Next.Sub(s.now), 0).Round(time.Second)
		text += alarm.Render(fmt.Sprintf("! node lost %s ago, next try in %s; below is what it said last", s.since(lost.Since), again)) +
			"\n  " + Clean(Short(lost.Reason)) + "\n"
	}
	if s.seen.Still > 0 {
		text += alarm.Render(fmt.Sprintf("! the chain stands still: no new block for %s", s.seen.Still.Truncate(time.Second))) + "\n"
	}
	return text + vantageWarnings(s.seen.Status.Vantages) + BudgetWarning(s.seen.Status.Groups) + StoreWarning(s.seen.Status.Store)
}

func (s screen) since(moment time.Time) time.Duration {
	return max(s.now.Sub(moment), 0).Truncate(time.Second)
}

// servicersTable has the servicers around the picked one that there is room for, and more on that one below: all of it, or where
// there are few lines and many servicers, what matters most.
func (s screen) servicersTable(session observer.Session, lines int) string {
	picked := s.picked()
	if picked == nil {
		return fmt.Sprintf("no %s in this session\n", s.whom())
	}
	if s.height < panelHeight {
		text, _ := s.servicersAbove("", session, *picked, lines)
		return text
	}
	text, all := s.servicersAbove(s.panel(session, *picked, false), session, *picked, lines)
	if !all && s.height < tallHeight {
		text, _ = s.servicersAbove(s.panel(session, *picked, true), session, *picked, lines)
	}
	return text
}

// servicersAbove has the servicers that there is room for above a panel, and whether these are all.
func (s screen) servicersAbove(panel string, session observer.Session, picked api.ServicerReport, lines int) (string, bool) {
	const others = 2 // names of columns, and the line on how many rows there are
	all, room := s.rows(session), max(lines-strings.Count(panel, "\n")-others, 1)
	form := Form{width: s.width, colour: true, session: &session, pick: picked.Servicer, told: panel != "", rolling: s.rolling(session) != nil}.of(session.Report)
	if form.sparks() {
		form.newest = newestRounds(s.seen.Sessions, session, widestSpark)
	}
	from, to := max(s.row()-room, 0), min(s.row()+room, len(all)) // each takes one line at least
	table := form.blocks(all[from:to], Form.explains)
	shown, first := table.around(s.row()-from, room)
	text := table.head + "\n" + strings.Join(slices.Concat(shown...), "\n") + "\n"
	if len(shown) < len(all) {
		text += faint.Render(fmt.Sprintf("%ss %d to %d of %d, worst first", s.whom(), from+first+1, from+first+len(shown), len(all))) + "\n"
	}
	return text + panel, len(shown) == len(all)
}

// panel tells more of the picked servicer than its row; a brief one leaves out what other keys show.
func (s screen) panel(session observer.Session, picked api.ServicerReport, brief bool) string {
	form := Form{width: s.width}
	const indent = "        "
	wrapped := func(text string, most int) string {
		return strings.Join(abridged(text, s.width-len(indent), most), "\n"+indent) + "\n"
	}
	name, lay := fmt.Sprintf("%s  %s\n", strong.Render(Clean(picked.Servicer)), Clean(picked.ServiceURL)), form.laid
	if brief {
		lay = form.leading
	}
	text := "\n" + lay(name+ownership(picked)+standing(picked)) + "why     " + wrapped(Clean(picked.Reason), panelReasonLines)
	if !brief {
		text += places(picked, s.width)
	}
	if member := inSession(session, picked.Servicer); member != nil && s.rolling(session) != nil {
		said := verdictWords(member.Verdict)
		if s.height >= tallHeight {
			said += ": " + Clean(member.Reason)
		}
		text += "session " + wrapped(said, reasonLines)
	}
	text += "checks  " + strip(session, picked.Servicer, max(s.width-len("checks   "), 1), true) + "\n"
	if brief {
		return text
	}
	return text + legend(true, Form{}.of(session.Report).throttled, s.width) + "\n"
}

// ownership says whose a supplier is, and what it has staked; empty for a member that has no owner.
func ownership(member api.ServicerReport) string {
	if member.Owner == nil && member.StakeUPOKT == nil {
		return ""
	}
	return fmt.Sprintf("owner   %s  stake %s uPOKT\n", orAbsent(member.Owner), orAbsent(member.StakeUPOKT))
}

// standing says what a member said of itself; empty for one that was not asked who it is.
func standing(member api.ServicerReport) string {
	if member.Standing == api.StandingUnverifiable {
		return "node    not asked; its account has no public key on the chain\n"
	}
	if member.ChainIdentity == nil && member.ClientVersion == nil && member.Standing != api.StandingUnidentified {
		return ""
	}
	is := ""
	switch member.Standing {
	case api.StandingUnidentified:
		is = "did not say which chain it is of; "
	case api.StandingOtherChain:
		is = "not asked; "
	}
	return fmt.Sprintf("node    %schain %s  software %s\n", is, orAbsent(member.ChainIdentity), orAbsent(member.ClientVersion))
}

// footer names the keys.
func (s screen) footer() string {
	switch {
	case s.help:
		return faint.Render("esc back  q quit") + "\n"
	case s.samples:
		return faint.Render("up/down scroll  tab session  esc back  ? help  q quit") + "\n"
	}
	return faint.Render("up/down "+s.whom()+"  enter samples  tab session  ? help  q quit") + "\n"
}

// helpWidth is that of the help's lines.
const helpWidth = 80

// helpText explains keys, marks and bars.
func helpText(whom string, throttled bool) string {
	plural, did := "Servicers", "signed"
	switch whom {
	case targetWord:
		plural, did = "Targets", "answered"
	case supplierWord:
		plural = "Suppliers"
	}
	return `keys
  up, down            pick a ` + whom + `; scroll its samples
  page up, page down  the same, half a screen at a time
  enter               samples of the picked ` + whom + `; again, or esc, goes back
  tab, shift tab      the next older, the next newer session
  ?                   this text
  q, ctrl-c           quit

checks, one sign each, the first on the left; void and dropped count for nobody
` + legend(true, throttled, helpWidth) + `

Available is a share with its 95 % interval. Its bar, on a wide terminal, is
full up to the lower bound and shaded up to the upper one. ` + plural + ` that
cannot be told apart share a rank. Lag, on a wide terminal, is the most blocks
that the ` + whom + `'s node was behind most others. Newest times, there too, are
low to high up to the SLA, █ over it, ✗ without an answer. Rows are of the
newest checks across sessions, and the session's verdict stands beside, until
tab leads to a session that is over. What both sides of a disagreement
` + did + ` is shown by 'pocket fisherman evidence'.
`
}
