package terminal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Comparison is what is known of targets that are compared, at one moment.
type Comparison struct {
	At time.Time
	// Planned checks in all, over Length.
	Planned int
	Length  time.Duration
	// Targets in the order in which they were given.
	Targets []Compared
	// Session is what was measured; it has no ID before the first check.
	Session api.SessionReport
	// Skews of the checks that were asked, in microseconds; only at the end.
	Skews []int64
	// Over: all checks are done, void or dropped.
	Over bool
}

// Compared is what a target said of itself.
type Compared struct {
	// Name of the target; Origin is what is shown of its URL.
	Name, Origin string
	// Asked: it was asked who it is, and has answered or had its time.
	Asked bool
	// Kind of its chain, as in "evm", and which of that kind, as in "1"; Client is its software. Empty if unknown.
	Kind, Chain, Client string
	// Head is its newest height; 0 if unknown.
	Head int64
	// Problem is why it did not say who it is; empty for none.
	Problem string
}

// comparisonColumns are the columns of a comparison.
var comparisonColumns = []reportColumn{
	{header: "RANK", cell: func(s api.ServicerReport, _ Form) string { return rank(s.Rank) }},
	{header: servicerHeader, cell: func(s api.ServicerReport, f Form) string { return f.name(s.Servicer) }},
	{header: verdictHeader, cell: func(s api.ServicerReport, _ Form) string { return Clean(s.Verdict) }},
	{header: "AVAIL", cell: func(s api.ServicerReport, f Form) string { return f.share(s.Availability) }},
	{header: "P50 ms", cell: func(s api.ServicerReport, _ Form) string { return millis(s.RoundTripTimes.P50) }},
	{header: "P90 ms", cell: func(s api.ServicerReport, _ Form) string { return millis(s.RoundTripTimes.P90) }, in: Form.tails},
	{header: "LAG", cell: func(s api.ServicerReport, _ Form) string { return lag(s.Freshness) }},
	{header: "AGREE", cell: func(s api.ServicerReport, _ Form) string { return agreed(s.Consistency) }},
	{header: "THROTTLED", cell: func(s api.ServicerReport, _ Form) string { return fmt.Sprint(s.Throttled) }, in: func(f Form) bool { return f.throttled && !f.tight() }},
}

// whyColumn ends a comparison where there is room for it.
var whyColumn = reportColumn{header: "WHY", cell: func(s api.ServicerReport, _ Form) string { return Clean(s.Reason) }}

// intervalWidth is the least width at which a share has its interval beside it.
const intervalWidth = 90

// tight reports whether lines are too short for what a comparison can do without.
func (f Form) tight() bool { return f.width > 0 && f.width < intervalWidth }

// share is a share with its interval where lines are long.
func (f Form) share(interval api.Interval) string {
	if text, _, cut := strings.Cut(share(interval), " "); cut && f.tight() {
		return text
	}
	return share(interval)
}

// ComparisonText lays out a comparison for a person: the best target first, and below what was asked of whom.
func ComparisonText(c Comparison, form Form) string {
	if c.Session.ID == "" {
		return identities(c, form) + "nothing was asked yet\n"
	}
	text := comparisonTable(c, form) + "\n"
	for _, line := range c.facts() {
		text += form.wrap(line[0], line[1])
	}
	return text
}

// ComparisonMarkdown lays out a comparison as a table that can be pasted.
func ComparisonMarkdown(c Comparison) string {
	if c.Session.ID == "" {
		return "Nothing was asked yet.\n"
	}
	form := Form{whole: true}.of(c.Session)
	columns := append(form.of(c.Session).shown(comparisonColumns), whyColumn)
	var text strings.Builder
	row := func(cells []string) { fmt.Fprintf(&text, "| %s |\n", strings.Join(cells, " | ")) }
	var headers, rules []string
	for _, column := range columns {
		headers, rules = append(headers, strings.ToLower(form.heading(column))), append(rules, "---")
	}
	row(headers)
	row(rules)
	for _, s := range bestFirst(c.Session.Servicers) {
		var cells []string
		for _, column := range columns {
			cells = append(cells, markdown(column.cell(s, form)))
		}
		row(cells)
	}
	text.WriteByte('\n')
	for _, line := range c.facts() {
		fmt.Fprintf(&text, "- %s: %s\n", line[0], markdown(line[1]))
	}
	return text.String()
}

