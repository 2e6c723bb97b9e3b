package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

const (
	application = "00000000000000000000000000000000000000aa"
	servicer    = "00000000000000000000000000000000000000bb"
)

// asked is what a node saw of a request.
type asked struct{ path, query string }

// node answers every request with one status and body, and notes what was asked.
func node(t *testing.T, status int, contentType, body string) (*client.Client, *asked) {
	t.Helper()
	seen := &asked{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = asked{r.URL.Path, r.URL.RawQuery}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return open(t, server.URL), seen
}

func open(t *testing.T, url string) *client.Client {
	t.Helper()
	opened, err := client.New(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	return opened
}

// golden is an answer as the server's own tests fix it, so that both sides agree on the form.
func golden(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestAccountsAndTransactions(t *testing.T) {
	opened, seen := node(t, 200, "application/json", golden(t, "account"))
	account, err := opened.Account(t.Context(), servicer, 23)
	want := api.Account{Height: 23, Address: servicer, BalanceUPOKT: "18446744073709551615", Sequence: 7,
		Unbonding: []api.Unbonding{{Type: "servicer", AmountUPOKT: "5", UnlockHeight: 30}}}
	if err != nil || !reflect.DeepEqual(account, want) || *seen != (asked{"/v1/account", "address=" + servicer + "&height=23"}) {
		t.Errorf("%+v, %v, asked %+v", account, err, *seen)
	}

	var method, media, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		method, media, body = r.Method, r.Header.Get("Content-Type"), string(content)
		w.Header().Set("Content-Type", "application/json")
		if r.URL.RawQuery != "wait=true" {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"error":{"code":"transaction_wrong_sequence","message":"the next one is 3"}}`)
			return
		}
		_, _ = io.WriteString(w, `{"hash":"abcd","height":24,"code":116,"result":"NOT_OWNER","log":"NOT_OWNER: not yours"}`)
	}))
	defer server.Close()
	receipt, err := open(t, server.URL).Submit(t.Context(), []byte("envelope"), true)
	if err != nil || receipt != (api.Receipt{Hash: "abcd", Height: 24, Code: 116, Result: "NOT_OWNER", Log: "NOT_OWNER: not yours"}) {
		t.Errorf("%+v, %v", receipt, err)
	}
	if method != http.MethodPost || media != "application/x-protobuf" || body != "envelope" {
		t.Errorf("%s of %s: %q", method, media, body)
	}
	_, err = open(t, server.URL).Submit(t.Context(), []byte("envelope"), false)
	if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Code != "transaction_wrong_sequence" || refused.Status != 422 {
		t.Errorf("refused with %v", err)
	}
}

func TestReadsRelays(t *testing.T) {
	opened, seen := node(t, 200, "application/json", golden(t, "relays"))
	kept, err := opened.KeptRelays(t.Context(), 7)
	want := api.KeptRelays{
		Servicers: []api.ServicerRelays{{Address: servicer, Servicer: servicer, Stored: 3, Dropped: 2, Failed: 1}},
		Store:     api.RelayStore{Sessions: 5, Relays: 9, Bytes: 1234, EvictedSessions: 4, Failures: 6},
		Sessions: []api.SessionRelays{{ID: strings.Repeat("1f", 32), StartHeight: 20, RelayChain: "0001", GeoZone: "zone-1",
			Application: application, Relays: 3}},
	}
	if err != nil || !reflect.DeepEqual(kept, want) || *seen != (asked{"/v1/relays", "last=7"}) {
		t.Errorf("%+v, %v, asked %+v", kept, err, *seen)
	}

	opened, seen = node(t, 200, "application/json", golden(t, "relays_page"))
	page, err := opened.SessionRelays(t.Context(), "ab", 1, 1)
	if err != nil || page.Kept != 3 || page.Next == nil || *page.Next != 2 || len(page.Relays) != 1 ||
		*seen != (asked{"/v1/relays/session", "from=1&limit=1&session=ab"}) {
		t.Fatalf("%+v, %v, asked %+v", page, err, *seen)
	}
	relay := page.Relays[0]
	if relay.Place != 1 || relay.Servicer != servicer || relay.Application != application || len(relay.RequestHash) != 64 ||
		relay.Received.UnixNano() != 1_700_000_000_000_000_123 || relay.Answered.Sub(relay.Received) != 333 ||
		relay.UpstreamStatus != 200 || string(relay.Request) != "request" || string(relay.Response) != "response" {
		t.Errorf("relay %+v", relay)
	}
	opened, seen = node(t, 200, "application/json", golden(t, "relays_last"))
	page, err = opened.SessionRelays(t.Context(), "ab", 0, 0)
	if err != nil || page.Next != nil || seen.query != "session=ab" {
		t.Errorf("%+v, %v, asked %+v", page, err, *seen)
	}
}

func TestReadsWhatTheServerWrites(t *testing.T) {
	ctx := t.Context()
	opened, seen := node(t, 200, "application/json", golden(t, "status"))
	status, err := opened.Status(ctx)
	if err != nil || status.ChainID != "test-chain" || status.Height != 23 || status.Fisherman == nil || status.Version != "v1.2.3" {
		t.Errorf("Status: %+v, %v", status, err)
	}
	if want := (asked{"/v1/status", ""}); *seen != want {
		t.Errorf("asked %+v, want %+v", *seen, want)
	}

	durable := &api.Store{Durable: true, Disk: api.Held{Sessions: 5, Rounds: 50, Bytes: 6000}, EvictedSessions: 2}
	if !reflect.DeepEqual(status.Store, durable) {
		t.Errorf("store %+v, want %+v", status.Store, durable)
	}
	opened, _ = node(t, 200, "application/json", golden(t, "status_memory"))
	status, err = opened.Status(ctx)
	since := time.Date(2023, 11, 14, 22, 13, 20, 0, time.UTC)
	held := &api.Store{Reason: api.Optional("no space left on device"), Since: &since, Disk: api.Held{Sessions: 3, Rounds: 30, Bytes: 4000},
		Memory: api.Held{Sessions: 2, Rounds: 11, Bytes: 1500}, EvictedSessions: 7, UnreadableSessions: 1, SetAside: api.Optional("/home/samples.damaged-1")}
	if err != nil || !reflect.DeepEqual(status.Store, held) {
		t.Errorf("store %+v, %v, want %+v", status.Store, err, held)
	}
	opened, _ = node(t, 200, "application/json", golden(t, "status_none"))
	if status, err = opened.Status(ctx); err != nil || status.Store != nil || status.Fisherman != nil {
		t.Errorf("status without a fisherman: %+v, %v", status, err)
	}

	opened, seen = node(t, 200, "application/json; charset=utf-8", golden(t, "session"))
	session, err := opened.Session(ctx, application, "0001", 7)
	if err != nil {
		t.Fatalf("Session: %v", err)
	}
	wantServicer := api.Actor{Type: "servicer", Address: servicer, PublicKey: strings.Repeat("ab", 32), Chains: []string{"0001"}, RelayChains: []string{"0001"},
		GeoZone: "zone-1", ServiceURL: "http://servicer.example:8080/<a>", StakeUPOKT: "18446744073709551615", PausedHeight: 3,
		SinceHeights: []int64{0}}
	if len(session.Servicers) != 1 || !reflect.DeepEqual(session.Servicers[0], wantServicer) {
		t.Errorf("servicers %+v, want %+v", session.Servicers, wantServicer)
	}
	if session.ID != strings.Repeat("1f", 32) || session.StartHeight != 20 || session.Blocks != 10 || session.Height != 23 ||
		session.RelayChain != "0001" || session.GeoZone != "zone-1" || session.Application.Address != application || len(session.Fishermen) != 1 {
		t.Errorf("session %+v", session)
	}
	if want := (asked{"/v1/session", "application=" + application + "&height=7&relay_chain=0001"}); *seen != want {
		t.Errorf("asked %+v, want %+v", *seen, want)
	}

	opened, seen = node(t, 200, "application/json", golden(t, "actors"))
	actors, err := opened.Actors(ctx, "servicer", 0)
	if err != nil || actors.Height != 23 || len(actors.Actors) != 1 || actors.Actors[0].Address != servicer {
		t.Errorf("Actors: %+v, %v", actors, err)
	}
	if want := (asked{"/v1/actors", "type=servicer"}); *seen != want {
		t.Errorf("asked %+v, want %+v", *seen, want)
	}

	opened, seen = node(t, 200, "application/json", golden(t, "qos"))
	report, err := opened.QoS(ctx, client.QoSFilter{SessionID: session.ID, Servicer: servicer, Last: 3})
	if err != nil || len(report.Sessions) != 1 || report.Sessions[0].Servicers[0].Address != servicer {
		t.Errorf("QoS: %+v, %v", report, err)
	}
	if want := (asked{"/v1/qos", "last=3&servicer=" + servicer + "&session=" + session.ID}); *seen != want {
		t.Errorf("asked %+v, want %+v", *seen, want)
	}
}

func TestQoSWindow(t *testing.T) {
	opened, seen := node(t, 200, "application/json", golden(t, "qos_window"))
	report, err := opened.QoSWindow(t.Context(), client.WindowFilter{Span: qos.Span{Age: 24 * time.Hour}, Servicer: strings.Repeat("0b", 20)})
	if err != nil || report.Window != "24h" || len(report.Windows) != 1 || report.Windows[0].Servicers[0].Sessions != 2 {
		t.Errorf("QoSWindow: %+v, %v", report, err)
	}
	if want := (asked{"/v1/qos", "servicer=" + strings.Repeat("0b", 20) + "&window=24h"}); *seen != want {
		t.Errorf("asked %+v, want %+v", *seen, want)
	}
}

func TestRefusalKeepsCodeAndStatus(t *testing.T) {
	opened, _ := node(t, 404, "application/json", golden(t, "refusal"))
	_, err := opened.Status(t.Context())
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Status != 404 || refused.Code != "unknown_application" || refused.Message == "" {
		t.Errorf("error %#v, want the node's refusal", err)
	}
}

func TestOtherServersAreNoNodes(t *testing.T) {
	for name, test := range map[string]struct {
		status            int
		contentType, body string
	}{
		"web page":         {200, "text/html", "<html>"},
		"no content type":  {200, "", "{}"},
		"broken JSON":      {200, "application/json", `{"chain_id":`},
		"other form":       {200, "application/json", `{"height":"high"}`},
		"other error form": {502, "application/json", `{"message":"bad gateway"}`},
		"redirect":         {302, "text/html", ""},
	} {
		t.Run(name, func(t *testing.T) {
			opened, _ := node(t, test.status, test.contentType, test.body)
			if _, err := opened.Status(t.Context()); !errors.Is(err, client.ErrNotANode) {
				t.Errorf("error %v, want ErrNotANode", err)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	followed := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			followed = true
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	if _, err := open(t, server.URL).Status(t.Context()); err == nil || followed {
		t.Errorf("error %v, followed %v", err, followed)
	}
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	opened, _ := node(t, 200, "application/json", golden(t, "status"))
	if _, err := opened.Status(t.Context()); err != nil {
		t.Errorf("Status: %v", err)
	}
}

func TestEndlessBodyIsCutOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	if _, err := open(t, server.URL).QoS(t.Context(), client.QoSFilter{}); !errors.Is(err, client.ErrNotANode) {
		t.Errorf("error %v, want ErrNotANode", err)
	}
}

func TestUnreachableNamesTheURL(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	_ = listener.Close()
	_, err = open(t, url).Status(t.Context())
	if !errors.Is(err, client.ErrUnreachable) || !strings.Contains(err.Error(), url) {
		t.Errorf("error %v, want ErrUnreachable with %s", err, url)
	}
}

func TestConnectionThatBreaksIsUnreachable(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "{")
	}))
	defer server.Close()
	if _, err := open(t, server.URL).Status(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("error %v, want ErrUnreachable", err)
	}
}

func TestOwnCancellationIsNotTheNodesFault(t *testing.T) {
	opened, _ := node(t, 200, "application/json", golden(t, "status"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := opened.Status(ctx)
	if !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrUnreachable) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestBaseURL(t *testing.T) {
	for url, good := range map[string]bool{
		"http://127.0.0.1:50832":     true,
		"https://node.example/api/":  true,
		"127.0.0.1:50832":            false,
		"ftp://node.example":         false,
		"http://":                    false,
		"http://user:pw@node":        false,
		"http://node.example/?a=b":   false,
		"http://node.example/#a":     false,
		"http://node.example:port/":  false,
		"http://node.example/\x1b[m": false,
	} {
		if _, err := client.New(url); (err == nil) != good {
			t.Errorf("New(%q): %v", url, err)
		}
	}
}

func TestPathPrefixIsKept(t *testing.T) {
	seen := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.URL.Path
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, golden(t, "status"))
	}))
	defer server.Close()
	if _, err := open(t, server.URL+"/api/").Status(t.Context()); err != nil || seen != "/api/v1/status" {
		t.Errorf("asked %q: %v", seen, err)
	}
}

func TestEvidence(t *testing.T) {
	opened, seen := node(t, 200, "application/json", golden(t, "evidence"))
	check := uint32(0)
	page, err := opened.Evidence(t.Context(), client.EvidenceFilter{SessionID: "s", Servicer: servicer, Check: &check, Limit: 7,
		Before: &api.EvidencePlace{Session: "b", Check: 4}})
	if err != nil || len(page.Evidence) != 1 || page.Evidence[0].Check != 3 || string(page.Evidence[0].Sides[0].ResponseEnvelope) != "\xff" ||
		page.Unkept != 7 || page.Next == nil || page.Next.Check != 4 {
		t.Errorf("%+v, %v", page, err)
	}
	if want := "before_check=4&before_session=b&check=0&limit=7&servicer=" + servicer + "&session=s"; *seen != (asked{"/v1/evidence", want}) {
		t.Errorf("asked %+v", *seen)
	}
	if _, err := opened.Evidence(t.Context(), client.EvidenceFilter{}); err != nil || *seen != (asked{"/v1/evidence", ""}) {
		t.Errorf("asked %+v, %v", *seen, err)
	}
}

func TestCheck(t *testing.T) {
	opened, seen := node(t, 200, "application/json", golden(t, "check"))
	report, err := opened.Check(t.Context(), servicer, application, "0001")
	if err != nil || report.Verdict != "ok" || report.Servicer != servicer || report.Sample(servicer).Outcome != "OK" {
		t.Errorf("%+v, %v", report, err)
	}
	if want := "application=" + application + "&relay_chain=0001&servicer=" + servicer; *seen != (asked{"/v1/check", want}) {
		t.Errorf("asked %+v", *seen)
	}
	if _, err := opened.Check(t.Context(), servicer, "", ""); err != nil || seen.query != "servicer="+servicer {
		t.Errorf("asked %+v, %v", *seen, err)
	}
}

// An answer that did not change is not sent again, and is read as it was; a changed one is, and so is one whose tag is gone.
func TestUnchangedAnswersAreKept(t *testing.T) {
	text, tag, sent := golden(t, "status"), `W/"1"`, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}))
	defer server.Close()
	node := open(t, server.URL)
	first, err := node.Status(t.Context())
	if err != nil || sent != 1 {
		t.Fatalf("%v, sent %d times", err, sent)
	}
	for range 3 {
		if again, err := node.Status(t.Context()); err != nil || !reflect.DeepEqual(again, first) || sent != 1 {
			t.Fatalf("%+v, %v, sent %d times", again, err, sent)
		}
	}
	tag, text = `W/"2"`, strings.Replace(text, `"height":23`, `"height":25`, 1)
	if changed, err := node.Status(t.Context()); err != nil || sent != 2 || changed.Height == first.Height {
		t.Errorf("height %d, %v, sent %d times", changed.Height, err, sent)
	}
	if _, err := node.QoS(t.Context(), client.QoSFilter{}); err == nil && sent != 3 {
		t.Errorf("another path: sent %d times", sent)
	}
}
