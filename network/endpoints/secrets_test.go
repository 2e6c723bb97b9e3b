package endpoints

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// echoes are the forms in which a server may send back what it was sent, without quotation marks around it.
func echoes(secret string) []string {
	quoted, _ := json.Marshal(secret)
	plain := fmt.Sprintf("%q", secret)
	return []string{
		secret, strings.ToLower(secret), strings.ToUpper(secret), string(quoted[1 : len(quoted)-1]), plain[1 : len(plain)-1], strings.ReplaceAll(secret, "/", `\/`), html.EscapeString(secret),
		url.PathEscape(secret), url.QueryEscape(secret), strings.ToLower(url.QueryEscape(secret)), text.Printable(secret),
	}
}

// shows reports whether a text has a piece of a secret that could be told from chance.
func shows(shown, secret string) bool {
	shown, secret = strings.ToLower(shown), strings.ToLower(secret)
	for at := 0; at+piece <= len(secret); at++ {
		if strings.Contains(shown, secret[at:at+piece]) {
			return true
		}
	}
	return false
}

// letters of secrets, with those that are written otherwise somewhere.
const letters = `abcXYZ0189-_.~!$&'()*+,;=:@/<>"` + "`{}|^%"

func drawSecret(t *rapid.T, name string) string {
	return rapid.StringOfN(rapid.SampledFrom([]rune(letters)), piece, 60, -1).Draw(t, name)
}

// No secret of 8 bytes or more survives, wherever it is configured, in whichever form it comes back, and wherever a text is
// cut.
func TestNoSecretIsShown(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		path, query, user, pass, value := drawSecret(r, "path"), drawSecret(r, "query"), drawSecret(r, "user"), drawSecret(r, "pass"), drawSecret(r, "header")
		path = strings.ReplaceAll(path, "/", "-")
		address := &url.URL{Scheme: "https", Host: "a.example", Path: "/v2/" + path + "/rpc", RawQuery: "net=main&key=" + url.QueryEscape(query), User: url.UserPassword(user, pass)}
		made, err := newTarget(groups.Target{Name: "a", URL: groups.NewSecret(address.String()),
			Headers: map[string]groups.Secret{"X-Api-Key": groups.NewSecret(value), "X-Other": groups.NewSecret("Bearer " + value)}}, newThrottle(1))
		if err != nil {
			r.Fatal(err)
		}
		redactor := newRedactor(made.secrets, made.public())
		secrets := []string{path, query, user, pass, value, basic(address.User), address.EscapedPath(), address.RawQuery}
		secret := rapid.SampledFrom(secrets).Draw(r, "secret")
		echo := rapid.SampledFrom(echoes(secret)).Draw(r, "echo")
		quote := rapid.SampledFrom([]string{"", `"`}).Draw(r, "quote")
		said := rapid.String().Draw(r, "before") + quote + echo + quote + rapid.String().Draw(r, "after")
		said = said[:rapid.IntRange(0, len(said)).Draw(r, "cut")]
		for _, shown := range []string{redactor.conceal(said), redactor.conceal(text.Line(said, 80)), string(redactor.concealBytes([]byte(said)))} {
			for _, given := range append(echoes(secret), secrets...) {
				if shows(strings.ReplaceAll(shown, concealed, "\x00"), given) {
					r.Fatalf("%q is shown as %q, which has a piece of %q", said, shown, given)
				}
			}
		}
	})
}