// markdown makes text stand for itself: strangers' text has no links, pictures, tags or mentions.
func markdown(plain string) string {
	var text strings.Builder
	for _, r := range plain {
		if strings.ContainsRune("\\`*_[]<>|&!#~", r) {
			text.WriteByte('\\')
		}
		text.WriteRune(r)
		if r == '@' {
			text.WriteRune('\u200b') // mentions nobody
		}
	}
	return text.String()
}

// bestFirst orders targets by rank, and those without one behind the others.
func bestFirst(worstFirst []api.ServicerReport) []api.ServicerReport {
	best := slices.Clone(worstFirst)
	slices.Reverse(best)
	slices.SortStableFunc(best, func(a, b api.ServicerReport) int {
		return cmp.Or(cmp.Compare(place(a), place(b)))
	})
	return best
}

// place is a rank, or behind all ranks.
func place(s api.ServicerReport) int {
	if s.Rank == nil {
		return 1 << 30
	}
	return *s.Rank
}

// comparisonTable has a row for each target. Reasons have a column where all of them fit, and lines below otherwise.
func comparisonTable(c Comparison, form Form) string {
	form = form.of(c.Session)
	targets := bestFirst(c.Session.Servicers)
	columns := form.shown(comparisonColumns)
	whole := form.rows(append(slices.Clone(columns), whyColumn), targets)
	if form.unbounded() || lipgloss.Width(whole) <= form.width {
		return whole
	}
	text := form.fit(form.rows(columns, targets))
	for _, s := range targets {
		if s.Verdict != api.VerdictHealthy {
			text += form.wrap(form.name(s.Servicer), Clean(s.Reason))
		}
	}
	return text
}

// shown returns the columns that the form has.
func (f Form) shown(columns []reportColumn) []reportColumn {
	return slices.DeleteFunc(slices.Clone(columns), func(column reportColumn) bool { return column.in != nil && !column.in(f) })
}

// rows lays out targets, painted.
func (f Form) rows(columns []reportColumn, targets []api.ServicerReport) string {
	headers, rows := make([]string, len(columns)), make([][]string, len(targets))
	for i, column := range columns {
		headers[i] = f.heading(column)
		for at, s := range targets {
			rows[at] = append(rows[at], column.cell(s, f))
		}
	}
	return paintedTable(headers, rows, func(row, column int) lipgloss.Style {
		if row >= 0 && row < len(targets) && f.colour && headers[column] == verdictHeader {
			return verdictStyle(targets[row].Verdict)
		}
		return lipgloss.NewStyle()
	})
}

// wrap writes a text behind its name, in as many lines as it needs.
func (f Form) wrap(name, text string) string {
	const indent = "  "
	line := name + ": " + text
	if f.width <= len(indent)+1 {
		return line + "\n"
	}
	var wrapped strings.Builder
	for i, part := range strings.Split(lipgloss.NewStyle().Width(f.width-len(indent)).Render(line), "\n") {
		if i > 0 {
			wrapped.WriteString(indent)
		}
		wrapped.WriteString(strings.TrimRight(part, " ") + "\n")
	}
	return wrapped.String()
}

// facts are the lines below a comparison, each with its name.
func (c Comparison) facts() [][2]string {
	session := c.Session
	lines := [][2]string{
		{"chain", c.chain()},
		{"asked", fmt.Sprintf("%d checks in %v with the questions %s: %d done, %d void, %d dropped", session.ChecksPlanned, c.Length,
			orAbsent(session.Catalogue), session.ChecksDone, session.ChecksVoid, session.ChecksDropped)},
	}
	for _, reason := range session.Reasons {
		lines = append(lines, [2]string{Clean(reason.Status), fmt.Sprintf("%d because %s", reason.Checks, Clean(reason.Text))})
	}
	lines = append(lines, [2]string{"fair", c.fairness()})
	for _, t := range c.Targets {
		lines = append(lines, [2]string{Clean(t.Name), t.describe()})
	}
	return append(lines, c.notes()...)
}

