package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// TestDashboard is one visit: the expectations on the page, in the order in which a person would see them.
func TestDashboard(t *testing.T) {
	page, net := openTab(t), startNetwork(t, 500*time.Millisecond)
	page.size(1280, 900)
	page.open(net.RPCURL())
	defer func() { page.open("about:blank") }() // otherwise its requests meet a stopped node
	for _, expected := range []struct {
		name string
		test func(*testing.T, *tab, *network)
	}{
		{"rows appear", rowsAppear},
		{"what is new arrives without a reload", updatesArrive},
		{"a servicer that goes down shows within two checks", downShows},
		{"the keyboard suffices", keyboardSuffices},
		{"strangers' text is text", textIsText},
		{"nothing overflows, and everybody can use it", nodePagesFit},
		{"states of the node are said", statesAreSaid},
		{"a list of endpoints is shown in its own words", listIsShown},
		{"the live Pocket network is shown in its own words", suppliersAreShown},
		{"places of a collector are unfolded", vantagesAreShown},
	} {
		if !t.Run(expected.name, func(t *testing.T) { expected.test(t, page.with(t), net) }) {
			break
		}
	}
	if errors := page.said(); len(errors) > 0 {
		t.Errorf("errors in the console:\n%s", strings.Join(errors, "\n"))
	}
	page.open(net.RPCURL())
	page.await("the page is drawn", `document.querySelector("main .card")`)
	t.Run("a node that is gone is missed", func(t *testing.T) { goneIsSaid(t, page.with(t), net) })
}

// row returns an expression for the row of a servicer in the newest session.
func row(servicer localnet.Servicer) string {
	return fmt.Sprintf(`document.querySelector('table.servicers tbody tr[data-key="%s"]')`, servicer.Address)
}

func rowsAppear(t *testing.T, page *tab, net *network) {
	page.await("all servicers have a row", fmt.Sprintf(`document.querySelectorAll('table.servicers tbody tr').length === %d`, len(net.Servicers())))
	verdicts := map[localnet.Fault]string{localnet.FaultNone: "healthy", localnet.FaultSlow: "slow", localnet.FaultDown: "unavailable", localnet.FaultLying: "inconsistent"}
	marks := map[localnet.Fault]string{localnet.FaultNone: "ok", localnet.FaultSlow: "slow", localnet.FaultDown: "null", localnet.FaultLying: "disagree"}
	// Read in one step, because a new session may begin at any moment.
	expected := []string{`document.querySelector('table.servicers tbody tr').dataset.key === "` + net.Servicers()[5].Address + `"`,
		row(net.Servicers()[0]) + `?.querySelectorAll(".times .dot").length >= 3`,
		`["not shown", "of 10 blocks"].every((words) => document.querySelector('.card:has(table.servicers)').innerText.includes(words))`,
		`document.querySelector("main table").classList.contains("rolling")`}
	for _, servicer := range net.Servicers() {
		expected = append(expected, row(servicer)+`?.querySelector('.verdict').className === "verdict `+verdicts[servicer.Fault]+`"`,
			row(servicer)+`?.querySelectorAll(".cell.`+marks[servicer.Fault]+`").length >= 3`,
			fmt.Sprintf(`document.querySelector('table.rolling tbody tr[data-key="%s"] .verdict').className === "verdict %s"`, servicer.Address, verdicts[servicer.Fault]))
	}
	page.await("the worst is first, and each has its verdict, marks and times", strings.Join(expected, " && "))
}

func updatesArrive(t *testing.T, page *tab, _ *network) {
	eval[int](page, `globalThis.same = 7`)
	page.await("the page is live", `document.querySelector('.mood').textContent === "live"`)
	height := eval[string](page, `document.querySelector('.height').textContent`)
	state := `document.querySelector('table.servicers').innerHTML + document.querySelector('.card:has(table.servicers)').dataset.key`
	eval[string](page, `globalThis.before = `+state)
	page.await("the table changes", state+` !== globalThis.before`)
	page.await("the height changes", `document.querySelector('.height').textContent !== "`+height+`"`)
	page.await("the session that was over is listed", `document.querySelectorAll('[data-key=past] tbody tr').length >= 1`)
	if eval[int](page, `globalThis.same`) != 7 {
		t.Error("the page was loaded again")
	}
}

// downShows cuts an honest servicer off. Its null sample has to be seen before the third check after that is stored.
func downShows(t *testing.T, page *tab, net *network) {
	api, err := client.New(net.RPCURL())
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	servicer := net.Servicers()[0]
	page.await("it is up in a session that has four checks to come", `document.querySelectorAll('table.servicers tbody tr:first-child .cell.todo').length >= 4 && `+
		row(servicer)+`?.querySelector('.cell.ok') && !`+row(servicer)+`.querySelector('.cell.null')`)
	net.gate.close()
	fallen := time.Now()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for again := time.NewTicker(20 * time.Millisecond); ; {
		made := checksSince(t, api, fallen)
		if eval[int](page, row(servicer)+`?.querySelectorAll('.cell.null').length ?? 0`) > 0 {
			return
		}
		if made > 2 {
			t.Fatalf("%d checks after it went down it does not show", made)
		}
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatal("no check was made")
		}
	}
}

// checksSince counts the checks that were asked since a time and are stored.
func checksSince(t *testing.T, api *client.Client, since time.Time) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	report, err := api.QoS(ctx, client.QoSFilter{Last: 2})
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for _, session := range report.Sessions {
		rounds, err := api.Rounds(ctx, client.RoundFilter{SessionID: session.ID})
		if err != nil {
			t.Fatal(err)
		}
		for _, round := range rounds.Rounds {
			if round.Status == "DONE" && round.Released.After(since) {
				made++
			}
		}
	}
	return made
}

