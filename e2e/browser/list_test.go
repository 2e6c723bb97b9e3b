package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// secretPath follows the host in the URL of every endpoint, and no page shows it.
	secretPath = "/v2/SECRET-OF-AN-ENDPOINT"
	// longName is as long as the name of a target may be.
	longName = "provider-with-a-name-that-is-as-long-as-the-name-of-a-target-may"
	// endpointDelay is how much later the slow endpoint answers.
	endpointDelay = 400 * time.Millisecond
)

// endpoint is a proxy in front of a node. What becomes of a call, fault decides; nil passes it on.
type endpoint struct {
	name  string
	fault func(w http.ResponseWriter, asked call, pass func())
	url   string
	// verdict is what a session says of it.
	verdict string
}

// call is a request of JSON-RPC.
type call struct {
	ID     json.RawMessage
	Method string
}

// openEndpoints opens endpoints of one node: one of each kind of fault, and enough without one.
func openEndpoints(t *testing.T, node string) []*endpoint {
	t.Helper()
	all := []*endpoint{
		{name: "own-node", verdict: "healthy"},
		{name: "provider-a", verdict: "healthy"},
		{name: "provider-b", verdict: "slow", fault: func(_ http.ResponseWriter, _ call, pass func()) { time.Sleep(endpointDelay); pass() }},
		{name: "provider-c", verdict: "inconsistent", fault: inventing},
		{name: "provider-d", verdict: "unavailable"},
		{name: longName, verdict: "healthy"},
	}
	target, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.URL.Path = "/" }}
	for _, one := range all {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			var asked call
			_ = json.Unmarshal(body, &asked) // the node says what is wrong with it
			r.Body = io.NopCloser(bytes.NewReader(body))
			if one.fault == nil {
				pass.ServeHTTP(w, r)
				return
			}
			one.fault(w, asked, func() { pass.ServeHTTP(w, r) })
		}))
		t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
		one.url = server.URL + secretPath
		if one.verdict == "unavailable" {
			server.Close()
		}
	}
	return all
}

// inventing answers honestly who the node is and how far it is, and invents everything else.
func inventing(w http.ResponseWriter, asked call, pass func()) {
	if slices.Contains([]string{"status", "eth_chainId", "eth_blockNumber", "web3_clientVersion"}, asked.Method) {
		pass()
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":"0xdead"}`, asked.ID)
}

// buildPocket returns the program that POCKET_TEST_PROGRAM names, or builds it.
func buildPocket(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("POCKET_TEST_PROGRAM"); named != "" {
		return named
	}
	program := filepath.Join(t.TempDir(), "pocket")
	if output, err := exec.Command("go", "build", "-o", program, "../../app/pocket").CombinedOutput(); err != nil {
		t.Fatalf("build pocket: %v\n%s", err, output)
	}
	return program
}

// served finds the address in what 'fisherman start' says first.
var served = regexp.MustCompile(`page and API +(http://\S+)`)

// startFisherman runs 'fisherman start' on a group until the test ends, and returns where its page is.
func startFisherman(t *testing.T, group string, endpoints []*endpoint) string {
	t.Helper()
	return startFishermanAt(t, t.TempDir(), group, endpoints)
}

// startFishermanAt does so in a directory, whose subdirectory data may have samples.
func startFishermanAt(t *testing.T, home, group string, endpoints []*endpoint) string {
	t.Helper()
	config := "listen: 127.0.0.1:0\ndata: " + filepath.Join(home, "data") + "\ngroups:\n" + group + "    targets:\n"
	for _, one := range endpoints {
		config += fmt.Sprintf("      - {name: %s, url: %s, private: true}\n", one.name, one.url)
	}
	path := filepath.Join(home, "fisherman.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	process := exec.Command(buildPocket(t), "fisherman", "start", "--config", path)
	log := &said{first: make(chan string, 1)}
	process.Stdout, process.Stderr = log, log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	t.Cleanup(func() {
		_ = process.Process.Signal(os.Interrupt) // it may have ended
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("fisherman start: %v\n%s", err, log)
			}
		case <-time.After(patience):
			_ = process.Process.Kill()
			t.Errorf("fisherman start does not end\n%s", log)
		}
		if strings.Contains(log.String(), secretPath) {
			t.Errorf("it has logged a secret:\n%s", log)
		}
	})
	select {
	case url := <-log.first:
		return url
	case <-time.After(patience):
		t.Fatalf("fisherman start does not say where its page is:\n%s", log)
		return ""
	}
}

// said is what a fisherman says; first has the address of its page once that was said.
type said struct {
	mu    sync.Mutex
	text  bytes.Buffer
	first chan string
}

func (s *said) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := served.Match(s.text.Bytes())
	s.text.Write(text)
	if found := served.FindSubmatch(s.text.Bytes()); found != nil && !before {
		s.first <- string(found[1])
	}
	return len(text), nil
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// TestDashboardOfEndpoints visits the page of a fisherman that has no chain: 'fisherman start' on endpoints of a LocalNet.
func TestDashboardOfEndpoints(t *testing.T) {
	page, net := openTab(t), startNetwork(t, 500*time.Millisecond)
	endpoints := openEndpoints(t, net.ChainRPCURL())
	url := startFisherman(t, "  - name: pocket\n    interval: 500ms\n    session: 10s\n    sla: 200ms\n    rate: 20\n    control: own-node\n", endpoints)
	page.size(1280, 900)
	page.open(url)
	defer func() { page.open("about:blank") }() // otherwise its requests meet a fisherman that has stopped
	t.Run("each target has its verdict", func(t *testing.T) { targetsAppear(page.with(t), endpoints) })
	t.Run("nothing overflows, and everybody can use it", func(t *testing.T) { listPagesFit(t, page.with(t)) })
	if errors := page.said(); len(errors) > 0 {
		t.Errorf("errors in the console:\n%s", strings.Join(errors, "\n"))
	}
}

// targetRow returns an expression for the row of a target in the newest session.
func targetRow(name string) string {
	return fmt.Sprintf(`document.querySelector('table.servicers tbody tr[data-key="%s"]')`, name)
}

func targetsAppear(page *tab, endpoints []*endpoint) {
	page.Helper()
	expected := []string{`document.querySelectorAll('[data-key=past] tbody tr').length >= 1`}
	for _, one := range endpoints {
		expected = append(expected, targetRow(one.name)+`?.querySelector('.verdict').className === "verdict `+one.verdict+`"`)
	}
	page.await("a session is over, and each target has its verdict", strings.Join(expected, " && "))
}

// listPagesFit checks every page of a list of endpoints at every width and scheme, and its words.
func listPagesFit(t *testing.T, page *tab) {
	session := eval[string](page, `document.querySelector('[data-key=past] tbody tr a').hash.split("/")[2]`)
	everyPageFits(t, page, map[string]string{"sessions": "#/", "session": "#/session/" + session, "servicer": "#/session/" + session + "/" + longName,
		"window": "#/window/10", "evidence": "#/evidence/" + session + "/" + disputed(page, session)}, func(name string) {
		shown := eval[string](page, `document.body.innerText.toLowerCase()`)
		for _, word := range []string{"servicer", "relay chain", "zone", "from block", "no block", "blocks to", "application", "signed by", strings.ToLower(secretPath)} {
			if strings.Contains(shown, word) {
				t.Errorf("%s says %q:\n%s", name, word, shown)
			}
		}
	})
}
