package browser

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/pocket-fisherman/fisherman/internal/measured"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

const (
	// group is what the targets of a month are a group of.
	group = "pocket"
	month = 30 * 24 * time.Hour
	// goneAfter is when in the month the fisherman did not run, goneFor for how long.
	goneAfter, goneFor = 19 * 24 * time.Hour, 3 * 24 * time.Hour
)

// monthAgo fills the samples in a data directory with what a fisherman of the endpoints would have measured in the last 30 days,
// up to a few minutes ago; for some days it did not run.
func monthAgo(t *testing.T, data string, endpoints []*endpoint) {
	t.Helper()
	store, err := local.OpenSamples(filepath.Join(data, "samples"), local.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]string)
	now := time.Now().Add(-2 * time.Minute).Truncate(time.Hour)
	plan := measured.Plan{Seed: 30, RelayChain: group, Servicers: len(endpoints), Interval: 4 * time.Minute, From: now.Add(-month), To: now}
	for session, rounds := range plan.Sessions() {
		if after := time.Unix(0, session.GetStartUnixNano()).Sub(plan.From); after >= goneAfter && after < goneAfter+goneFor {
			continue
		}
		for i, servicer := range session.GetServicers() {
			names[servicer.GetAddress()] = endpoints[i].name
			servicer.Address = endpoints[i].name
		}
		if err := store.PutSession(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		for _, round := range rounds {
			for _, sample := range round.GetSamples() {
				sample.Servicer = names[sample.GetServicer()]
			}
		}
		for _, err := range store.PutAll(t.Context(), nil, rounds) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// startWithAMonth runs 'fisherman start' on a store of 30 days, and returns where its page is.
func startWithAMonth(t *testing.T, settings string, endpoints []*endpoint) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	monthAgo(t, filepath.Join(home, "data"), endpoints)
	return startFishermanAt(t, home, "  - name: "+group+"\n"+settings, endpoints)
}

// read asks a node's API.
func read[T any](t *testing.T, node, path string, query url.Values) (answer T) {
	t.Helper()
	response, err := http.Get(node + path + "?" + query.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, body)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// spot is a point of a chart, or a cell of a strip.
type spot struct {
	From  time.Time
	Value float64
	Low   *float64
	High  *float64
}

// spots reads the points of a chart from the page.
func spots(page *tab, chart string) []spot {
	return eval[[]spot](page, `[...document.querySelectorAll('[data-chart="`+chart+`"] .spot')].map((point) => ({ From: point.dataset.from, Value: Number(point.dataset.value),
		Low: point.dataset.low === undefined ? null : Number(point.dataset.low), High: point.dataset.high === undefined ? null : Number(point.dataset.high) }))`)
}

// measures are what the charts show of a point; false where it has no value.
var measures = map[string]func(api.HistoryPoint) (value, low, high *float64){
	"availability": func(p api.HistoryPoint) (*float64, *float64, *float64) {
		return p.Availability.Value, p.Availability.Low, p.Availability.High
	},
	"consistency": func(p api.HistoryPoint) (*float64, *float64, *float64) {
		return p.Consistency.Value, p.Consistency.Low, p.Consistency.High
	},
	"rtt": func(p api.HistoryPoint) (*float64, *float64, *float64) {
		return p.RoundTripTimes.P50, p.RoundTripTimes.P50, p.RoundTripTimes.P90
	},
	"lag": func(p api.HistoryPoint) (*float64, *float64, *float64) {
		if p.Freshness.LagBlocksMedian == nil {
			return nil, nil, nil
		}
		median, most := float64(*p.Freshness.LagBlocksMedian), float64(*p.Freshness.LagBlocksMax)
		return &median, &median, &most
	},
}

// TestDashboardOverTime visits the pages of a fisherman that has measured for 30 days, and holds what they show against its API.
func TestDashboardOverTime(t *testing.T) {
	page, net := openTab(t), startNetwork(t, 500*time.Millisecond)
	endpoints := openEndpoints(t, net.ChainRPCURL())
	node := startWithAMonth(t, "    interval: 1s\n    session: 20s\n    sla: 200ms\n    rate: 20\n    control: own-node\n", endpoints)
	page.size(1280, 900)
	page.open(node)
	defer func() { page.open("about:blank") }()
	page.await("the first table has the newest checks", `document.querySelector("main table")?.classList.contains("rolling") && document.querySelectorAll("table.rolling tbody tr").length === `+fmt.Sprint(len(endpoints)))
	for range_, step := range map[string]string{"1h": "5m", "24h": "15m", "7d": "1h", "30d": "6h"} {
		t.Run("charts of "+range_, func(t *testing.T) { chartsAreTheAPIs(t, page.with(t), node, endpoints[0].name, range_, step) })
	}
	t.Run("the strips are the API's", func(t *testing.T) { stripsAreTheAPIs(t, page.with(t), node) })
	t.Run("what is chosen stays in the address", func(t *testing.T) { choicesStay(t, page.with(t), node, endpoints) })
	t.Run("words are explained", func(t *testing.T) { wordsAreExplained(t, page.with(t), node) })
	t.Run("what is shown can be saved", func(t *testing.T) { shownIsSaved(t, page.with(t), node, endpoints) })
	t.Run("windows lead to targets and sessions", func(t *testing.T) { windowsLeadOn(page.with(t), node) })
	t.Run("past sessions take one line of a phone", func(t *testing.T) { sessionsAreCompact(t, page.with(t), node) })
	t.Run("nothing overflows, and everybody can use it", func(t *testing.T) {
		everyPageFits(t, page.with(t), map[string]string{"30 days": "#/history?range=30d", "an hour": "#/history?range=1h&measure=sla", "a target": "#/servicer/" + longName + "?range=30d"},
			func(string) {})
	})
	if errors := page.said(); len(errors) > 0 {
		t.Errorf("errors in the console:\n%s", strings.Join(errors, "\n"))
	}
}

// chartsAreTheAPIs compares every point and every gap of a target's charts.
func chartsAreTheAPIs(t *testing.T, page *tab, node, servicer, range_, step string) {
	page.open(node + "/#/servicer/" + servicer + "?range=" + range_)
	length, err := time.ParseDuration(step)
	if err != nil {
		t.Fatal(err)
	}
	page.await("the charts are drawn", fmt.Sprintf(`document.querySelectorAll('[data-step="%.0f"] [data-chart] .spot').length > 0`, length.Seconds()))
	history := read[api.History](t, node, "/v1/qos/history", url.Values{"servicer": {servicer}, "last": {range_}, "step": {step}})
	if len(history.Series) != 1 {
		t.Fatalf("%d series", len(history.Series))
	}
	points := make(map[time.Time]api.HistoryPoint)
	for _, point := range history.Series[0].Points {
		points[point.From.UTC()] = point
	}
	running := time.Now().Add(-10 * time.Minute) // what is newer may have changed since the page asked
	for chart, of := range measures {
		shown := spots(page, chart)
		drawn := make(map[time.Time]bool)
		for _, spot := range shown {
			drawn[spot.From.UTC()] = true
			point, is := points[spot.From.UTC()]
			if !is {
				if spot.From.Before(history.To) {
					t.Errorf("%s has a point at %v", chart, spot.From)
				}
				continue
			}
			if !point.To.Before(running) {
				continue
			}
			value, low, high := of(point)
			if value == nil || spot.Value != *value || spot.Low == nil || *spot.Low != *low || *spot.High != *high {
				t.Errorf("%s at %v is %+v, of %+v", chart, spot.From, spot, point)
			}
		}
		for from, point := range points {
			if value, _, _ := of(point); value != nil && !drawn[from] && from.Before(running) && from.After(history.From) {
				t.Errorf("%s has no point at %v", chart, from)
			}
		}
		gaps := eval[[]struct{ From, To time.Time }](page, `[...document.querySelectorAll('[data-chart="`+chart+`"] .gap')].map((gap) => ({ From: gap.dataset.from, To: gap.dataset.to }))`)
		if range_ == "30d" && !slices.ContainsFunc(gaps, func(gap struct{ From, To time.Time }) bool { return gap.To.Sub(gap.From) >= goneFor-12*time.Hour }) {
			t.Errorf("%s shows no gap where the fisherman did not run: %v", chart, gaps)
		}
		for _, gap := range gaps {
			if slices.ContainsFunc(shown, func(s spot) bool { return !s.From.Before(gap.From) && s.From.Before(gap.To) }) {
				t.Errorf("%s has points in the gap %v", chart, gap)
			}
		}
	}
}

// stripsAreTheAPIs compares every cell of the strips of 30 days.
func stripsAreTheAPIs(t *testing.T, page *tab, node string) {
	page.open(node + "/#/history?range=30d")
	page.await("the strips are drawn", `document.querySelectorAll('table.strips[data-step="86400"] td[data-value]').length > 100`)
	history := read[api.History](t, node, "/v1/qos/history", url.Values{"last": {"30d"}, "step": {"1d"}})
	today := time.Now().Truncate(24 * time.Hour)
	compared := 0
	for _, series := range history.Series {
		cells := eval[[]spot](page, fmt.Sprintf(`[...document.querySelectorAll('table.strips tr[data-key="%s"] td[data-value]')].map((cell) => ({ From: cell.dataset.from, Value: Number(cell.dataset.value) }))`, series.Servicer))
		for _, point := range series.Points {
			if !point.From.Before(today) || point.Availability.Value == nil {
				continue
			}
			at := slices.IndexFunc(cells, func(cell spot) bool { return cell.From.Equal(point.From) })
			if at < 0 || cells[at].Value != *point.Availability.Value {
				t.Errorf("%s at %v is not %v", series.Servicer, point.From, *point.Availability.Value)
			}
			compared++
		}
	}
	if compared < 100 {
		t.Errorf("%d cells compared", compared)
	}
}

// choicesStay searches and sorts, and opens the address anew.
func choicesStay(t *testing.T, page *tab, node string, endpoints []*endpoint) {
	const names = `[...document.querySelectorAll("table.rolling tbody tr")].map((row) => row.dataset.key)`
	page.open(node + "/#/")
	page.await("there are rows", names+".length === "+fmt.Sprint(len(endpoints)))
	eval[chromedp.Void](page, `document.querySelector("[data-field=search]").focus()`)
	page.press("p", "r", "o", "v", "i", "d", "e", "r", "-")
	page.await("the others are gone", names+`.every((name) => name.startsWith("provider-")) && location.hash.includes("search=provider-")`)
	eval[chromedp.Void](page, `[...document.querySelectorAll("table.rolling .heading")].find((head) => head.textContent.startsWith("Target")).click()`)
	page.await("they are sorted by name", names+`.join() === [...`+names+`].sort((a, b) => a.localeCompare(b)).join()`)
	sorted, address := eval[[]string](page, names), eval[string](page, "location.href")
	page.open("about:blank")
	page.open(address)
	page.await("the rows are there again", names+".length === "+fmt.Sprint(len(sorted)))
	if got := eval[[]string](page, names); !slices.Equal(got, sorted) {
		t.Errorf("opened again: %v, before %v", got, sorted)
	}
	if got := eval[string](page, `document.querySelector("[data-field=search]").value`); got != "provider-" {
		t.Errorf("the field says %q", got)
	}
}

// wordsAreExplained focuses each kind of word, and hovers over one.
func wordsAreExplained(t *testing.T, page *tab, node string) {
	page.front()
	page.open(node + "/#/")
	page.await("there are words", `document.querySelector("main [data-about=rank]") && document.querySelector("main [data-about=skew]") && document.querySelector("main [data-about=void]")`)
	for _, word := range []string{"rank", "skew", "void", "dropped", "verdict", "availability", "rolling"} {
		element := `document.querySelector("main [data-about=` + word + `]")`
		eval[chromedp.Void](page, element+`.focus()`)
		page.await(word+" is explained", `[...document.querySelectorAll("[role=tooltip]")].filter((tip) => !tip.hidden && tip.getBoundingClientRect().height > 0).map((tip) => tip.id).join() === `+element+`.getAttribute("aria-describedby")`)
	}
	page.press(kb.Escape)
	page.await("Escape hides it", `[...document.querySelectorAll("[role=tooltip]")].every((tip) => tip.hidden)`)
	eval[chromedp.Void](page, `document.querySelector("main [data-about=lag]").dispatchEvent(new PointerEvent("pointerover", { bubbles: true }))`)
	page.await("hovering explains too", `!document.getElementById("about-lag").hidden`)
}

// shownIsSaved takes the files that the page makes.
func shownIsSaved(t *testing.T, page *tab, node string, endpoints []*endpoint) {
	page.open(node + "/#/history?range=30d")
	page.await("the strips are drawn", `document.querySelectorAll('table.strips td[data-value]').length > 100`)
	saved := func(as string) string {
		return eval[string](page, `new Promise((done) => {
			const press = HTMLAnchorElement.prototype.click;
			HTMLAnchorElement.prototype.click = function () { HTMLAnchorElement.prototype.click = press; globalThis.saved(this); };
			globalThis.saved = async (link) => { const file = await globalThis.lastFile.text(); done(link.download + "\n" + file); };
			const make = Blob;
			globalThis.Blob = class extends make { constructor(...of) { super(...of); globalThis.lastFile = this; globalThis.Blob = make; } };
			document.querySelector('[data-save][data-as=`+as+`]').click();
		})`)
	}
	name, text, _ := strings.Cut(saved("csv"), "\n")
	lines := strings.Split(strings.TrimSpace(text), "\r\n")
	if name != "history-30d.csv" || !strings.HasPrefix(lines[0], "relay_chain,geo_zone,servicer,from,to,checks") || len(lines) < 25*len(endpoints) {
		t.Errorf("%s has %d lines, the first %q", name, len(lines), lines[0])
	}
	name, text, _ = strings.Cut(saved("json"), "\n")
	var history struct{ Series []api.HistorySeries }
	if err := json.Unmarshal([]byte(text), &history); err != nil || name != "history-30d.json" || len(history.Series) != len(endpoints) {
		t.Errorf("%s has %d series: %v", name, len(history.Series), err)
	}
}

// windowsLeadOn follows the links of a window.
func windowsLeadOn(page *tab, node string) {
	page.Helper()
	page.open(node + "/#/window/10")
	page.await("the window names its sessions", `document.querySelector('.sessions a[href^="#/session/"]') && document.querySelector('table.servicers .who a[href^="#/servicer/"]')`)
	eval[chromedp.Void](page, `document.querySelector('table.servicers .who a').click()`)
	page.await("the target's charts and sessions are there", `document.querySelectorAll("[data-chart] .spot").length > 0 && document.querySelector('[data-key=sessions] tbody a[href^="#/session/"]')`)
	eval[chromedp.Void](page, `document.querySelector('[data-key=sessions] tbody a').click()`)
	page.await("the target's samples in a session are there", `document.querySelector("table.samples") && document.querySelector('main a[href^="#/servicer/"]')`)
}

// sessionsAreCompact measures the rows of past sessions.
func sessionsAreCompact(t *testing.T, page *tab, node string) {
	page.size(390, 844)
	defer page.size(1280, 900)
	page.open(node + "/#/")
	page.await("sessions are over", `document.querySelectorAll("[data-key=past] tbody tr").length >= 2`)
	if high := eval[float64](page, `Math.max(...[...document.querySelectorAll("[data-key=past] tbody tr")].map((row) => row.getBoundingClientRect().height))`); high > 40 {
		t.Errorf("a session is %v pixels high", high)
	}
}
