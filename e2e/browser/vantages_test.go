package browser

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
)

// collected is a collector of three vantage points.
func collected() without {
	made := list()
	made.report.Rolling = clienttest.Vantages().Rolling
	made.report.Sessions[0].Vantage = "frankfurt"
	made.report.Vantages, made.status.Vantages = clienttest.Vantages().Vantages, clienttest.Vantages().Vantages
	return made
}

// vantagesAreShown: rows are merged and unfold to places, whose times are drawn on one scale; vantage points that are not well
// are named.
func vantagesAreShown(t *testing.T, page *tab, net *network) {
	shown := collected().open(t, net.RPCURL())
	page.Cleanup(func() { page.open("about:blank") })
	page.open(shown)
	page.await("the merged rows are there", `document.querySelectorAll("table.rolling tbody tr").length === 2`)
	page.await("a session says whose it is", `document.querySelector("main").textContent.includes("from frankfurt")`)
	said := eval[string](page, `document.body.innerText`)
	for _, want := range []string{"Vantage points", "sydney", "it lost the way to own-node", "Vantage point virginia is silent: nothing was heard of it for 12m0s.",
		"p50 by place", "frankfurt 4.20 · virginia 88.1 ms", "3 places"} {
		if !strings.Contains(said, want) {
			t.Errorf("the overview does not say %q:\n%s", want, said)
		}
	}
	eval[int](page, `(() => { document.querySelector("[data-places]").click(); return 0; })()`)
	page.await("the places are unfolded", `document.querySelectorAll("table.rolling tr.atplace").length === 3`)
	if drawn := eval[int](page, `document.querySelectorAll("table.rolling tr.atplace svg.times .median").length`); drawn != 2 {
		t.Errorf("times of %d places are drawn, want 2", drawn)
	}
	if text := eval[string](page, `document.querySelectorAll("table.rolling tr.atplace")[1].innerText`); !strings.Contains(text, "30 null samples of its own path") || !strings.Contains(text, "path") {
		t.Errorf("sydney says %q", text)
	}
	for _, width := range []int64{360, 1280} {
		page.size(width, 900)
		if wide := eval[int64](page, `document.documentElement.scrollWidth`); wide > width {
			t.Errorf("the overview is %d pixels wide on a screen of %d", wide, width)
		}
	}
	check := axe(t, page)
	if found := check(); len(found) > 0 {
		t.Errorf("not everybody can use it:\n%s", strings.Join(found, "\n"))
	}
	eval[int](page, `(() => { document.querySelector("[data-places]").click(); return 0; })()`)
	page.await("the places are folded", `document.querySelectorAll("table.rolling tr.atplace").length === 0`)
	eval[int](page, `(() => { location.hash = "#/servicer/own-node"; return 0; })()`)
	page.await("the target's places are there", `document.querySelectorAll("table.places tbody tr").length === 3`)
}
