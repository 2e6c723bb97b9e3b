package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/qos"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func at[T any](value T) *T { return &value }

// hostileText is what an attacker might stake or sign: escape sequences, a line break, a mark that reverses text.
const hostileText = "=cmd|' /C calc'!A0\x1b[2J\r\nsession \u202egnp.exe\u009b31m"

// sampleReport has a session with every verdict and one without anything.
func sampleReport() qos.Report {
	everywhere := func(times ...float64) qos.RoundTripTimes {
		return qos.RoundTripTimes{Connections: at(qos.Warm), Samples: 9, Quantiles: qos.Quantiles{
			P10: &times[0], P25: &times[1], P50: &times[2], P75: &times[3], P90: &times[4], P99: &times[5]}}
	}
	servicers := []qos.ServicerReport{
		{Address: strings.Repeat("a1", 20), ServiceURL: "http://127.0.0.1:4001", Samples: 10, Availability: qos.Wilson(10, 10),
			RoundTripTimes: everywhere(1.1, 1.25, 1.5, 2, 12.5, 100), Consistency: qos.Consistency{Disagree: 9, Undecidable: 1, Interval: qos.Wilson(0, 9)},
			Outcomes: map[string]int{"OK": 10}, Verdict: qos.Inconsistent, Reason: "disagreed with the majority in 9 of 9 decidable checks", Rank: at(3)},
		{Address: strings.Repeat("b2", 20), ServiceURL: hostileText, Samples: 9, NullSamples: 9, NullIndices: []uint32{0, 1, 2, 3, 4, 5, 6, 7, 9}, Void: 1,
			Availability: qos.Wilson(0, 9), Outcomes: map[string]int{"CONNECT": 8, "TIMEOUT": 1, "VOID": 1}, Verdict: qos.Unavailable, Reason: hostileText, Rank: at(3)},
		{Address: strings.Repeat("c3", 20), ServiceURL: "http://127.0.0.1:4003", Samples: 10, Availability: qos.Wilson(10, 10),
			RoundTripTimes: everywhere(400.5, 401, 402.919, 403, 1234567.25, 2000000), OverSLA: 10, Consistency: qos.Consistency{Agree: 9, Undecidable: 1, Interval: qos.Wilson(9, 9)},
			Outcomes: map[string]int{"OK": 10}, Verdict: qos.Slow, Reason: "p50 402.919 ms over the SLA of 150 ms", Rank: at(1)},
		{Address: strings.Repeat("d4", 20), ServiceURL: "http://127.0.0.1:4004", Verdict: qos.Unknown, Reason: "0 samples, 3 needed"},
		{Address: strings.Repeat("e5", 20), ServiceURL: "http://127.0.0.1:4005", Samples: 10, NullSamples: 1, NullIndices: []uint32{7}, Availability: qos.Wilson(9, 10),
			RoundTripTimes: everywhere(0.000001, 1, 1.5, 2, 2.5, 3), Consistency: qos.Consistency{Agree: 9, Interval: qos.Wilson(9, 9)},
			Outcomes: map[string]int{"OK": 9, "RESET": 1}, Verdict: qos.Healthy, Reason: "answered 9 of 10 checks, agreed with the majority in 9 of 9", Rank: at(1)},
	}
	return qos.Report{Sessions: []qos.SessionReport{
		{ID: strings.Repeat("1f", 32), Height: 10, RelayChain: "0001", GeoZone: "local", Application: strings.Repeat("0a", 20),
			ChecksPlanned: 12, ChecksDone: 10, ChecksDropped: 1, ChecksVoid: 1, MaxSkewMicros: at[int64](143), Complete: true, Servicers: servicers,
			Reasons: []qos.Reason{{Status: "void", Checks: 1, Text: "this machine stalled for 213ms during the check"},
				{Status: "dropped", Checks: 1, Text: "the next check \x1b[2Jwas due as well"}}},
		{ID: strings.Repeat("2e", 32), Height: 20, RelayChain: "0001", GeoZone: "local", Application: strings.Repeat("0a", 20), ChecksPlanned: 12},
	}}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs\ngot:\n%s\nwant:\n%s", name, got, want)
	}
}

