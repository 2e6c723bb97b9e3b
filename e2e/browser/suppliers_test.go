package browser

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// suppliers is a fisherman of the live Pocket network, whose budget for the session is used up, and of a list of endpoints.
func suppliers() without {
	f := without{status: clienttest.SuppliersStatus(), report: clienttest.Suppliers(), window: clienttest.SuppliersWindow(), rounds: listRounds(),
		evidence: api.Evidence{Question: "block number=3", Request: "{}", Proof: api.EvidenceProofAnswerSigned,
			Note: "each supplier signed its answer", Votes: []api.EvidenceVote{}, Sides: []api.EvidenceSide{}}}
	f.status.Store = &api.Store{Durable: true}
	f.report.Sessions = append(f.report.Sessions, listReport().Sessions...)
	return f
}

// suppliersAreShown: the page speaks of suppliers, with owner, stake and budget, and of targets in the sessions of the list.
func suppliersAreShown(t *testing.T, page *tab, net *network) {
	shown := suppliers().open(t, net.RPCURL())
	page.Cleanup(func() { page.open("about:blank") }) // before what it shows is closed
	page.open(shown)
	page.await("suppliers and targets have a row each", `document.querySelectorAll('table.servicers tbody tr').length === 5`)
	says := func(where, element string, wanted, never []string) {
		t.Helper()
		said := eval[string](page, "document.querySelector(`"+element+"`).innerText.toLowerCase()")
		for _, want := range wanted {
			if !strings.Contains(said, strings.ToLower(want)) {
				t.Errorf("%s does not say %q:\n%s", where, want, said)
			}
		}
		for _, word := range append(never, "servicer", "relay chain", "zone", "no block") {
			if strings.Contains(said, word) {
				t.Errorf("%s says %q:\n%s", where, word, said)
			}
		}
	}
	says("the page", "body", []string{"2 groups", "4 targets, 2 suppliers", "a list of endpoints and the live Pocket network",
		"The budget of eth-on-pocket for the session is used up: its checks are dropped."}, nil)
	session := clienttest.Suppliers().Sessions[0]
	says("the session", `[data-key="`+session.ID+`"]`, []string{"supplier", "group", "eth-on-pocket", "541261 to 541280", "running", "until its last block",
		"4 dropped: the budget is used up", "unverifiable: its account has no public key on the chain", "uPOKT", "spent today"}, []string{"target"})
	says("the session of the list", `[data-key="`+strings.Repeat("5e", 32)+`"]`, []string{"target", "ethereum"}, []string{"supplier", "upokt"})
	for i, wanted := range [][]string{
		{"not asked: its account has no public key on the chain", "owner"},
		{"owner", *session.Servicers[1].Owner, "stake", "uPOKT", session.Servicers[1].ServiceURL},
	} {
		eval[int](page, `(() => { location.hash = "#/session/`+session.ID+"/"+session.Servicers[i].Servicer+`"; return 0; })()`)
		page.await("the supplier's page is there", `document.querySelector("h1")?.textContent.startsWith("Supplier ") && document.querySelector("main").textContent.includes("`+session.Servicers[i].Servicer+`")`)
		says("the supplier's page", "main", wanted, []string{"target"})
	}
	eval[int](page, `(() => { location.hash = "#/window/10"; return 0; })()`)
	page.await("the window is there", `document.querySelector("main h2")?.textContent === "Group eth-on-pocket"`)
	says("the window", "main", []string{"supplier", "541261 to 541320"}, []string{"target"})
	eval[int](page, `(() => { location.hash = "#/evidence/`+session.ID+`/0"; return 0; })()`)
	page.await("the evidence says what was signed", `document.querySelector("main").textContent.includes("each supplier signed its answer")`)
}
