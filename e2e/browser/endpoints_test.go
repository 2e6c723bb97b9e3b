package browser

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// slashed is a name that has to be escaped in an address.
const slashed = "a/b#50%25?"

// longQuestion is one without a place to break it: the code of a program.
const longQuestion = "eth_call data=0x67d4b933716a409ed060005273000f3df6d732807ef1319fb7b8bb8522d0beac0231602052670000000000000000406040526060600020600081c60005260206000f3d67d4b933716a409e block=0x1"

// target is a row of a list of endpoints.
func target(name string, standing api.Standing, chain *string, samples, throttled int, verdict api.Verdict, reason string) api.ServicerReport {
	report := api.NewServicerReport(name, "https://provider.example")
	report.Standing, report.ChainIdentity, report.Samples, report.Throttled, report.Verdict, report.Reason = standing, chain, samples, throttled, verdict, reason
	return report
}

// listReport is a session that began a minute ago and ends in four.
func listReport() api.Report {
	began, ends := time.Now().Add(-time.Minute).UTC(), time.Now().Add(4*time.Minute).UTC()
	busy := target(slashed, api.StandingUnidentified, nil, 1, 2, api.VerdictUnknown, "throttled in 2 of 3 checks: 1 sample, 3 needed")
	own := target("own-node", api.StandingAsked, api.Optional("1"), 3, 0, api.VerdictHealthy, "answered 3 of 3 checks")
	own.ClientVersion = api.Optional("Geth/v1.17.4 <b>bold</b>")
	return api.Report{Rolling: []api.RollingReport{}, Sessions: []api.SessionReport{{ID: strings.Repeat("5e", 32), Height: began.Unix(), Blocks: 300, RelayChain: "ethereum", Application: "ethereum",
		Catalogue: api.Optional("evm-values"), Started: &began, Ended: &ends, ChecksPlanned: 20, ChecksDone: 3, Reasons: []api.Reason{},
		Servicers: []api.ServicerReport{
			target("polygon", api.StandingOtherChain, api.Optional("137"), 0, 0, api.VerdictUnknown, "other chain 137, most are on 1"), busy, own}}}}
}

// listRounds are three checks, of which one target was throttled in two.
func listRounds() api.RoundPage {
	page := api.RoundPage{Session: strings.Repeat("5e", 32), Stored: 3}
	for index := range uint32(3) {
		at, ms := time.Now().UTC(), 4.25
		answer := api.Sample{Servicer: "own-node", Outcome: api.OutcomeOK, Consistency: api.Optional(api.AgreementAgree), RoundTripTime: &ms, TimeToFirstByte: &ms, Reused: true}
		other := answer
		if other.Servicer = slashed; index > 0 {
			other = api.Sample{Servicer: slashed, Outcome: api.OutcomeThrottled, Detail: "asked to wait 30s"}
		}
		page.Rounds = append(page.Rounds, api.Round{Session: page.Session, Index: index, Status: api.RoundStatusDone, Planned: &at, Released: &at,
			Question: longQuestion, Kind: api.RoundKindSettled, Samples: []api.Sample{other, answer}})
	}
	return page
}

func listWindow() api.WindowsReport {
	session := listReport().Sessions[0]
	window := api.WindowReport{RelayChain: "ethereum", Applications: []string{"ethereum"}, Sessions: 1, Started: session.Started, Ended: session.Ended,
		From: session.Started, To: session.Ended, FirstHeight: &session.Height, LastHeight: &session.Height}
	for _, s := range session.Servicers {
		window.Servicers = append(window.Servicers, api.WindowServicer{Address: s.Servicer, Servicer: s.Servicer, ServiceURL: s.ServiceURL, Sessions: 1,
			Verdicts: api.Verdicts{s.Verdict: 1}, Samples: s.Samples, Outcomes: s.Outcomes, Verdict: s.Verdict, Reason: s.Reason, Throttled: s.Throttled, Standing: s.Standing})
	}
	return api.WindowsReport{Window: "10", Windows: []api.WindowReport{window}}
}

// without is what the API of a fisherman without a chain answers.
type without struct {
	status   api.Status
	report   api.Report
	window   api.WindowsReport
	rounds   api.RoundPage
	evidence api.Evidence
}

// list is a fisherman that samples a list of endpoints.
func list() without {
	return without{report: listReport(), window: listWindow(), rounds: listRounds(),
		status: api.Status{Network: api.NetworkEndpoints, Version: "v1", Store: &api.Store{Durable: true},
			Controls: []api.Control{{RelayChain: "ethereum", Fitness: api.ControlFitnessBehind, Why: "its head stands still"}},
			Groups:   []api.Group{{Name: "ethereum", Targets: 3}}},
		evidence: api.Evidence{Question: longQuestion, Request: "{}", Proof: api.EvidenceProofUnsigned,
			Note: "unsigned: shows what we received, proves it to nobody", Votes: []api.EvidenceVote{}, Sides: []api.EvidenceSide{}}}
}

