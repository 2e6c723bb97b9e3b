package fisherman

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Each row of a report says whose a supplier is, and what it has staked.
func TestRowsOfSuppliers(t *testing.T) {
	suppliers := clienttest.Suppliers().Sessions[0].Servicers
	for name, write := range map[string]func(*bytes.Buffer, string) error{
		"sessions": func(out *bytes.Buffer, form string) error { return writeReport(out, clienttest.Suppliers(), form) },
		"a window": func(out *bytes.Buffer, form string) error {
			return writeWindows(out, clienttest.SuppliersWindow(), form)
		},
	} {
		var written bytes.Buffer
		if err := write(&written, command.OutputCSV); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&written).ReadAll()
		if err != nil || len(rows) != 3 {
			t.Fatalf("%s: %v, %v", name, rows, err)
		}
		last := slices.Index(rows[0], "owner")
		if last < 0 || rows[0][last+1] != "stake_upokt" || rows[2][last] != *suppliers[1].Owner || rows[2][last+1] != "60005000000" ||
			!strings.HasPrefix(rows[1][last], "'=cmd") || rows[1][last+1] != "" {
			t.Errorf("%s: %q", name, rows)
		}
		var shown bytes.Buffer
		if err := write(&shown, command.OutputJSON); err != nil {
			t.Fatal(err)
		}
		if text := shown.String(); !strings.Contains(text, `"stake_upokt": "60005000000"`) || !strings.Contains(text, `"stake_upokt": null`) || !strings.Contains(text, `"unverifiable"`) {
			t.Errorf("%s: %s", name, text)
		}
		var table bytes.Buffer
		if err := write(&table, command.OutputTable); err != nil {
			t.Fatal(err)
		}
		if text := table.String(); !strings.Contains(text, *suppliers[1].Owner) || !strings.Contains(text, "60005000000") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// What became of a check is said in the words of the live Pocket network.
func TestCheckOfASupplier(t *testing.T) {
	blame := api.BlameServicer
	sample := api.Sample{Servicer: "pokt1s", ServiceURL: "https://s.example", Outcome: api.OutcomeOK}
	for _, verdict := range []api.CheckVerdict{api.CheckVerdictVoid, api.CheckVerdictThrottled, api.CheckVerdictNull, api.CheckVerdictInconsistent, api.CheckVerdictSlow,
		api.CheckVerdictUndecidable, api.CheckVerdictOK} {
		for _, outcome := range []api.Outcome{api.OutcomeTimeout, api.OutcomeDNS, api.OutcomeConnect, api.OutcomeTLS, api.OutcomeReset, api.OutcomeHTTPStatus, api.OutcomeMalformed,
			api.OutcomeTooLarge, api.OutcomeBadSignature, api.OutcomeWrongBinding, api.OutcomeMissing, api.OutcomeBackendError, api.OutcomeRelayError} {
			one, elapsed, label := sample, 12.5, "relayer_proxy/9"
			one.Outcome, one.Blame, one.RelayError, one.RoundTripTime, one.TimeToFirstByte, one.Detail = outcome, &blame, &label, &elapsed, &elapsed, "seen"
			report := api.CheckReport{Network: api.NetworkShannon, Servicer: "pokt1s", Verdict: verdict, Session: api.EvidenceSession{ID: "s", RelayChain: "eth-on-pocket"},
				Samples: []api.CheckSample{{Sample: one}, {Sample: sample}}}
			result := &checkResult{Verdict: string(verdict), Check: report, Explanation: explainReport(report)}
			text := result.text()
			if strings.Contains(strings.ToLower(text), "servicer") || strings.Contains(text, "target") || strings.Contains(text, "not known to this program") ||
				!strings.Contains(text, "supplier pokt1s") || !strings.Contains(text, "group eth-on-pocket") || !strings.Contains(text, "signature") {
				t.Errorf("%s, %s:\n%s", verdict, outcome, text)
			}
		}
	}
}
