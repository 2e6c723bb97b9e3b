package browser

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// openAltered opens a node with an altered status, and leaves it at the end of the test.
func openAltered(page *tab, net *network, alter func(status map[string]any)) {
	page.Helper()
	url := altered(page.T, net.RPCURL(), alter)
	page.Cleanup(func() { page.open("about:blank") })
	page.open(url)
}

// altered serves a node's API with a status that alter has changed.
func altered(t *testing.T, node string, alter func(status map[string]any)) string {
	t.Helper()
	target, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(response *http.Response) error {
			if response.Request.URL.Path != "/v1/status" {
				return nil
			}
			status := make(map[string]any)
			if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
				return err
			}
			alter(status)
			text, err := json.Marshal(status)
			response.Body = io.NopCloser(strings.NewReader(string(text)))
			response.Header.Del("Content-Length")
			response.ContentLength = -1
			return err
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}

// statesAreSaid: unusual states of the node are described in words on the page.
func statesAreSaid(t *testing.T, page *tab, net *network) {
	const notices = `document.querySelector("#notices").textContent`
	t.Run("no fisherman", func(t *testing.T) {
		page := page.with(t)
		const relays = `document.querySelector("table.relays")`
		openAltered(page, net, func(status map[string]any) { status["fisherman"], status["store"] = nil, nil })
		page.await("it shows the relays that its servicers answered", relays+`?.querySelectorAll("tbody tr").length >= 3 && `+
			`[...`+relays+`.querySelectorAll("td[data-name=Answered]")].some((cell) => Number(cell.textContent) > 0)`)
		page.await("and how the nodes behind them do", relays+`.innerText.includes("every relay that reached it")`)
		page.await("and that it is ready", `document.querySelector("[data-key=node]").innerText.includes("level with its chain")`)
		page.await("the page says that nobody is measured", `document.querySelector("main").textContent.includes("A node without a fisherman")`)
		page.await("the node is shown", `document.querySelector(".height").textContent > 0`)
	})
	t.Run("no block yet", func(t *testing.T) {
		page := page.with(t)
		openAltered(page, net, func(status map[string]any) { status["height"] = 0 })
		page.await("the page says so", notices+`.includes("no block yet")`)
	})
	t.Run("samples in memory", func(t *testing.T) {
		page := page.with(t)
		openAltered(page, net, func(status map[string]any) {
			store := status["store"].(map[string]any)
			store["durable"], store["reason"], store["since"] = false, "no space left on device", "2026-01-02T03:04:05Z"
		})
		page.await("the page says so, and why", notices+`.includes("not on disk since") && `+notices+`.includes("no space left on device")`)
	})
	t.Run("an unfit control probe", func(t *testing.T) {
		page := page.with(t)
		openAltered(page, net, func(status map[string]any) {
			status["controls"] = []any{map[string]any{"relay_chain": "0001", "fitness": "FIT", "why": "", "head": nil},
				map[string]any{"relay_chain": "0021", "fitness": "BEHIND", "why": "its head is 1000, and most servicers are at 1062", "head": 1000}}
		})
		page.await("the page says so, and why", notices+`.includes("relay chain 0021 is not heard (behind): its head is 1000, and most servicers are at 1062.")`)
		if said := eval[string](page, notices); strings.Contains(said, "0001") {
			t.Errorf("the page says %q of one that is fit", said)
		}
	})
	t.Run("no new block", func(t *testing.T) {
		page := page.with(t)
		var stands atomic.Bool
		openAltered(page, net, func(status map[string]any) {
			if stands.Load() {
				status["height"] = 1_000_000
			}
		})
		page.await("the page is drawn", `document.querySelector("main .card")`)
		stands.Store(true)
		page.await("the chain stands still", `document.querySelector(".height").textContent === "1000000"`)
		if said := eval[string](page, notices); said != "" {
			t.Errorf("the page says %q at once", said)
		}
		eval[int](page, `(() => { const now = Date.now; Date.now = () => now() + 30000; return 0; })()`)
		page.await("the page says for how long", `/No new block for [34]\d s/.test(`+notices+`)`)
	})
}