func keyboardSuffices(t *testing.T, page *tab, _ *network) {
	// The first row is that of the liar once a check has compared answers; the servicer that is down has no phases.
	page.await("the session lasts", `document.querySelectorAll('table.servicers tbody tr:first-child .cell.todo').length >= 3 && `+
		`document.querySelector('table.servicers tbody tr:first-child .verdict').className === "verdict inconsistent"`)
	eval[chromedp.Void](page, `document.activeElement.blur(); scrollTo(0, 0)`)
	page.press(kb.Tab)
	if first := eval[string](page, `document.activeElement.textContent`); first != "Skip to the content" {
		t.Errorf("the first stop of the Tab key is %q", first)
	}
	page.press(kb.Enter)
	if at := eval[string](page, `document.activeElement.id`); at != "content" {
		t.Errorf("skipping leads to %q", at)
	}
	const there = `document.activeElement.matches("table.servicers .who a")`
	for stops := 0; !eval[bool](page, there); stops++ {
		if stops > 80 {
			t.Fatal("the Tab key does not lead to a servicer of the session")
		}
		page.press(kb.Tab)
	}
	if outline := eval[string](page, `getComputedStyle(document.activeElement).outlineStyle`); outline != "solid" {
		t.Errorf("the focus is not seen: outline %s", outline)
	}
	page.press(kb.Enter)
	page.await("the servicer's samples are there", `document.querySelectorAll('table.samples tbody tr').length >= 4`)
	page.await("the focus is at the content", `document.activeElement.id === "content"`)
	page.await("the phases are there", `document.querySelector('table.samples').innerText.includes("kept")`)
}

// textIsText passes markup to the functions that draw strangers' text.
func textIsText(t *testing.T, page *tab, _ *network) {
	hostile := `<img src=x onerror="globalThis.harmed = true"><script>globalThis.harmed = true</script>`
	drawn := eval[string](page, fmt.Sprintf(`(async () => {
		const { who } = await import("/dashboard/parts.js"), { show } = await import("/dashboard/dom.js");
		const place = document.createElement("div");
		document.body.append(place);
		show(place, who({ servicer: "00", service_url: %q }));
		show(place, who({ servicer: "00", service_url: %q + " " }));
		const text = place.textContent, elements = place.querySelectorAll("img, script").length;
		place.remove();
		return elements + text;
	})()`, hostile, hostile))
	if drawn != "000"+hostile+" " || eval[bool](page, `Boolean(globalThis.harmed)`) {
		t.Errorf("drawn as %s", drawn)
	}
}

// disputed returns the newest check of a session in which servicers disagreed: in some checks nothing is compared.
func disputed(page *tab, session string) string {
	page.Helper()
	return eval[string](page, fmt.Sprintf(`(async () => {
		const { ask } = await import("/dashboard/api.js");
		return String((await ask("/v1/evidence", { session: %q, limit: 1 })).evidence[0].check);
	})()`, session))
}

func nodePagesFit(t *testing.T, page *tab, net *network) {
	session := eval[string](page, `location.hash.split("/")[2]`)
	everyPageFits(t, page, map[string]string{"sessions": "#/", "session": "#/session/" + session, "servicer": "#/session/" + session + "/" + net.Servicers()[5].Address,
		"window": "#/window/10", "over time": "#/history?range=1h", "servicer over time": "#/servicer/" + net.Servicers()[5].Address + "?range=1h", "node": "#/node",
		"evidence": "#/evidence/" + session + "/" + disputed(page, session)}, func(string) {})
}

// everyPageFits checks pages at every width and scheme, and calls drawn for each.
func everyPageFits(t *testing.T, page *tab, pages map[string]string, drawn func(name string)) {
	check := axe(t, page)
	for name, hash := range pages {
		eval[string](page, `location.hash = "`+hash+`"`)
		page.await(name+" is drawn", `document.querySelector("main .card")`)
		if name == "evidence" {
			page.await("both answers are there, with what differs", `document.querySelector(".side.disagree mark") && document.querySelector(".side.agree pre")`)
		}
		drawn(name)
		for _, scheme := range []string{"light", "dark"} {
			page.scheme(scheme)
			for _, width := range []int64{1920, 1280, 820, 360} {
				page.size(width, 900)
				if wide := eval[int64](page, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s is %d pixels wide on a screen of %d", name, wide, width)
				}
			}
			for _, fault := range check() {
				t.Errorf("%s, %s: %s", name, scheme, fault)
			}
			page.size(1280, 900)
			for _, fault := range check() {
				t.Errorf("%s, %s: %s", name, scheme, fault)
			}
		}
	}
}

// axe returns a function that lists what axe-core finds. `make axe` fetches it; without it the test is skipped.
func axe(t *testing.T, page *tab) func() []string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "bin", "axe.min.js"))
	if err != nil {
		t.Log("no bin/axe.min.js: accessibility is checked by `make axe test_browser`, which needs npm")
		return func() []string { return nil }
	}
	eval[chromedp.Void](page, string(source))
	return func() []string {
		return eval[[]string](page, `axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(({ violations }) =>
			violations.map(({ id, help, nodes }) => id + ": " + help + "\n  " + nodes.map(({ html, any }) => html.slice(0, 200) + " " + (any[0]?.message ?? "")).slice(0, 3).join("\n  ")))`)
	}
}

func goneIsSaid(t *testing.T, page *tab, net *network) {
	net.stop()
	page.await("the page says so", `document.querySelector("#notices").textContent.includes("No connection to the node since")`)
	if rows := eval[int](page, `document.querySelectorAll("main .card").length`); rows == 0 {
		t.Error("what was known is not shown any more")
	}
}
