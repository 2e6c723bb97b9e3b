package fisherman

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// historyNode answers history with one point of a servicer with a hostile name, and notes what it was asked.
func historyNode(t *testing.T, asked *string) string {
	t.Helper()
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = r.URL.Path + "?" + r.URL.RawQuery
		from := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
		point := api.HistoryPoint{From: from, To: from.Add(time.Hour), Checks: 4, Samples: 3, NullSamples: 1, Void: 1, Availability: qos.Wilson(2, 3),
			Outcomes: api.Outcomes{"OK": 2, "TIMEOUT": 1, "VOID": 1}}
		history := api.History{From: from, To: from.Add(24 * time.Hour), StepSeconds: 3600, Checks: []api.HistoryChecks{},
			Series: []api.HistorySeries{{Servicer: clienttest.Hostile, ServiceURL: clienttest.Hostile, RelayChain: "0001", GeoZone: "zone-1", Total: point, Points: []api.HistoryPoint{point}}}}
		if servicer := r.URL.Query().Get("servicer"); servicer != "" {
			history.Servicer = &servicer
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(history)
	}))
	t.Cleanup(node.Close)
	return node.URL
}

func TestHistoryAsksForWhatItWasTold(t *testing.T) {
	var asked string
	node := historyNode(t, &asked)
	for _, test := range []struct {
		args []string
		want string
		code command.ExitCode
	}{
		{[]string{}, "/v1/qos/history?last=24h0m0s&step=30m0s", command.ExitOK},
		{[]string{"--output", "json"}, "/v1/qos/history?last=24h0m0s", command.ExitOK},
		{[]string{"--last", "30d", "--step", "1d", "--relay-chain", "0001"}, "/v1/qos/history?last=720h0m0s&relay_chain=0001&step=24h0m0s", command.ExitOK},
		{[]string{"own-node", "--last", "1h", "--output", "csv"}, "/v1/qos/history?last=1h0m0s&servicer=own-node", command.ExitOK},
		{[]string{"--servicer", "own-node", "--output", "csv"}, "/v1/qos/history?last=24h0m0s&servicer=own-node", command.ExitOK},
		{[]string{"own-node", "--servicer", "other"}, "", command.ExitUsage},
		{[]string{"one", "two"}, "", command.ExitUsage},
		{[]string{"--last", "soon"}, "", command.ExitUsage},
		{[]string{"--step", "7m"}, "", command.ExitUsage},
	} {
		asked = ""
		if code, _, stderr := run(t, node, append([]string{"history"}, test.args...)...); code != test.code || asked != test.want {
			t.Errorf("%v: exit code %d, asked for %q: %s", test.args, code, asked, stderr)
		}
	}
}

func TestHistoryFormsAreWholeAndPrintable(t *testing.T) {
	var asked string
	node := historyNode(t, &asked)
	for _, output := range []string{command.OutputTable, command.OutputJSON, command.OutputCSV} {
		for _, servicer := range [][]string{nil, {"own-node"}} {
			code, stdout, _ := run(t, node, append([]string{"history", "--output", output}, servicer...)...)
			if text := strings.ReplaceAll(stdout, "\r\n", "\n"); code != command.ExitOK || strings.ContainsAny(text, "\x1b\r\u202e\u009b") {
				t.Errorf("%s: exit code %d: %q", output, code, text)
			}
		}
	}
	_, stdout, _ := run(t, node, "history", "--output", "csv")
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || len(rows) != 2 || !slices.Equal(rows[0], command.HistoryHeader) || len(rows[1]) != len(rows[0]) {
		t.Fatalf("%v, %v", rows, err)
	}
	for column, want := range map[string]string{"checks": "4", "null_samples": "1", "from": "2026-05-04T00:00:00Z", "outcomes": "OK=2;TIMEOUT=1;VOID=1", "rtt_p50_ms": "", "relay_chain": "0001"} {
		if got := rows[1][slices.Index(rows[0], column)]; got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	_, stdout, _ = run(t, node, "history", "--output", "json")
	var read api.History
	if err := json.Unmarshal([]byte(stdout), &read); err != nil || read.Series[0].Servicer != clienttest.Hostile {
		t.Errorf("%+v, %v", read, err)
	}
}

func TestQoSTakesTheNewestSessions(t *testing.T) {
	var asked string
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.RawQuery
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(api.Report{Sessions: []api.SessionReport{}})
	}))
	defer node.Close()
	if code, _, stderr := run(t, node.URL, "qos", "--last", "3", "--output", "json"); code != command.ExitOK || asked != "last=3" {
		t.Errorf("exit code %d, asked %q: %s", code, asked, stderr)
	}
	for _, args := range [][]string{{"--last", "0"}, {"--last", "1001"}, {"--last", "2", "--window", "3"}} {
		if code, _, _ := run(t, node.URL, append([]string{"qos"}, args...)...); code != command.ExitUsage {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}