// TestDashboardOfMany: a page with 1000 servicers draws a part of them, and asks for what it shows.
func TestDashboardOfMany(t *testing.T) {
	page, net := openTab(t), startNetwork(t, 500*time.Millisecond)
	const servicers = 1000
	var mutex sync.Mutex
	asked := make(map[string]int)
	crowd := crowded(servicers)
	node := crowd.open(t, net.RPCURL())
	target, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	pass := httputil.NewSingleHostReverseProxy(target)
	counting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		asked[r.URL.Path]++
		mutex.Unlock()
		if r.URL.Path == "/v1/qos/history" {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(monthOf(r.URL.Query().Get("servicer"))) // the page may be gone
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { counting.CloseClientConnections(); counting.Close() })
	page.size(1280, 900)
	defer func() { page.open("about:blank") }()
	page.open(counting.URL)
	page.await("a page of the servicers is there", `document.querySelectorAll("table.rolling tbody tr").length === 50 && document.querySelectorAll("table.servicers tbody tr").length === 50`)
	if all := eval[int](page, `document.querySelectorAll("*").length`); all > 12000 {
		t.Errorf("%d elements", all)
	}
	eval[chromedp.Void](page, `[...document.querySelectorAll(".rollings .pages button")].at(-1).click()`)
	page.await("the next page is there", `document.querySelector("table.rolling tbody tr").dataset.key === "provider-0050" && location.hash.includes("page=2")`)
	page.open("about:blank")
	page.open(counting.URL + "/#/history?range=30d&search=provider-099")
	page.await("the strips of those that were searched for are there", `document.querySelectorAll("table.strips tbody tr").length === 10 && document.querySelectorAll("table.strips td[data-value]").length === 300`)
	mutex.Lock()
	defer mutex.Unlock()
	if asked["/v1/qos/history"] != 10 {
		t.Errorf("the history was asked for %d times, for 10 servicers", asked["/v1/qos/history"])
	}
}

// crowded is a fisherman of a number of endpoints.
func crowded(targets int) without {
	many := list()
	session := &many.report.Sessions[0]
	model := session.Servicers[2]
	session.Servicers, many.rounds.Rounds = nil, []api.Round{}
	rolling := api.RollingReport{RelayChain: session.RelayChain, Checks: 30, MaxAgeSeconds: 3600}
	for i := range targets {
		one := model
		one.Servicer = fmt.Sprintf("provider-%04d", i)
		session.Servicers = append(session.Servicers, one)
		rolling.Servicers = append(rolling.Servicers, api.RollingServicer{Servicer: one.Servicer, ServiceURL: one.ServiceURL, Running: true, Checks: one.Samples, Samples: one.Samples,
			Outcomes: one.Outcomes, Verdict: one.Verdict, Reason: one.Reason, Standing: one.Standing})
	}
	many.report.Rolling = []api.RollingReport{rolling}
	return many
}

// monthOf is what is kept of one target, or of all, by days.
func monthOf(servicer string) api.History {
	to := time.Now().UTC().Truncate(24 * time.Hour)
	history := api.History{From: to.Add(-month), To: to, StepSeconds: 86400, Series: []api.HistorySeries{}, Checks: []api.HistoryChecks{}}
	series := api.HistorySeries{Servicer: servicer, RelayChain: "ethereum"}
	for at := history.From; at.Before(to); at = at.Add(24 * time.Hour) {
		series.Points = append(series.Points, api.HistoryPoint{From: at, To: at.Add(24 * time.Hour), Checks: 10, Samples: 10,
			Availability: api.Interval{Value: api.Optional(0.9), Low: api.Optional(0.6), High: api.Optional(0.98)}})
	}
	history.Series = append(history.Series, series)
	return history
}
