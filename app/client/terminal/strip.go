package terminal

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Words of the API for checks and samples.
const (
	roundDone    = "DONE"
	roundDropped = "DROPPED"
	outcomeOK    = "OK"
	outcomeVoid  = "VOID"
	disagree     = "DISAGREE"

	outcomeThrottled = "THROTTLED"
)

// mark is how one check of one servicer is drawn. Each has a sign of its own, so that no meaning is in the colour alone.
type mark struct {
	sign, meaning string
	style         lipgloss.Style
}

// The marks, in the order of the legend.
var (
	markAnswered  = mark{"■", "answered", lipgloss.NewStyle().Foreground(lipgloss.Green)}
	markOverSLA   = mark{"▲", "over SLA", lipgloss.NewStyle().Foreground(lipgloss.Yellow)}
	markBehind    = mark{"↓", "behind", lipgloss.NewStyle().Foreground(lipgloss.Yellow)}
	markDisagrees = mark{"≠", "disagrees", lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Magenta)}
	markNull      = mark{"✗", "no answer", lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Red)}
	markVoid      = mark{"○", "void", lipgloss.NewStyle().Faint(true)}
	markThrottled = mark{"~", "throttled", lipgloss.NewStyle().Faint(true)}
	markDropped   = mark{"-", "dropped", lipgloss.NewStyle().Faint(true)}
	markNotAsked  = mark{"·", "not asked", lipgloss.NewStyle().Faint(true)}
)

var marks = []mark{markAnswered, markOverSLA, markBehind, markDisagrees, markNull, markVoid, markDropped, markNotAsked}

// markOf is the mark of a servicer in a round. What counts worst is shown: a contradiction before slowness. maxLag is that
// of the session.
func markOf(round api.Round, servicer string, maxLag int64) mark {
	if round.Status == roundDropped {
		return markDropped
	}
	asked := observer.Sample(round, servicer)
	switch {
	case asked == nil:
		return markNotAsked
	case asked.Outcome == outcomeThrottled:
		return markThrottled
	case round.Status != roundDone || asked.Outcome == outcomeVoid:
		return markVoid
	case asked.Outcome != outcomeOK:
		return markNull
	case asked.Consistency != nil && *asked.Consistency == disagree:
		return markDisagrees
	case maxLag > 0 && api.Value(asked.Lag) > maxLag:
		return markBehind
	case asked.OverSLA:
		return markOverSLA
	}
	return markAnswered
}

// strip draws every check of a session's plan for one servicer, the first on the left; with more checks than width, the
// newest that are decided. A check that is still to come, and one that asked others only, is a dot.
func strip(session observer.Session, servicer string, width int, colour bool) string {
	byIndex := make(map[int]api.Round, len(session.Rounds))
	end := min(session.Report.ChecksPlanned, width)
	for _, round := range session.Rounds {
		byIndex[int(round.Index)] = round
		end = max(end, int(round.Index)+1)
	}
	var drawn strings.Builder
	for index := max(end-width, 0); index < end; index++ {
		shown := markNotAsked
		if round, stored := byIndex[index]; stored {
			shown = markOf(round, servicer, session.Report.MaxLag)
		}
		drawn.WriteString(shown.draw(colour))
	}
	return drawn.String()
}

func (m mark) draw(colour bool) string {
	if !colour {
		return m.sign
	}
	return m.style.Render(m.sign)
}

// legend explains the marks, in lines of at most a width: that of throttled checks where there are any.
func legend(colour, throttled bool, width int) string {
	var text strings.Builder
	taken, marks := 0, marks
	if throttled {
		marks = append(slices.Clone(marks), markThrottled)
	}
	for _, shown := range marks {
		part := fmt.Sprintf("%s %s", shown.draw(colour), shown.meaning)
		switch wide := lipgloss.Width(part); {
		case taken == 0:
			taken = wide
		case taken+2+wide > width:
			text.WriteString("\n")
			taken = wide
		default:
			text.WriteString("  ")
			taken += 2 + wide
		}
		text.WriteString(part)
	}
	return text.String()
}