// open serves a node's page over the API of a fisherman without a chain.
func (f without) open(t *testing.T, node string) string {
	t.Helper()
	page, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", httputil.NewSingleHostReverseProxy(page))
	serve := func(path string, body func(*http.Request) any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(body(r)) // the page may be gone
		})
	}
	serve("/v1/status", func(*http.Request) any { return f.status })
	serve("/v1/qos", func(r *http.Request) any {
		if r.URL.Query().Has("window") {
			return f.window
		}
		return f.report
	})
	serve("/v1/qos/rounds", func(r *http.Request) any {
		if page := f.rounds; r.URL.Query().Get("session") == page.Session {
			return page
		}
		return api.RoundPage{Session: r.URL.Query().Get("session"), Rounds: []api.Round{}}
	})
	serve("/v1/qos/history", func(*http.Request) any {
		return api.History{StepSeconds: 900, Series: []api.HistorySeries{}, Checks: []api.HistoryChecks{}}
	})
	serve("/v1/evidence", func(*http.Request) any { return api.EvidencePage{Evidence: []api.Evidence{f.evidence}} })
	mux.HandleFunc("/v1/qos/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(": listening\n\n"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}

// listIsShown: without a chain the page speaks of targets, groups and times.
func listIsShown(t *testing.T, page *tab, net *network) {
	listed := list().open(t, net.RPCURL())
	page.Cleanup(func() { page.open("about:blank") }) // before the list is closed
	page.open(listed)
	page.await("all targets have a row", `document.querySelectorAll('table.servicers tbody tr').length === 3`)
	page.await("the throttled checks are drawn", `document.querySelectorAll('table.servicers .cell.throttled').length === 2`)
	speaks := func(where string, wanted ...string) {
		t.Helper()
		said := eval[string](page, `document.body.innerText.toLowerCase()`)
		for _, want := range wanted {
			if !strings.Contains(said, strings.ToLower(want)) {
				t.Errorf("%s does not say %q:\n%s", where, want, said)
			}
		}
		for _, word := range []string{"servicer", "relay chain", "zone", "height ", "from block", "no block", "blocks to"} {
			if strings.Contains(strings.ReplaceAll(said, "newest height", ""), word) {
				t.Errorf("%s says %q:\n%s", where, word, said)
			}
		}
	}
	speaks("the overview", "1 group", "3 targets", "ethereum", "evm-values", "target", "running", "2 throttled", "other chain 137, most are on 1",
		"control probe of group ethereum is not heard (behind): its head stands still.", "a list of endpoints")
	eval[int](page, `(() => { [...document.querySelectorAll('table.servicers a')].find((a) => a.title === `+"`"+slashed+"`"+`).click(); return 0; })()`)
	page.await("the target's page is there", `document.querySelector("h1")?.textContent === "Target `+slashed+`"`)
	speaks("the target's page", "asked to wait 30s", "2 throttled", "did not say which chain")
	fits := func(where string) {
		t.Helper()
		for _, width := range []int64{360, 1280} {
			page.size(width, 900)
			if wide := eval[int64](page, `document.documentElement.scrollWidth`); wide > width {
				t.Errorf("%s is %d pixels wide on a screen of %d", where, wide, width)
			}
		}
	}
	fits("the target's page")
	eval[int](page, `(() => { location.hash = "#/session/`+strings.Repeat("5e", 32)+`/own-node"; return 0; })()`)
	page.await("what its node says is text", `document.querySelector("main").textContent.includes("Geth/v1.17.4 <b>bold</b>")`)
	eval[int](page, `(() => { location.hash = "#/window/10"; return 0; })()`)
	page.await("the window is there", `document.querySelector("main h2")?.textContent === "Group ethereum"`)
	speaks("the window", "target", "1 session")
	eval[int](page, `(() => { location.hash = "#/evidence/`+strings.Repeat("5e", 32)+`/0"; return 0; })()`)
	page.await("the evidence says that it is unsigned", `document.querySelector("main").textContent.includes("unsigned: shows what we received, proves it to nobody")`)
	fits("the evidence")
	if said := eval[string](page, `document.querySelector("main").textContent`); strings.Contains(said, "are signed") {
		t.Errorf("the evidence says %q", said)
	}
}
