package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/alerts/machine"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// planted is a secret, in the form of a token of Slack.
const planted = "PLANTEDAAA-PLANTEDBBB-plantedplantedplantedCCC"

// message is one of a rule about a servicer whose name means something to chats.
func message() machine.Message {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	m := machine.New([]machine.Rule{{Name: "down", Verdicts: []api.Verdict{"unavailable"}}}, "https://f.example/a_b_c/", 0)
	return m.Observe(now, machine.Snapshot{Subjects: []machine.Subject{{Key: machine.Key{RelayChain: "eth", Servicer: "<!channel>_a_@everyone"},
		Verdict: "unavailable", Reason: "7 of 30 answers missing & more"}}})[0]
}

// posted is a request that a receiver was sent.
type posted struct {
	url, authorization, contentType string
	header                          http.Header
	body                            []byte
}

// far is a real server. Requests to any host reach it.
func far(t *testing.T, answer http.HandlerFunc) (Options, <-chan posted) {
	t.Helper()
	requests := make(chan posted, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- posted{url: r.Header.Get("X-For") + r.URL.RequestURI(), authorization: r.Header.Get("Authorization"),
			contentType: r.Header.Get("Content-Type"), header: r.Header, body: body}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return Options{Transport: toServer{server}}, requests
}

// toServer sends requests to a server, whatever their host is.
type toServer struct{ server *httptest.Server }

func (t toServer) RoundTrip(request *http.Request) (*http.Response, error) {
	sent := request.Clone(request.Context())
	sent.Header.Set("X-For", request.URL.Scheme+"://"+request.URL.Host)
	sent.URL.Scheme, sent.URL.Host = "http", strings.TrimPrefix(t.server.URL, "http://")
	return t.server.Client().Transport.RoundTrip(sent)
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"ok":true}`)) }

func made(t *testing.T, raw string, options Options) Receiver {
	t.Helper()
	receiver, err := New(raw, options)
	if err != nil {
		t.Fatal(err)
	}
	return receiver
}

// Each chat is sent what its API takes, where the URL says, and no text of a servicer means anything to it.
func TestChats(t *testing.T) {
	for name, test := range map[string]struct {
		url, posted, authorization string
		want                       []string
		kind                       Kind
	}{
		"Slack's webhook": {"slack://hook:" + planted + "@webhook", "https://hooks.slack.com/services/" + strings.ReplaceAll(planted, "-", "/"), "",
			[]string{`"text":"[FIRING] down: \u0026lt;!channel\u0026gt;_a_@everyone of eth is unavailable"`, `7 of 30 answers missing \u0026amp; more`, `"text":"https://f.example/a_b_c/#/servicer/%3C%21channel%3E_a_@everyone"`}, KindSlack},
		"Slack's bot": {"slack://xoxb:" + planted + "@C001CHANNEL", "https://slack.com/api/chat.postMessage", "Bearer xoxb-" + planted,
			[]string{`"channel":"C001CHANNEL"`}, KindSlack},
		"Discord": {"discord://" + planted + "@123456", "https://discord.com/api/webhooks/123456/" + planted, "",
			[]string{`"title":"\\[FIRING] down: \\\u003c!channel\\\u003e\\_a\\_\\@everyone of eth is unavailable"`, `\nhttps://f.example/a_b_c/#/servicer/%3C%21channel%3E_a_@everyone"`}, KindDiscord},
		"Telegram": {"telegram://123456:" + planted + "@telegram?chats=-100:7", "https://api.telegram.org/bot123456:" + planted + "/sendMessage", "",
			[]string{`"chat_id":"-100"`, `"message_thread_id":7`, `"text":"[FIRING] down: \u003c!channel\u003e_a_@everyone of eth is unavailable\n`}, KindTelegram},
	} {
		t.Run(name, func(t *testing.T) {
			options, requests := far(t, ok)
			receiver := made(t, test.url, options)
			if err := receiver.Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			got := <-requests
			if got.url != test.posted || got.authorization != test.authorization || got.contentType != "application/json" || receiver.Kind() != test.kind {
				t.Errorf("%+v", got)
			}
			for _, want := range test.want {
				if !strings.Contains(string(got.body), want) {
					t.Errorf("%s\nhas no %s", got.body, want)
				}
			}
		})
	}
}

