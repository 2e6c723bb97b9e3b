package browser

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
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
		openAltered(page, net, func(status map[string]any) { status["fisherman"], status["store"] = nil, nil })
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
