package fisherman

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
)

// Below a merged row stand its places, in every form.
func TestVantageFormsMatchGoldenFiles(t *testing.T) {
	for name, output := range map[string]string{"vantages.txt": command.OutputTable, "vantages.csv": command.OutputCSV} {
		var written bytes.Buffer
		if err := writeRolling(&written, clienttest.Vantages(), output); err != nil {
			t.Fatal(err)
		}
		clienttest.Golden(t, name, written.Bytes())
	}
}

func TestVantageRowsAreReadable(t *testing.T) {
	var written bytes.Buffer
	if err := writeRolling(&written, clienttest.Vantages(), command.OutputCSV); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&written).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	head := rows[0]
	if len(rows) != 8 || !slices.Equal(head[:len(command.RollingHeader)], command.RollingHeader) {
		t.Fatalf("%d rows, header %v", len(rows), head)
	}
	for _, test := range []struct {
		row          int
		column, want string
	}{
		{1, "vantage", ""}, {1, "samples", "60"}, {1, "rtt_p50_ms", ""}, {2, "vantage", "frankfurt"}, {2, "servicer", "own-node"}, {2, "rtt_p50_ms", "4.2"},
		{3, "vantage_state", "path"}, {3, "path_nulls", "30"}, {3, "samples", "0"}, {7, "vantage", "sydney"}, {7, "servicer", "provider"},
	} {
		if got := rows[test.row][slices.Index(head, test.column)]; got != test.want {
			t.Errorf("row %d, %s: %q, want %q", test.row, test.column, got, test.want)
		}
	}
}

// A session says whose it is, and a row of the CSV form too.
func TestSessionsOfVantagePoints(t *testing.T) {
	report := clienttest.Report()
	report.Sessions[0].Vantage = "sydney"
	var table, rows bytes.Buffer
	if err := writeReport(&table, report, command.OutputTable); err != nil {
		t.Fatal(err)
	}
	if err := writeReport(&rows, report, command.OutputCSV); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), " at sydney") {
		t.Errorf("no place in\n%s", table.String())
	}
	first, _, _ := strings.Cut(rows.String(), "\n")
	if !strings.HasSuffix(strings.TrimSpace(first), ",vantage") || !strings.Contains(rows.String(), ",sydney") {
		t.Errorf("no place in\n%s", rows.String())
	}
}
