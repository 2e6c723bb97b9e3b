package fisherman

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

func TestReportFormsMatchGoldenFiles(t *testing.T) {
	for name, output := range map[string]string{"report.txt": command.OutputTable, "report.csv": command.OutputCSV, "report.json": command.OutputJSON} {
		var written bytes.Buffer
		if err := writeReport(&written, clienttest.Report(), output); err != nil {
			t.Fatal(err)
		}
		clienttest.Golden(t, name, written.Bytes())
	}
}

func TestEmptyReport(t *testing.T) {
	for output, want := range map[string]string{
		command.OutputTable: "no session sampled yet\n",
		command.OutputJSON:  "{\n  \"rolling\": [],\n  \"sessions\": []\n}\n",
		command.OutputCSV:   strings.Join(command.ReportHeader, ",") + "\r\n",
	} {
		var written bytes.Buffer
		if err := writeReport(&written, api.Report{Rolling: []api.RollingReport{}, Sessions: []api.SessionReport{}}, output); err != nil || written.String() != want {
			t.Errorf("%s: %q, %v; want %q", output, written.String(), err, want)
		}
	}
}

func TestNoFormLetsControlCharactersThrough(t *testing.T) {
	for _, output := range []string{command.OutputTable, command.OutputJSON, command.OutputCSV} {
		var written bytes.Buffer
		if err := writeReport(&written, clienttest.Report(), output); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(written.String(), "\r\n", "\n")
		if strings.ContainsAny(text, "\x1b\r\u202e\u009b") {
			t.Errorf("%s passes on what a terminal acts on: %q", output, text)
		}
	}
}

func TestJSONFormKeepsEveryValue(t *testing.T) {
	var written bytes.Buffer
	if err := writeReport(&written, clienttest.Report(), command.OutputJSON); err != nil {
		t.Fatal(err)
	}
	var read api.Report
	if err := json.Unmarshal(written.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if got := read.Sessions[0].Servicers[1].ServiceURL; got != clienttest.Hostile {
		t.Errorf("service URL %q, want %q", got, clienttest.Hostile)
	}
}

func TestCSVFormIsReadable(t *testing.T) {
	var written bytes.Buffer
	if err := writeReport(&written, clienttest.Report(), command.OutputCSV); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&written).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 6 || !slices.Equal(rows[0], command.ReportHeader) {
		t.Fatalf("%d rows, header %v", len(rows), rows[0])
	}
	cell := func(row int, column string) string { return rows[row][slices.Index(command.ReportHeader, column)] }
	for _, test := range []struct {
		row          int
		column, want string
	}{
		{1, "session_id", strings.Repeat("1f", 32)}, {1, "max_skew_us", "143"}, {1, "complete", "true"},
		{2, "null_indices", "0;1;2;3;4;5;6;7;9"}, {2, "rtt_p50_ms", ""}, {2, "consistency", ""}, {2, "outcomes", "CONNECT=8;TIMEOUT=1;VOID=1"},
		{2, "service_url", "'=cmd|' /C calc'!A0?[2J  session ?gnp.exe?31m"},
		{3, "rtt_p90_ms", "1234567.25"}, {5, "rtt_p10_ms", "0.000001"}, {4, "availability", ""},
		{1, "rank", "3"}, {4, "rank", ""}, {1, "rtt_connections", "warm"}, {1, "rtt_samples", "9"}, {2, "rtt_connections", ""}, {2, "rtt_samples", "0"},
	} {
		if got := cell(test.row, test.column); got != test.want {
			t.Errorf("row %d, %s: %q, want %q", test.row, test.column, got, test.want)
		}
	}
}