// chain says which chain most targets are of.
func (c Comparison) chain() string {
	counts := make(map[string]int)
	most := ""
	for _, t := range c.Targets {
		if t.Kind == "" || c.standing(t.Name) == api.StandingOtherChain {
			continue
		}
		name := t.chain()
		counts[name]++
		if counts[name] > counts[most] {
			most = name
		}
	}
	if most == "" {
		return "unknown: no target said which it is of"
	}
	return fmt.Sprintf("%s, as %d of %d said", most, counts[most], len(c.Targets))
}

// standing is that of a target in the session.
func (c Comparison) standing(name string) api.Standing {
	for _, s := range c.Session.Servicers {
		if s.Servicer == name {
			return s.Standing
		}
	}
	return ""
}

// fairness says how far apart the requests of a check were sent.
func (c Comparison) fairness() string {
	if len(c.Skews) == 0 || slices.Max(c.Skews) == 0 {
		return "the requests of a check are sent together; no two were sent"
	}
	sorted := slices.Sorted(slices.Values(c.Skews))
	return fmt.Sprintf("the requests of a check were sent within %d µs (median), %d µs at most", sorted[(len(sorted)-1)/2], sorted[len(sorted)-1])
}

// notes say how to read the numbers, and what cannot be decided.
func (c Comparison) notes() [][2]string {
	notes := [][2]string{{"note", "shares are in percent, with their 95 % interval (Wilson); a rank is shared by those that cannot be told apart"}}
	origins, answered := make(map[string]bool), false
	for _, s := range c.Session.Servicers {
		if s.Standing != api.StandingOtherChain {
			origins[s.ServiceURL] = true
		}
		answered = answered || s.Samples > s.NullSamples || s.Throttled > 0
	}
	const leastCompared = 3 // as in package network/endpoints
	if len(origins) < leastCompared {
		notes = append(notes, [2]string{"note", fmt.Sprintf("%s to compare: answers are compared from %d on, so nobody's can be called right or wrong",
			counted(len(origins), "origin"), leastCompared)})
	}
	if !answered && c.Session.ChecksDone+c.Session.ChecksVoid > 0 {
		notes = append(notes, [2]string{"note", "no answer from anybody, so it may be this machine's network"})
	}
	return notes
}

func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// chain names the chain that a target is of: "evm chain 1".
func (t Compared) chain() string {
	name := Clean(t.Kind)
	if t.Chain != "" {
		name += " chain " + Clean(t.Chain)
	}
	return name
}

// describe says who a target is.
func (t Compared) describe() string {
	parts := []string{Clean(t.Origin)}
	switch {
	case !t.Asked:
		parts = append(parts, "not asked yet who it is")
	case t.Kind == "" && t.Problem != "":
		parts = append(parts, "did not say who it is: "+Clean(t.Problem))
	case t.Kind == "":
		parts = append(parts, "did not say who it is")
	default:
		parts = append(parts, t.chain())
	}
	if t.Client != "" {
		parts = append(parts, Clean(t.Client))
	}
	if t.Head > 0 {
		parts = append(parts, fmt.Sprintf("head %d", t.Head))
	}
	return strings.Join(parts, ", ")
}

// identities has a row for each target with what it said of itself, before the first check.
func identities(c Comparison, form Form) string {
	var rows [][]string
	for _, t := range c.Targets {
		said := t.chain()
		switch {
		case !t.Asked:
			said = "..."
		case t.Kind == "":
			said = "?"
		}
		head, why := Absent, cmp.Or(Clean(t.Client), Clean(t.Problem))
		if t.Head > 0 {
			head = fmt.Sprint(t.Head)
		}
		rows = append(rows, []string{form.name(t.Name), said, head, why})
	}
	return form.fit(Table([]string{"TARGET", "CHAIN", "HEAD", "SOFTWARE"}, rows))
}

// heading is the line above a comparison that goes on.
func (c Comparison) heading() string {
	if c.decided() == 0 {
		return "asking the targets who they are\n"
	}
	return fmt.Sprintf("check %d of %d\n", c.decided(), c.Session.ChecksPlanned)
}

// decided is how many checks are done, void or dropped.
func (c Comparison) decided() int {
	return c.Session.ChecksDone + c.Session.ChecksVoid + c.Session.ChecksDropped
}