// What is no secret stays as it is, and a text without one is not copied.
func TestNothingElseIsConcealed(t *testing.T) {
	made, err := newTarget(plantedTarget("ann"), newThrottle(1))
	if err != nil {
		t.Fatal(err)
	}
	r := newRedactor(made.secrets, made.public())
	for given, want := range map[string]string{
		"":                                     "",
		"short":                                "short",
		"HTTP status 503":                      "HTTP status 503",
		"https://ann.example refuses":          "https://ann.example refuses",
		"Geth/v2.14.0-stable/linux-amd64":      "Geth/v2.14.0-stable/linux-amd64",
		"no /v2/" + pathKey + " here":          "no [secret] here",
		pathKey + pathKey:                      "[secret][secret]",
		pathKey + " " + queryKey:               "[secret] [secret]",
		"a" + strings.ToLower(headerKey) + "b": "a[secret]b",
		"key=" + queryKey + "&x":               "[secret]&x",
		pathKey[:piece]:                        "[secret]",
		pathKey[:piece-1]:                      pathKey[:piece-1],
		"<" + password + ">":                   "<[secret]>",
		"Basic " + basic(url.UserPassword("user", password)) + ".": "[secret].",
	} {
		if got := r.conceal(given); got != want {
			t.Errorf("%q is shown as %q, want %q", given, got, want)
		}
	}
	body := []byte("an answer without a secret")
	if got := r.concealBytes(body); &got[0] != &body[0] {
		t.Error("copied")
	}
}

// Words that are shown anyway are no secrets, even in a URL.
func TestNamesAreNoSecrets(t *testing.T) {
	group := groupOf("ethereum", groups.Target{Name: "provider-a", URL: groups.NewSecret("https://a.example/ethereum/0123456789abcdef?name=provider-a"),
		Headers: map[string]groups.Secret{"Accept": groups.NewSecret("application/json")}})
	n := networkOf(farSide{}, false, group)
	s := n.add(n.prepare(t.Context(), group), 1000)
	said := "the head of relay chain ethereum is not known, says provider-a at https://a.example in application/json"
	if got := s.redactor.conceal(said + " 0123456789abcdef"); got != said+" [secret]" {
		t.Error(got)
	}
}

// A chain's identity is compared as it is, though a URL has it too; it is shown unless it can be a key that was repeated.
func TestChainIdentityInURL(t *testing.T) {
	target := func(name, path string) groups.Target {
		return groups.Target{Name: name, URL: groups.NewSecret("https://" + name + ".example/" + path)}
	}
	said := func(chain string) identified {
		return identified{Identity: question.Identity{Kind: question.ChainCometBFT, Chain: chain}}
	}
	for name, test := range map[string]struct {
		targets []groups.Target
		said    []identified
		want    string
	}{
		"in one URL":           {[]groups.Target{target("a", "cosmoshub-4"), target("b", "rpc"), target("c", "rpc")}, []identified{said("cosmoshub-4"), said("cosmoshub-4"), said("cosmoshub-4")}, "cosmoshub-4"},
		"in all URLs":          {[]groups.Target{target("a", "cosmoshub-4"), target("b", "cosmoshub-4")}, []identified{said("cosmoshub-4"), said("cosmoshub-4")}, "cosmoshub-4"},
		"a key that is echoed": {[]groups.Target{target("a", pathKey)}, []identified{said(pathKey)}, "[secret]"},
	} {
		group := groupOf("g", test.targets...)
		n := networkOf(farSide{}, false, group)
		p := n.prepare(t.Context(), group)
		p.said, p.kind = test.said, question.ChainCometBFT
		s := n.newSession(p, 1000)
		if s.GetChainIdentity() != test.want || len(s.GetServicers()) != len(test.targets) {
			t.Errorf("%s: chain %q, %d asked", name, s.GetChainIdentity(), len(s.GetServicers()))
		}
		for _, member := range s.GetTargets() {
			if member.GetChainIdentity() != test.want || member.GetStanding() != 0 {
				t.Errorf("%s: %v", name, member)
			}
		}
		if test.want == "cosmoshub-4" {
			answer := `{"chain_id":"cosmoshub-4"}`
			if got := s.redactor.conceal(answer); got != answer {
				t.Errorf("%s: an answer is altered to %s", name, got)
			}
		}
	}
}

