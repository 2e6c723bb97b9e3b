package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
)

// sampleWindows has the servicers of sampleReport as those of a window, and a window without anything.
func sampleWindows() qos.WindowsReport {
	var servicers []qos.WindowServicer
	for _, s := range sampleReport().Sessions[0].Servicers {
		servicers = append(servicers, qos.WindowServicer{Address: s.Address, ServiceURL: s.ServiceURL, Sessions: 3,
			Verdicts: map[qos.Verdict]int{s.Verdict: 2, qos.Healthy: 1}, Samples: s.Samples, NullSamples: s.NullSamples, Void: s.Void,
			NullSamplesAllowed: 6, SamplesRequired: 9, Availability: s.Availability, RoundTripTimes: s.RoundTripTimes, OverSLA: s.OverSLA,
			Consistency: s.Consistency, Outcomes: s.Outcomes, Verdict: s.Verdict, Reason: s.Reason, Rank: s.Rank})
	}
	from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return qos.WindowsReport{Window: "24h", RelativeError: qos.RelativeError, Windows: []qos.WindowReport{
		{RelayChain: "0001", GeoZone: hostileText, Applications: []string{strings.Repeat("0a", 20), strings.Repeat("0b", 20)}, Sessions: 3, SessionsLeftOut: 1,
			FirstHeight: at[int64](10), LastHeight: at[int64](39), From: &from, To: at(from.Add(29*time.Second + 250*time.Millisecond)),
			ChecksPlanned: 36, ChecksDone: 30, ChecksDropped: 4, ChecksVoid: 2, MaxSkewMicros: at[int64](143), Servicers: servicers},
		{RelayChain: "0021", GeoZone: "local", SessionsLeftOut: 1},
	}}
}

func TestWindowFormsMatchGoldenFiles(t *testing.T) {
	for name, output := range map[string]string{"window.txt": outputTable, "window.csv": outputCSV, "window.json": outputJSON} {
		var written bytes.Buffer
		if err := writeWindows(&written, sampleWindows(), output); err != nil {
			t.Fatal(err)
		}
		golden(t, name, written.Bytes())
		text := strings.ReplaceAll(written.String(), "\r\n", "\n")
		if strings.ContainsAny(text, "\x1b\r\u202e\u009b") {
			t.Errorf("%s passes on what a terminal acts on: %q", output, text)
		}
	}
	golden(t, "window_80.txt", []byte(windowsText(sampleWindows(), tableForm{width: 80})))
}

func TestWindowJSONIsReadBack(t *testing.T) {
	var written bytes.Buffer
	if err := writeWindows(&written, sampleWindows(), outputJSON); err != nil {
		t.Fatal(err)
	}
	var read qos.WindowsReport
	if err := json.Unmarshal(written.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	first := read.Windows[0]
	if first.GeoZone != hostileText || !first.To.Equal(*sampleWindows().Windows[0].To) ||
		!maps.Equal(first.Servicers[2].Verdicts, map[qos.Verdict]int{qos.Slow: 2, qos.Healthy: 1}) {
		t.Errorf("read back as %+v", first)
	}
}

func TestWindowCSVIsReadable(t *testing.T) {
	var written bytes.Buffer
	if err := writeWindows(&written, sampleWindows(), outputCSV); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&written).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 6 || !slices.Equal(rows[0], csvWindowHeader) {
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
		if got := rows[test.row][slices.Index(csvWindowHeader, test.column)]; got != test.want {
			t.Errorf("row %d, %s: %q, want %q", test.row, test.column, got, test.want)
		}
	}
}

func TestEmptyWindows(t *testing.T) {
	for output, want := range map[string]string{
		outputTable: "no session sampled yet\n",
		outputJSON:  "{\n  \"window\": \"3\",\n  \"rtt_relative_error\": 0.001,\n  \"windows\": []\n}\n",
		outputCSV:   strings.Join(csvWindowHeader, ",") + "\r\n",
	} {
		var written bytes.Buffer
		report := qos.WindowsReport{Window: "3", RelativeError: qos.RelativeError}
		if err := writeWindows(&written, report, output); err != nil || written.String() != want {
			t.Errorf("%s: %q, %v; want %q", output, written.String(), err, want)
		}
	}
}