func TestWebhook(t *testing.T) {
	options, requests := far(t, ok)
	options.Headers = map[string]string{"Authorization": "Bearer x"}
	sent := message()
	if err := made(t, "https://h.example/p?q=1", options).Send(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	got := <-requests
	var body machine.Message
	if err := json.Unmarshal(got.body, &body); err != nil || body.ID != sent.ID || body.Version != 1 || body.Alerts[0].Servicer != sent.Alerts[0].Servicer {
		t.Errorf("%s, %v", got.body, err)
	}
	if got.url != "https://h.example/p?q=1" || got.authorization != "Bearer x" {
		t.Errorf("%+v", got)
	}
}

// What a receiver answers decides whether the message is sent again. Nothing that it says is shown.
func TestAnswers(t *testing.T) {
	status := func(code int, after string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", after)
			w.Header().Set("Location", "https://elsewhere.example/"+planted)
			w.WriteHeader(code)
			fmt.Fprint(w, r.URL.Path, planted)
		}
	}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		url    string
		want   Error
	}{
		"500":             {status(500, ""), "", Error{Cause: CauseStatus, Code: 500}},
		"503":             {status(503, "7"), "", Error{Cause: CauseStatus, Code: 503, After: 7 * time.Second}},
		"429":             {status(429, "99999"), "", Error{Cause: CauseStatus, Code: 429, After: 5 * time.Minute}},
		"429 nonsense":    {status(429, "-5 "+planted), "", Error{Cause: CauseStatus, Code: 429}},
		"408":             {status(408, ""), "", Error{Cause: CauseStatus, Code: 408}},
		"404":             {status(404, ""), "", Error{Cause: CauseStatus, Code: 404, Permanent: true}},
		"a redirect":      {status(302, ""), "", Error{Cause: CauseStatus, Code: 302, Permanent: true}},
		"Slack refuses":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"ok":false,"error":"%s"}`, planted) }, "slack://xoxb:" + planted + "@C1", Error{Cause: CauseRefused, Permanent: true}},
		"Slack is no API": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, planted) }, "slack://xoxb:" + planted + "@C1", Error{Cause: CauseRefused, Permanent: true}},
		"cut off":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", Error{Cause: CauseClosed}},
	} {
		t.Run(name, func(t *testing.T) {
			options, _ := far(t, test.answer)
			if test.url == "" {
				test.url = "https://h.example/" + planted
			}
			err := made(t, test.url, options).Send(t.Context(), message())
			wrong, is := errors.AsType[*Error](err)
			if !is || *wrong != test.want || strings.Contains(err.Error(), "PLANTED") || strings.Contains(err.Error(), "example") {
				t.Errorf("%#v: %v", err, err)
			}
		})
	}
}

// Without a transport of the test: real sockets, and every way in which a host is not there.
func TestHostsThatAreNotThere(t *testing.T) {
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hanging.Close() // it accepts by the kernel, and never answers
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	mail := "?from=a@a.example&to=b@b.example"
	for raw, want := range map[string]Cause{
		"http://" + closed.Addr().String() + "/" + planted:                          CauseConnect,
		"smtp://u:" + planted + "@" + closed.Addr().String() + "/" + mail:           CauseConnect,
		"http://" + hanging.Addr().String() + "/" + planted:                         CauseTimeout,
		"https://" + hanging.Addr().String() + "/" + planted:                        CauseTimeout,
		"smtp://u:" + planted + "@" + hanging.Addr().String() + "/" + mail:          CauseTimeout,
		"smtps://u:" + planted + "@" + hanging.Addr().String() + "/" + mail:         CauseTimeout,
		secure.URL + "/" + planted:                                                  CauseTLS,
		"smtps://u:" + planted + "@" + secure.Listener.Addr().String() + "/" + mail: CauseTLS,
		"http://planted.invalid/":                                                   CauseName,
		"smtp://planted.invalid/" + mail:                                            CauseName,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if want == CauseName || want == CauseTLS {
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		}
		err := made(t, raw, Options{}).Send(ctx, message())
		cancel()
		wrong, is := errors.AsType[*Error](err)
		if !is || wrong.Cause != want || strings.Contains(strings.ToLower(err.Error()), "planted") || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %#v: %v", raw, err, err)
		}
	}
}

func TestURLs(t *testing.T) {
	for _, raw := range []string{"", "planted", "ftp://planted.example", "http://", "https://h.example/#planted", "slack://planted", "slack://hook:planted@webhook",
		"slack://", "discord://planted", "discord://@planted", "discord://planted/planted@1", "discord://a@1/raw", "discord://a@1/planted", "discord://a@1?planted=1",
		"telegram://planted@telegram?chats=1", "telegram://1:planted@telegram", "telegram://1:planted@telegram?chats=1,2", "telegram://1:planted@telegram?chats=1&parsemode=HTML",
		"telegram://", "smtp://planted.example", "smtp://h.example/?from=planted&to=a@b", "smtp://h.example/?from=a@b&to=planted", "smtp://h/?from=a@b&to=c@d&planted=1",
		"smtp:///?from=a@b&to=c@d", "smtp://h/?from=a@b&to=c@d&auth=planted", "https://h.example/\nplanted", "%planted", "https://" + strings.Repeat("planted", 1000),
		"smtp://h/?from=a@b&to=c@d&timeout=planted", "smtp://h/?from=a@b&to=c@d&clienthost=x%0d%0aplanted", "smtp://h/?from=a@b%0d%0aBcc:planted@x&to=c@d"} {
		receiver, err := New(raw, Options{})
		wrong, is := errors.AsType[*URLError](err)
		if !is || receiver != nil || strings.Contains(wrong.Error(), "planted") {
			t.Errorf("%q: %v, %v", raw, receiver, err)
		}
	}
}

func FuzzNew(f *testing.F) {
	for _, scheme := range []string{"https", "slack", "discord", "telegram", "smtp"} {
		f.Add(scheme + "://a:b@c/d?e=f")
	}
	f.Fuzz(func(t *testing.T, raw string) {
		receiver, err := New(raw, Options{})
		if (receiver == nil) == (err == nil) {
			t.Fatalf("%v, %v", receiver, err)
		}
		if parsed, wrong := url.Parse(raw); wrong == nil && err != nil && len(parsed.Host) > 24 && strings.Contains(err.Error(), parsed.Host) {
			t.Fatal(err)
		}
	})
}
