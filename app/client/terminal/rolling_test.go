package terminal

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

func TestRollingAtEightyColumns(t *testing.T) {
	text := RollingText(clienttest.Rolling(), Form{width: 80})
	clienttest.Golden(t, "rolling_80.txt", []byte(text))
	for line := range strings.Lines(text) {
		if wide := len([]rune(strings.TrimSuffix(line, "\n"))); wide > 80 {
			t.Errorf("%d cells: %s", wide, line)
		}
	}
}

func TestRollingOfTargetsAndSuppliers(t *testing.T) {
	group := api.RollingReport{RelayChain: "ethereum", Checks: 100, MaxAgeSeconds: 5400, Servicers: []api.RollingServicer{
		{Servicer: "provider-a", Running: true, Verdict: api.VerdictHealthy, Reason: "answered 3 of 3 checks"}}}
	text := RollingText([]api.RollingReport{group}, Form{})
	for _, want := range []string{"now, group ethereum\nchecks  the newest of each, 100 at most, within 1h30m; 1 of 1 in an open session\n", "TARGET", "provider-a"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	group.Servicers[0].Owner = clienttest.Ptr("pokt1owner")
	if text := RollingText([]api.RollingReport{group}, Form{}); !strings.Contains(text, "SUPPLIER") {
		t.Errorf("no supplier in\n%s", text)
	}
}

func TestRollingSummary(t *testing.T) {
	reports := clienttest.Rolling()
	if got, want := rollingSummary(reports, "0001", "local"), "newest 30 checks: 1 inconsistent, 1 unavailable, 1 slow, 1 not asked yet, 1 healthy\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := rollingSummary(reports, "0021", "local"); got != "" {
		t.Errorf("%q of a chain without any", got)
	}
}
