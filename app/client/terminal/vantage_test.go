package terminal

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
)

func TestVantagesAtEightyColumns(t *testing.T) {
	text := ReportText(clienttest.Vantages(), Form{width: 80})
	clienttest.Golden(t, "vantages_80.txt", []byte(text))
	for line := range strings.Lines(text) {
		if wide := len([]rune(strings.TrimSuffix(line, "\n"))); wide > 80 {
			t.Errorf("%d cells: %s", wide, line)
		}
	}
}

// Watching a collector, a servicer that is picked has its places.
func TestPickedServicerHasItsPlaces(t *testing.T) {
	seen := endpointsSeen()
	seen.Rolling, seen.Status.Vantages = clienttest.Vantages().Rolling, clienttest.Vantages().Vantages
	seen.Sessions[0].Report.Vantage = "frankfurt"
	drawn := escapes.ReplaceAllString(sized(100, 40, seen).View().Content, "")
	for _, want := range []string{"places  frankfurt  healthy  100% (89-100)  p50 4.2 ms", "        sydney     unknown  -  p50 - ms  path  30 path nulls",
		"vantage virginia is silent: nothing was heard of it for 12m0s", " at frankfurt"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("%q is missing in\n%s", want, drawn)
		}
	}
}
