package terminal

import (
	"strings"
	"testing"

	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
)

func TestReportsOfATerminalMatchGoldenFiles(t *testing.T) {
	clienttest.Golden(t, "report_80.txt", []byte(ReportText(clienttest.Report(), Form{width: 80})))
	clienttest.Golden(t, "report_140.txt", []byte(ReportText(clienttest.Report(), Form{width: 140})))
	clienttest.Golden(t, "report_colour.txt", []byte(ReportText(clienttest.Report(), Form{width: 140, colour: true})))
}

func TestTableFitsItsWidthAndLines(t *testing.T) {
	session := clienttest.Report().Sessions[0]
	for _, width := range []int{20, 79, 80, 119, 120, 200} {
		for _, lines := range []int{1, 2, 3, 5, 8} {
			form := Form{width: width, colour: true, lines: lines}
			text := servicerTable(session, form)
			drawn := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			for _, line := range drawn {
				if got := lipgloss.Width(line); got > width {
					t.Errorf("width %d: a line of %d: %q", width, got, line)
				}
			}
			// The first servicer is shown whatever the room; its reason follows below where it has no column.
			most := max(lines, 1+reasonLines)
			const headAndMore = 2
			if len(drawn) > most+headAndMore {
				t.Errorf("width %d, %d lines: %d drawn", width, lines, len(drawn))
			}
		}
	}
}

func TestHiddenServicersAreCounted(t *testing.T) {
	text := servicerTable(clienttest.Report().Sessions[0], Form{width: 160, lines: 2})
	if !strings.Contains(text, "and 3 more") {
		t.Errorf("table does not tell of the hidden ones:\n%s", text)
	}
}
