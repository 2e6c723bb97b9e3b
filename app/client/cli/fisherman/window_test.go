package fisherman

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

func TestWindowFormsMatchGoldenFiles(t *testing.T) {
	for name, output := range map[string]string{"window.txt": command.OutputTable, "window.csv": command.OutputCSV, "window.json": command.OutputJSON} {
		var written bytes.Buffer
		if err := writeWindows(&written, clienttest.Windows(), output); err != nil {
			t.Fatal(err)
		}
		clienttest.Golden(t, name, written.Bytes())
		text := strings.ReplaceAll(written.String(), "\r\n", "\n")
		if strings.ContainsAny(text, "\x1b\r\u202e\u009b") {
			t.Errorf("%s passes on what a terminal acts on: %q", output, text)
		}
	}
}

func TestWindowJSONIsReadBack(t *testing.T) {
	var written bytes.Buffer
	if err := writeWindows(&written, clienttest.Windows(), command.OutputJSON); err != nil {
		t.Fatal(err)
	}
	var read api.WindowsReport
	if err := json.Unmarshal(written.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	first := read.Windows[0]
	if first.GeoZone != clienttest.Hostile || !first.To.Equal(*clienttest.Windows().Windows[0].To) ||
		!maps.Equal(first.Servicers[2].Verdicts, map[api.Verdict]int{api.VerdictSlow: 2, api.VerdictHealthy: 1}) {
		t.Errorf("read back as %+v", first)
	}
}

func TestWindowCSVIsReadable(t *testing.T) {
	var written bytes.Buffer
	if err := writeWindows(&written, clienttest.Windows(), command.OutputCSV); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&written).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 6 || !slices.Equal(rows[0], command.WindowHeader) {
		t.Fatalf("%d rows, header %v", len(rows), rows[0])
	}
	for _, test := range []struct {
		row          int
		column, want string
	}{
		{1, "window", "24h"}, {1, "rtt_relative_error", "0.001"}, {1, "window_sessions", "3"}, {1, "sessions_left_out", "1"},
		{1, "applications", strings.Repeat("0a", 20) + ";" + strings.Repeat("0b", 20)}, {1, "to", "2026-03-01T12:00:29.25Z"},
		{3, "verdicts", "healthy=1;slow=2"}, {3, "null_samples_allowed", "6"}, {3, "samples_required", "9"}, {3, "rtt_p50_ms", "402.919"},
		{3, "rank", "1"}, {4, "rank", ""}, {2, "outcomes", "CONNECT=8;TIMEOUT=1;VOID=1"}, {1, "reason", "disagreed with the majority in 9 of 9 decidable checks"},
	} {
		if got := rows[test.row][slices.Index(command.WindowHeader, test.column)]; got != test.want {
			t.Errorf("row %d, %s: %q, want %q", test.row, test.column, got, test.want)
		}
	}
}

func TestEmptyWindows(t *testing.T) {
	for output, want := range map[string]string{
		command.OutputTable: "no session sampled yet\n",
		command.OutputJSON:  "{\n  \"window\": \"3\",\n  \"rtt_relative_error\": 0.001,\n  \"windows\": []\n}\n",
		command.OutputCSV:   strings.Join(command.WindowHeader, ",") + "\r\n",
	} {
		var written bytes.Buffer
		report := api.WindowsReport{Window: "3", RelativeError: qos.RelativeError, Windows: []api.WindowReport{}}
		if err := writeWindows(&written, report, output); err != nil || written.String() != want {
			t.Errorf("%s: %q, %v; want %q", output, written.String(), err, want)
		}
	}
}