// Redact covers all that a stranger wrote, and everything of a session that is not known.
func TestRedact(t *testing.T) {
	group := groupOf("g", plantedTarget("ann"))
	group.Control.URL = groups.NewSecret("https://control.example/" + controlKey)
	n := networkOf(farSide{}, false, group)
	s := n.add(n.prepare(t.Context(), group), 1000)
	everything := strings.Join(planted(), " ")
	for _, id := range []string{s.GetHeader().GetId(), "unknown"} {
		round := &types.QoSRound{SessionId: id, Reason: "the control said " + everything, Samples: []*types.QoSSample{
			{Detail: text.Line(everything, 60), ResponseEnvelope: []byte(`{"result":"` + everything + `"}`)}, {}}}
		n.Redact(round)
		for _, secret := range planted() {
			if shows(round.String(), secret) {
				t.Errorf("session %s: %v", id, round)
			}
		}
	}
}

func FuzzConceal(f *testing.F) {
	f.Add("https://user:password-x@a.example/v2/0123456789abcdef?key=fedcba9876543210", "Bearer eyJhbGciOi", `{"path":"\/v2\/0123456789abcdef"}`)
	f.Add("https://a.example/%2F%2f/a%20b%20c%20d", "x", "/%2F%2f/")
	f.Fuzz(func(t *testing.T, address, value, said string) {
		made, err := newTarget(groups.Target{Name: "a", URL: groups.NewSecret(address), Headers: map[string]groups.Secret{"X-Key": groups.NewSecret(value)}}, newThrottle(1))
		if err != nil {
			return
		}
		redactor := newRedactor(made.secrets, nil)
		for _, given := range []string{said, said + value, address + said, value} {
			shown := strings.ReplaceAll(redactor.conceal(given), concealed, "\x00")
			if len(value) >= piece && !strings.Contains("application/json", strings.ToLower(value)) && strings.Contains(shown, value) {
				t.Errorf("%q is shown as %q", given, shown)
			}
			if parsed, _ := url.Parse(address); len(parsed.RawQuery) >= piece && strings.Contains(shown, "?"+parsed.RawQuery) {
				t.Errorf("%q is shown as %q", given, shown)
			}
			if shown != strings.ReplaceAll(string(redactor.concealBytes([]byte(given))), concealed, "\x00") {
				t.Error("bytes and texts differ")
			}
		}
	})
}

// A server that sends back all that it was sent gets none of it into a log or a session.
func TestEchoingServer(t *testing.T) {
	var log strings.Builder
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := r.URL.String() + " " + r.Header.Get("Authorization") + " " + r.Header.Get("X-Api-Key")
		quoted, _ := json.Marshal(said)
		w.Header().Set("X-Echo", r.URL.Path)
		switch {
		case strings.Contains(r.Host, "ann"): // as its software
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":"1","result":%s}`, quoted)
		case strings.Contains(r.Host, "bob"): // as an error
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":"1","error":{"code":-32000,"message":%s}}`, quoted)
		case strings.Contains(r.Host, "cleo"):
			http.Redirect(w, r, "https://elsewhere.example/"+said, http.StatusFound)
		default:
			fmt.Fprintf(w, "<html>%s", said)
		}
	})
	group := groupOf("g", plantedTarget("ann"), plantedTarget("bob"), plantedTarget("cleo"), plantedTarget("dora"))
	far := farSide{originOf("ann"): echo, originOf("bob"): echo, originOf("cleo"): echo, originOf("dora"): echo}
	n := New(Config{Groups: []groups.Group{group}, Catalogue: catalogueOf, Logger: textLogger(&log)})
	n.dial = far.dial
	s := n.add(n.prepare(t.Context(), group), 1000)
	shown := log.String() + s.Session.String()
	for _, secret := range planted() {
		if shows(shown, secret) {
			t.Errorf("%s", shown)
		}
	}
	if !strings.Contains(log.String(), "dora") {
		t.Errorf("nothing is said: %s", log.String())
	}
}