func TestReportFormsMatchGoldenFiles(t *testing.T) {
	for name, output := range map[string]string{"report.txt": outputTable, "report.csv": outputCSV, "report.json": outputJSON} {
		var written bytes.Buffer
		if err := writeReport(&written, sampleReport(), output); err != nil {
			t.Fatal(err)
		}
		golden(t, name, written.Bytes())
	}
	golden(t, "report_80.txt", []byte(reportText(sampleReport(), tableForm{width: 80})))
	golden(t, "report_140.txt", []byte(reportText(sampleReport(), tableForm{width: 140})))
	golden(t, "report_colour.txt", []byte(reportText(sampleReport(), tableForm{width: 140, colour: true})))
}

func TestEmptyReport(t *testing.T) {
	for output, want := range map[string]string{
		outputTable: "no session sampled yet\n",
		outputJSON:  "{\n  \"sessions\": []\n}\n",
		outputCSV:   strings.Join(csvHeader, ",") + "\r\n",
	} {
		var written bytes.Buffer
		if err := writeReport(&written, qos.Report{}, output); err != nil || written.String() != want {
			t.Errorf("%s: %q, %v; want %q", output, written.String(), err, want)
		}
	}
}

func TestNoFormLetsControlCharactersThrough(t *testing.T) {
	for _, output := range []string{outputTable, outputJSON, outputCSV} {
		var written bytes.Buffer
		if err := writeReport(&written, sampleReport(), output); err != nil {
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
	if err := writeReport(&written, sampleReport(), outputJSON); err != nil {
		t.Fatal(err)
	}
	var read qos.Report
	if err := json.Unmarshal(written.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if got := read.Sessions[0].Servicers[1].ServiceURL; got != hostileText {
		t.Errorf("service URL %q, want %q", got, hostileText)
	}
}

func TestCSVFormIsReadable(t *testing.T) {
	var written bytes.Buffer
	if err := writeReport(&written, sampleReport(), outputCSV); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&written).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 6 || !slices.Equal(rows[0], csvHeader) {
		t.Fatalf("%d rows, header %v", len(rows), rows[0])
	}
	cell := func(row int, column string) string { return rows[row][slices.Index(csvHeader, column)] }
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

func TestCSVTextIsNeverAFormula(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "OK=1": "OK=1", "0001": "0001", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@A1": "'@A1", " =1": "' =1", "\t=1": "' =1",
	} {
		if got := csvText(text); got != want {
			t.Errorf("csvText(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestTableFitsItsWidthAndLines(t *testing.T) {
	session := sampleReport().Sessions[0]
	for _, width := range []int{20, 79, 80, 119, 120, 200} {
		for _, lines := range []int{1, 2, 3, 5, 8} {
			form := tableForm{width: width, colour: true, lines: lines}
			text := servicerTable(session, form)
			drawn := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			for _, line := range drawn {
				if got := lipgloss.Width(line); got > width {
					t.Errorf("width %d: a line of %d: %q", width, got, line)
				}
			}
			// The first servicer is shown whatever the room; it takes two lines where its reason has no column.
			most := max(lines, 1+boolCount(form.explains(session.Servicers[0])))
			const headAndMore = 2
			if len(drawn) > most+headAndMore {
				t.Errorf("width %d, %d lines: %d drawn", width, lines, len(drawn))
			}
		}
	}
}

func boolCount(is bool) int {
	if is {
		return 1
	}
	return 0
}

func TestHiddenServicersAreCounted(t *testing.T) {
	text := servicerTable(sampleReport().Sessions[0], tableForm{width: 140, lines: 2})
	if !strings.Contains(text, "and 3 more") {
		t.Errorf("table does not tell of the hidden ones:\n%s", text)
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"plain ü 漢 text":     "plain ü 漢 text",
		"a\nb\tc\rd":         "a b c d",
		"\x1b[31mred\x1b[0m": "?[31mred?[0m",
		"nul\x00bell\a":      "nul?bell?",
		"c1\u009b31m":        "c1?31m",
		"rtl\u202eabc":       "rtl?abc",
		"zero\u200bwidth":    "zero?width",
		"bad\xffutf":         "bad?utf",
	} {
		if got := clean(text); got != want {
			t.Errorf("clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzEscapeJSON(f *testing.F) {
	f.Add(hostileText)
	f.Add("\U000e0001 \ufeff \u2028")
	f.Fuzz(func(t *testing.T, text string) {
		encoded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var want, got string
		if err := json.Unmarshal(encoded, &want); err != nil {
			t.Fatal(err)
		}
		escaped := escapeJSON(string(encoded))
		if err := json.Unmarshal([]byte(escaped), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q became %q (%v)", want, got, err)
		}
		if clean(escaped) != escaped {
			t.Fatalf("%q still has what a terminal acts on", escaped)
		}
	})
}
