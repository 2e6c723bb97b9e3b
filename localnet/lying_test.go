package localnet

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// lyingIn starts a lying proxy in front of a node, and returns its URL, a client, and how to stop it.
func lyingIn(t *testing.T, node http.HandlerFunc) (string, *http.Client, func()) {
	t.Helper()
	upstream := httptest.NewServer(node)
	t.Cleanup(upstream.Close)
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	listener := listenLocal(t)
	stop := serveInTest(t, newLyingProxy(listener, target, 4, slog.New(slog.DiscardHandler)).Serve)
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return httpURL(listener.Addr().String()), &http.Client{Transport: transport}, stop
}

func post(t *testing.T, client *http.Client, url string, body io.Reader) (*http.Response, string) {
	t.Helper()
	response, err := client.Post(url, "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(answer)
}

func TestLyingProxyAltersResultsAlone(t *testing.T) {
	url, client, _ := lyingIn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("the node may compress: %q", r.Header.Get("Accept-Encoding"))
		}
		question, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		switch string(question) {
		case "fail":
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603}}`)
		default:
			io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":`+strconv.Quote(string(question))+`}`)
		}
	})
	for _, c := range []struct {
		question, want string
		status         int
	}{
		{"ask", `{"id":1,"jsonrpc":"2.0","result":"ask00000005"}`, http.StatusOK},
		{"fail", `{"jsonrpc":"2.0","id":1,"error":{"code":-32603}}`, http.StatusInternalServerError},
	} {
		response, got := post(t, client, url, strings.NewReader(c.question))
		if got != c.want || response.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d %s", c.question, response.StatusCode, got, c.status, c.want)
		}
		if response.ContentLength != int64(len(got)) {
			t.Errorf("%s: content length %d, want %d", c.question, response.ContentLength, len(got))
		}
		if kind := response.Header.Get("Content-Type"); kind != "application/json" {
			t.Errorf("%s: content type %q", c.question, kind)
		}
	}
}

func TestLyingProxyAltersWhatIsAskedByGET(t *testing.T) {
	url, client, _ := lyingIn(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"jsonrpc":"2.0","id":-1,"result":`+strconv.Quote(r.Method+" "+r.RequestURI)+`}`)
	})
	response, err := client.Get(url + "/block?height=5")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	const want = `{"id":-1,"jsonrpc":"2.0","result":"GET /block?height=500000005"}`
	if answer, err := io.ReadAll(response.Body); err != nil || string(answer) != want {
		t.Errorf("%s, %v; want %s", answer, err, want)
	}
}

func TestLyingProxyIsBounded(t *testing.T) {
	asked := false
	url, client, _ := lyingIn(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			asked = true
		}
		w.Write(make([]byte, proxyAnswerBytes+1))
	})
	response, _ := post(t, client, url, bytes.NewReader(make([]byte, proxyRequestBytes+1)))
	if response.StatusCode == http.StatusOK || asked {
		t.Errorf("a large request: status %d, passed on %v", response.StatusCode, asked)
	}
	if response, _ := post(t, client, url, strings.NewReader("ask")); response.StatusCode != http.StatusBadGateway {
		t.Errorf("a large answer: status %d, want %d", response.StatusCode, http.StatusBadGateway)
	}
}

func TestLyingProxyAdmitsJSONRPCOnly(t *testing.T) {
	url, client, _ := lyingIn(t, func(http.ResponseWriter, *http.Request) { t.Error("the node was asked") })
	for name, change := range map[string]func(*http.Request){
		"PUT": func(r *http.Request) { r.Method = http.MethodPut },
		"websocket": func(r *http.Request) {
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", "websocket")
		},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		change(request)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: status %d, want %d", name, response.StatusCode, http.StatusMethodNotAllowed)
		}
	}
}

func TestLyingProxyEndsDuringAnExchange(t *testing.T) {
	reached := make(chan struct{})
	url, client, stop := lyingIn(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		close(reached)
		<-r.Context().Done()
	})
	ended := make(chan int, 1)
	go func() {
		response, err := client.Post(url, "application/json", strings.NewReader("ask"))
		if err != nil {
			ended <- 0
			return
		}
		response.Body.Close()
		ended <- response.StatusCode
	}()
	<-reached
	stop()
	if status := <-ended; status == http.StatusOK {
		t.Errorf("an exchange that was cut off has status %d", status)
	}
	if _, err := client.Post(url, "application/json", nil); err == nil {
		t.Error("the listener is still open")
	}
}
