package terminal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// sampleColumn is one column of a sample's row. Least is the width of a terminal from which on it is shown.
type sampleColumn struct {
	header string
	least  int
	cell   func(api.Round, *api.Sample) string
}

// sampleColumns are the columns in order. A sample is nil when the servicer was not asked.
var sampleColumns = []sampleColumn{
	{"", 0, nil}, // the mark
	{"CHECK", 0, func(r api.Round, _ *api.Sample) string { return checkName(r) }},
	{"SENT (UTC)", 0, of(sentAt)},
	{"OUTCOME", 0, outcomeText},
	{"RTT ms", 0, of(func(s *api.Sample) string { return millis(s.RoundTripTime) })},
	{"TTFB ms", 90, of(func(s *api.Sample) string { return millis(s.TimeToFirstByte) })},
	{"CONNECTION", 100, of(connectionText)},
	{"ANSWER", 0, of(func(s *api.Sample) string { return orAbsent(s.Consistency) })},
	{"BLAME", 110, of(func(s *api.Sample) string { return orAbsent(s.Blame) })},
	{"CLOCK", 150, of(func(s *api.Sample) string { return orAbsent(s.Timing) })},
	{"QUESTION", 130, func(r api.Round, _ *api.Sample) string { return Clean(Short(r.Question)) }},
	{"DETAIL", 0, detailText},
}

// checkName is the index of a check in its session's plan, from 0, as everywhere in the API.
func checkName(round api.Round) string { return fmt.Sprintf("#%d", round.Index) }

// of makes a cell of a sample that may not be there.
func of(cell func(*api.Sample) string) func(api.Round, *api.Sample) string {
	return func(_ api.Round, s *api.Sample) string {
		if s == nil {
			return Absent
		}
		return cell(s)
	}
}

// samplesTable has the samples of the picked servicer, newest first, from where it was scrolled to.
func (s screen) samplesTable(session observer.Session, lines int) string {
	picked := s.picked()
	if picked == nil {
		return fmt.Sprintf("the %s is no member of this session any more\n", s.whom())
	}
	text := Form{width: s.width}.laid(fmt.Sprintf("%s  %s\n%s: %s\n\n", strong.Render(Clean(picked.Servicer)), Clean(picked.ServiceURL),
		verdictStyle(picked.Verdict).Render(Clean(string(picked.Verdict))), Clean(picked.Reason)))
	others := strings.Count(text, "\n") + 2 // names of columns, and the line on how many rows there are
	rounds := slices.Clone(session.Rounds)
	slices.Reverse(rounds)
	rows := max(lines-others, 1)
	first := min(s.top, max(len(rounds)-rows, 0))
	shown := rounds[first:min(first+rows, len(rounds))]
	if len(shown) == 0 {
		return text + "no check yet\n"
	}
	text += s.sampleRows(shown, picked.Servicer, session.Report.MaxLag)
	return text + faint.Render(fmt.Sprintf("checks %d to %d of %d stored, newest first", first+1, first+len(shown), len(rounds))) + "\n"
}

// leastDetail is the least width of a column of details.
const leastDetail = 16

// sampleRows has a row for each check. Details end between words where lines are too short; columns that do not fit are
// left out, the last ones first.
func (s screen) sampleRows(rounds []api.Round, servicer string, maxLag int64) string {
	last := len(sampleColumns) - 1
	columns := slices.DeleteFunc(slices.Clone(sampleColumns[:last]), func(column sampleColumn) bool { return column.least > s.width })
	table := s.sampleTable(columns, rounds, servicer, maxLag)
	for len(columns) > 2 && tableWidth(table) > s.width {
		columns = columns[:len(columns)-1]
		table = s.sampleTable(columns, rounds, servicer, maxLag)
	}
	details := sampleColumns[last]
	room := s.width - tableWidth(table) - len(partGap)
	if room < leastDetail {
		return table
	}
	whole := details.cell
	details.cell = func(round api.Round, sample *api.Sample) string { return abridged(whole(round, sample), room, 1)[0] }
	return s.sampleTable(append(columns, details), rounds, servicer, maxLag)
}

func (s screen) sampleTable(columns []sampleColumn, rounds []api.Round, servicer string, maxLag int64) string {
	var headers []string
	for _, column := range columns {
		headers = append(headers, column.header)
	}
	rows := make([][]string, 0, len(rounds))
	for _, round := range rounds {
		row := []string{markOf(round, servicer, maxLag).draw(true)}
		for _, column := range columns[1:] {
			row = append(row, column.cell(round, observer.Sample(round, servicer)))
		}
		rows = append(rows, row)
	}
	return paintedTable(headers, rows, func(int, int) lipgloss.Style { return lipgloss.NewStyle() })
}

func sentAt(sample *api.Sample) string {
	if sample.Sent == nil {
		return Absent
	}
	return sample.Sent.UTC().Format("15:04:05.000")
}

// outcomeText is the outcome of a sample, or what became of the check without one.
func outcomeText(round api.Round, sample *api.Sample) string {
	switch {
	case round.Status != roundDone:
		return Clean(round.Status)
	case sample == nil:
		return "not asked"
	}
	return Clean(sample.Outcome)
}

// connectionText is "kept", or what a new connection took.
func connectionText(sample *api.Sample) string {
	if sample.Reused {
		return "kept"
	}
	total, known := 0.0, false
	for _, phase := range []*float64{sample.DNS, sample.Connect, sample.TLS} {
		if phase != nil {
			total, known = total+*phase, true
		}
	}
	if !known {
		return Absent
	}
	return fmt.Sprintf("new %s", time.Duration(total*float64(time.Millisecond)).Round(time.Microsecond))
}

// detailText explains what went wrong.
func detailText(round api.Round, sample *api.Sample) string {
	switch {
	case round.Status != roundDone:
		return Clean(round.Reason)
	case sample == nil:
		return ""
	case sample.RelayError != nil:
		return Clean(*sample.RelayError + " " + sample.Detail)
	case sample.Detail != "":
		return Clean(sample.Detail)
	case sample.Head != nil:
		return headText(sample)
	case sample.OverSLA:
		return "over the SLA"
	case api.Value(sample.Answer) == api.AnswerClassAgreedError:
		return "an error or nothing, as most answered"
	}
	return ""
}

// headText says what height a sample claims, and how far that is behind: "head 1000, 62 blocks behind".
func headText(sample *api.Sample) string {
	text := fmt.Sprintf("head %d", api.Value(sample.Head))
	if lag := api.Value(sample.Lag); lag > 0 {
		text += ", " + Behind(lag)
	}
	return text
}

// Behind returns a lag in words: "62 blocks behind".
func Behind(blocks int64) string {
	if blocks == 1 {
		return "1 block behind"
	}
	return fmt.Sprintf("%d blocks behind", blocks)
}

func orAbsent[Text ~string](text *Text) string {
	if text == nil {
		return Absent
	}
	return Clean(*text)
}
