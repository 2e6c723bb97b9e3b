package terminal

import (
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// suppliersSeen is a fisherman of the live Pocket network, within a session.
func suppliersSeen() observer.Observation {
	return observer.Observation{At: clienttest.Noon.Add(30 * time.Second), Status: clienttest.SuppliersStatus(),
		Sessions: []observer.Session{{Report: clienttest.Suppliers().Sessions[0]}}}
}

func TestSuppliersMatchGoldenFiles(t *testing.T) {
	drawn := func(s screen) string { return escapes.ReplaceAllString(s.View().Content, "") + "\n" }
	for name, shown := range map[string]string{
		"suppliers_report_80.txt":  ReportText(clienttest.Suppliers(), Form{width: 80}),
		"suppliers_report.txt":     ReportText(clienttest.Suppliers(), Form{whole: true}),
		"suppliers_window.txt":     WindowsText(clienttest.SuppliersWindow(), Form{whole: true}),
		"suppliers_screen_80.txt":  drawn(sized(80, 24, suppliersSeen())),
		"suppliers_screen_160.txt": drawn(press(t, sized(160, 24, suppliersSeen()), "down")),
		"suppliers_nothing.txt":    drawn(sized(80, 9, observer.Observation{At: clienttest.Noon, Status: clienttest.SuppliersStatus()})),
	} {
		for _, word := range []string{"servicer", "SERVICER", "target", "zone", "list of endpoints", "blocks left"} {
			if strings.Contains(shown, word) {
				t.Errorf("%s says %q", name, word)
			}
		}
		if strings.ContainsAny(shown, "\x1b\u202e\u009b") {
			t.Errorf("%s: a stranger's text reaches the terminal", name)
		}
		clienttest.Golden(t, name, []byte(shown))
	}
}

// A session of a list of endpoints has targets, beside whatever group.
func TestSuppliersBesideTargets(t *testing.T) {
	seen := endpointsSeen()
	seen.Status = clienttest.SuppliersStatus()
	text := sized(80, 24, seen).View().Content
	if !strings.Contains(text, "target") || strings.Contains(text, "supplier ") || strings.Contains(text, "budget  ") {
		t.Errorf("%s", text)
	}
}

func TestBudgetWarning(t *testing.T) {
	amount := func(text string) *api.UPOKT { return &text }
	for name, test := range map[string]struct {
		budget *api.Budget
		want   string
	}{
		"none":           {nil, ""},
		"no limit":       {&api.Budget{CostPerCheckUPOKT: amount("5")}, ""},
		"enough":         {&api.Budget{CostPerCheckUPOKT: amount("5"), LeftDayUPOKT: amount("5"), LeftSessionUPOKT: amount("5")}, ""},
		"session":        {&api.Budget{CostPerCheckUPOKT: amount("5"), LeftDayUPOKT: amount("5"), LeftSessionUPOKT: amount("4")}, "session"},
		"day":            {&api.Budget{CostPerCheckUPOKT: amount("5"), LeftDayUPOKT: amount("4"), LeftSessionUPOKT: amount("4")}, "day"},
		"large":          {&api.Budget{CostPerCheckUPOKT: amount("18446744073709551615"), LeftDayUPOKT: amount("18446744073709551614")}, "day"},
		"cost not known": {&api.Budget{LeftDayUPOKT: amount("0")}, ""},
	} {
		got := BudgetWarning([]api.Group{{Name: "g\x1b", Budget: test.budget}})
		if (got != "") != (test.want != "") || !strings.Contains(got, test.want) || strings.Contains(got, "\x1b") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// How far a session of the live Pocket network is, where the height of the chain is known, and where not.
func TestBlocksOfASessionOfSuppliers(t *testing.T) {
	running := api.SessionReport{Height: 541261, Blocks: 20, ChecksPlanned: 20, ChecksDone: 8}
	all, complete := running, running
	all.ChecksDone, complete.Complete = 20, true
	for _, test := range []struct {
		report api.SessionReport
		height int64
		want   string
	}{
		{running, 0, "height 541261 to 541280"},
		{running, 541100, "height 541261 to 541280, 19 blocks left"},
		{running, 541261, "height 541261 to 541280, 19 blocks left"},
		{running, 541279, "height 541261 to 541280, 1 block left"},
		{running, 541280, "height 541261 to 541280, 0 blocks left"},
		{running, 541281, "over"}, {all, 541270, "over"}, {complete, 541270, "complete"}, {complete, 0, "complete"},
	} {
		if got := blockState(test.report, test.height); got != test.want {
			t.Errorf("at %d: %q, want %q", test.height, got, test.want)
		}
	}
	status := clienttest.SuppliersStatus()
	status.Groups[0].Height = clienttest.Ptr[int64](541265)
	seen := observer.Observation{At: clienttest.Noon, Status: status, Sessions: []observer.Session{{Report: clienttest.Suppliers().Sessions[0]}}}
	if drawn := escapes.ReplaceAllString(sized(120, 30, seen).View().Content, ""); !strings.Contains(drawn, "height 541261 to 541280, 15 blocks left") {
		t.Errorf("drawn:\n%s", drawn)
	}
}
