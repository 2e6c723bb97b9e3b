package fisherman

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

func rollingReport() api.Report {
	report := clienttest.Report()
	report.Rolling = clienttest.Rolling()
	return report
}

func TestRollingFormsMatchGoldenFiles(t *testing.T) {
	for name, output := range map[string]string{"rolling.txt": command.OutputTable, "rolling.csv": command.OutputCSV, "rolling.json": command.OutputJSON} {
		var written bytes.Buffer
		if err := writeRolling(&written, rollingReport(), output); err != nil {
			t.Fatal(err)
		}
		clienttest.Golden(t, name, written.Bytes())
		if text := strings.ReplaceAll(written.String(), "\r\n", "\n"); strings.ContainsAny(text, "\x1b\r\u202e\u009b") {
			t.Errorf("%s passes on what a terminal acts on: %q", output, text)
		}
	}
}

// What holds now comes before the sessions, which stay as they are.
func TestReportBeginsWithWhatHoldsNow(t *testing.T) {
	var with, without bytes.Buffer
	if err := writeReport(&with, rollingReport(), command.OutputTable); err != nil {
		t.Fatal(err)
	}
	if err := writeReport(&without, clienttest.Report(), command.OutputTable); err != nil {
		t.Fatal(err)
	}
	now := terminal.RollingText(clienttest.Rolling(), terminal.FormFor(&with))
	if with.String() != now+"\n"+without.String() {
		t.Errorf("got %q", with.String())
	}
	if !strings.Contains(now, "not asked yet") || strings.Contains(now, "no answer") {
		t.Errorf("what was not asked is shown as\n%s", now)
	}
}

func TestRollingCSVIsReadable(t *testing.T) {
	var written bytes.Buffer
	if err := writeRolling(&written, rollingReport(), command.OutputCSV); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&written).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 6 || !slices.Equal(rows[0], command.RollingHeader) {
		t.Fatalf("%d rows, header %v", len(rows), rows[0])
	}
	for _, test := range []struct {
		row          int
		column, want string
	}{
		{1, "checks_at_most", "30"}, {1, "max_age_seconds", "3600"}, {1, "asked_at", "2026-05-04T12:00:00.25Z"}, {1, "running", "true"},
		{4, "verdict", "not_asked_yet"}, {4, "asked_at", ""}, {5, "running", "false"}, {5, "checks", "10"}, {3, "rtt_p50_ms", "402.919"}, {2, "void", "1"},
	} {
		if got := rows[test.row][slices.Index(command.RollingHeader, test.column)]; got != test.want {
			t.Errorf("row %d, %s: %q, want %q", test.row, test.column, got, test.want)
		}
	}
}
