package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// Secrets of the endpoints: in the path of each URL, and in a header that comes from the environment.
const (
	endpointPath  = "/v2/PATH-SECRET-OF-ENDPOINTS"
	endpointToken = "HEADER-SECRET-OF-ENDPOINTS"
)

// endpointsStory is the state of a story about a fisherman of endpoints, which runs as a process.
type endpointsStory struct {
	endpoints struct {
		process *exec.Cmd
		ended   chan error
		log     lockedBuffer
		// config is its file, and api the URL of its API.
		config, api string
		proxies     []*httptest.Server
		report      api.Report
		// shown is all that the program has printed in this story.
		shown strings.Builder
	}
}

// lockedBuffer takes the log of a process while it is read.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (s *story) endpointsSteps(scenario *godog.ScenarioContext) {
	scenario.Given(`^a fisherman of endpoints in front of its nodes, of which one is slow, one lags, one is down and one lies$`, s.startEndpoints)
	scenario.Given(`^a fisherman of endpoints in front of one of its nodes$`, s.startOneEndpoint)
	scenario.When(`^the fisherman of endpoints has sampled a whole session of each group$`, s.sampleEndpoints)
	scenario.Then(`^the targets of group (\S+) have the verdicts: (.*)$`, s.targetsHaveVerdicts)
	scenario.Then(`^the chain of group ethereum is found to be that of 1337, and that of group pocket to be the LocalNet's$`, s.chainsAreFound)
	scenario.When(`^it is asked to check target (\S+) of group (\S+)$`, s.checkTarget)
	scenario.Then(`^the check tells of (\S+) and of (\S+) what they did$`, s.checkTells)
	scenario.When(`^its evidence is saved and verified$`, s.verifyUnsigned)
	scenario.Then(`^the evidence does not contradict itself, and proves nothing$`, s.evidenceProvesNothing)
	scenario.Then(`^no output, log or file of it has a secret$`, s.noSecretAnywhere)
	scenario.When(`^its configuration is replaced by one with a mistake, and it is sent SIGHUP$`, s.breakConfiguration)
	scenario.Then(`^it says what is wrong, and goes on as before$`, s.mistakeIsNamed)
	scenario.When(`^its configuration has one target more, and it is sent SIGHUP$`, func() error { return s.configure(2, 1, true) })
	scenario.Then(`^the next session has both targets$`, s.bothTargets)
	scenario.When(`^its configuration has one group more, and nobody tells it$`, func() error { return s.configure(2, 2, false) })
	scenario.Then(`^it samples that group as well$`, s.secondGroup)
}

// proxied is a proxy in front of a node that lets in who knows path and token. A nil answer passes the node's on.
func (s *story) proxied(node string, answer func(w http.ResponseWriter, r *http.Request, pass http.Handler)) (string, error) {
	target, err := url.Parse(node)
	if err != nil {
		return "", err
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.URL.Path = "/"
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != endpointPath || r.Header.Get("X-Token") != endpointToken:
			http.Error(w, "no such path: "+r.URL.Path, http.StatusUnauthorized)
		case answer != nil:
			answer(w, r, pass)
		default:
			pass.ServeHTTP(w, r)
		}
	}))
	s.endpoints.proxies = append(s.endpoints.proxies, proxy)
	return proxy.URL + endpointPath, nil
}

// slowly passes the node's answers on after a while.
func slowly(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	select {
	case <-time.After(400 * time.Millisecond):
		pass.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

// altered passes on what the node answers to a method in another form.
func altered(alter func(method string, answer []byte) []byte) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var call struct{ Method string }
		_ = json.Unmarshal(body, &call) // the node says what is wrong with it
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set("Accept-Encoding", "identity")
		recorded := httptest.NewRecorder()
		pass.ServeHTTP(recorded, r)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(alter(call.Method, recorded.Body.Bytes()))
	}
}

// resultOf replaces what a JSON-RPC answer says.
func resultOf(answer []byte, change func(json.RawMessage) any) []byte {
	var said map[string]json.RawMessage
	if json.Unmarshal(answer, &said) != nil || said["result"] == nil {
		return answer
	}
	changed, _ := json.Marshal(change(said["result"]))
	said["result"] = changed
	text, _ := json.Marshal(said)
	return text
}

// lagging answers with the height that it saw first.
func lagging() func(method string, answer []byte) []byte {
	var mu sync.Mutex
	var first json.RawMessage
	return func(method string, answer []byte) []byte {
		if method != "eth_blockNumber" {
			return answer
		}
		return resultOf(answer, func(height json.RawMessage) any {
			mu.Lock()
			defer mu.Unlock()
			if first == nil {
				first = bytes.Clone(height)
			}
			return first
		})
	}
}

// lying invents the data of blocks and accounts.
func lying(method string, answer []byte) []byte {
	switch method {
	case "eth_chainId", "eth_blockNumber", "web3_clientVersion":
		return answer
	}
	return resultOf(answer, func(json.RawMessage) any { return "0xdead" })
}

// target is one in YAML.
func target(name, address string) string {
	return fmt.Sprintf("      - {name: %s, url: %s, private: true, headers: {X-Token: \"${E2E_TOKEN}\"}}\n", name, address)
}

func (s *story) startEndpoints() error {
	if err := s.nodesAnswer(); err != nil {
		return err
	}
	var ethereum, pocket strings.Builder
	for _, made := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request, http.Handler)
	}{{"node-1", nil}, {"node-2", nil}, {"node-3", nil}, {"slow", slowly}, {"lagging", altered(lagging())}, {"lying", altered(lying)}, {"down", nil}} {
		address, err := s.proxied(s.network.EthereumURL(), made.answer)
		if err != nil {
			return err
		}
		ethereum.WriteString(target(made.name, address))
		if made.name == "down" {
			s.endpoints.proxies[len(s.endpoints.proxies)-1].Close()
		}
	}
	for _, name := range []string{"rpc-1", "rpc-2", "rpc-3"} {
		address, err := s.proxied(s.network.ChainRPCURL(), nil)
		if err != nil {
			return err
		}
		pocket.WriteString(target(name, address))
	}
	return s.runEndpoints(`  - name: ethereum
    chain: evm
    interval: 500ms
    session: 10s
    sla: 200ms
    max_lag: 3 blocks
    control: node-1
    rate: 10
    targets:
` + ethereum.String() + `  - name: pocket
    interval: 500ms
    rate: 10
    session: 10s
    sla: 200ms
    targets:
` + pocket.String())
}

// nodesAnswer waits until the chains of the network have blocks.
func (s *story) nodesAnswer() error {
	return s.network.await("its nodes answer", func(ctx context.Context) (bool, error) {
		status, err := s.network.api.Status(ctx)
		if err != nil || status.Height < 2 {
			return false, err
		}
		response, err := http.Post(s.network.EthereumURL(), "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}`))
		if err != nil {
			return false, nil // it starts
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK, nil
	})
}

func (s *story) startOneEndpoint() error {
	if err := s.nodesAnswer(); err != nil {
		return err
	}
	for range 2 {
		if _, err := s.proxied(s.network.EthereumURL(), nil); err != nil {
			return err
		}
	}
	return s.runEndpoints(s.groupsOf(1, 1))
}

// groupsOf are a number of groups with a number of targets each, in YAML.
func (s *story) groupsOf(targets, groups int) string {
	var text strings.Builder
	for g := range groups {
		fmt.Fprintf(&text, "  - name: group-%d\n    interval: 1s\n    session: 10s\n    targets:\n", g+1)
		for i := range targets {
			text.WriteString(target(fmt.Sprintf("node-%d", i+1), s.endpoints.proxies[i].URL+endpointPath))
		}
	}
	return text.String()
}

// runEndpoints starts the program with groups, and waits for its API.
func (s *story) runEndpoints(groups string) (err error) {
	if s.home, err = os.MkdirTemp("", "e2e-home-"); err != nil {
		return err
	}
	e := &s.endpoints
	e.config = filepath.Join(s.home, "fisherman.yaml")
	if err := s.writeGroups(groups); err != nil {
		return err
	}
	e.process = exec.Command(s.networks.binary, "fisherman", "start", "--config", e.config)
	e.process.Stdout, e.process.Stderr = &e.log, &e.log
	e.process.Env = append(os.Environ(), "E2E_TOKEN="+endpointToken)
	if err := e.process.Start(); err != nil {
		return err
	}
	e.ended = make(chan error, 1)
	go func() { e.ended <- e.process.Wait() }()
	address := regexp.MustCompile(`page and API +(http://\S+)`)
	return eventually("the fisherman of endpoints says where its API is", func() bool {
		if found := address.FindStringSubmatch(e.log.String()); found != nil {
			e.api = found[1]
		}
		return e.api != ""
	})
}

func (s *story) writeGroups(groups string) error {
	config := "listen: 127.0.0.1:0\ndata: ./data\nlog_level: debug\ngroups:\n" + groups
	if err := os.WriteFile(s.endpoints.config+".new", []byte(config), 0o600); err != nil {
		return err
	}
	return os.Rename(s.endpoints.config+".new", s.endpoints.config)
}

// endEndpoints ends the process and the proxies of the story.
func (s *story) endEndpoints() error {
	e := &s.endpoints
	for _, proxy := range e.proxies {
		proxy.Close()
	}
	if e.process == nil {
		return nil
	}
	if err := e.process.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-e.ended:
		return err
	case <-time.After(10 * time.Second):
		return errors.Join(errors.New("the fisherman of endpoints did not stop"), e.process.Process.Kill())
	}
}

// askEndpoints asks the API of the fisherman of endpoints.
func (s *story) askEndpoints(question func(ctx context.Context, api *client.Client) error) error {
	api, err := client.New(s.endpoints.api)
	if err != nil {
		return err
	}
	defer api.Close()
	ctx, cancel := context.WithTimeout(context.Background(), relayTimeout)
	defer cancel()
	return question(ctx, api)
}

// latest returns the newest session of a group that fits.
func (s *story) latest(group string, fits func(api.SessionReport) bool) (found api.SessionReport, is bool) {
	_ = s.askEndpoints(func(ctx context.Context, api *client.Client) error {
		report, err := api.QoS(ctx, client.QoSFilter{})
		for _, session := range report.Sessions {
			if session.RelayChain == group && fits(session) {
				found, is = session, true
			}
		}
		return err
	})
	return found, is
}

func (s *story) sampleEndpoints() error {
	whole := func(session api.SessionReport) bool { return session.Complete }
	err := eventually("a session of each group is complete", func() bool {
		_, one := s.latest("ethereum", whole)
		_, other := s.latest("pocket", whole)
		return one && other
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, s.endpoints.log.String())
	}
	if err := s.shown("fisherman", "qos", "--node", s.endpoints.api, "--output", "json"); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(s.stdout), &s.endpoints.report); err != nil {
		return err
	}
	return s.shown("fisherman", "qos", "--node", s.endpoints.api)
}

// shown runs the program, which has to succeed, and keeps what it prints.
func (s *story) shown(args ...string) error {
	if err := s.run(args...); err != nil {
		return err
	}
	s.endpoints.shown.WriteString(s.stdout + s.stderr)
	return expect(s.exit == 0, "pocket %s: exit code %d, %s", strings.Join(args, " "), s.exit, s.stderr)
}

// whole returns the newest complete session of a group, as 'fisherman qos' has printed it.
func (s *story) whole(group string) (api.SessionReport, error) {
	sessions := s.endpoints.report.Sessions
	for i := range sessions {
		if session := sessions[len(sessions)-1-i]; session.RelayChain == group && session.Complete {
			return session, nil
		}
	}
	return api.SessionReport{}, fmt.Errorf("no complete session of %s: %s", group, s.stdout)
}

func (s *story) targetsHaveVerdicts(group, verdicts string) error {
	session, err := s.whole(group)
	if err != nil {
		return err
	}
	rows := make(map[string]api.ServicerReport)
	for _, row := range session.Servicers {
		rows[row.Servicer] = row
	}
	var wrong error
	all := strings.Split(verdicts, ", ")
	for _, pair := range all {
		name, verdict, _ := strings.Cut(pair, " ")
		row := rows[name]
		wrong = errors.Join(wrong, expect(string(row.Verdict) == verdict, "%s is %q: %s", name, row.Verdict, row.Reason))
	}
	if wrong != nil {
		wrong = fmt.Errorf("%w\n%+v\n%s", wrong, session, s.endpoints.log.String())
	}
	return errors.Join(wrong, expect(len(rows) == len(all), "%d rows", len(rows)))
}

func (s *story) chainsAreFound() error {
	for group, chain := range map[string]string{"ethereum": "1337", "pocket": s.network.ChainID()} {
		session, err := s.whole(group)
		if err != nil {
			return err
		}
		for _, row := range session.Servicers {
			if row.Servicer == "down" {
				continue
			}
			if err := expect(row.ChainIdentity != nil && *row.ChainIdentity == chain && row.Standing == api.StandingAsked, "%s of %s: %+v", row.Servicer, group, row); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *story) checkTarget(name, group string) error {
	// Where the lie was caught, or the check was void, its exit code says so.
	if err := s.run("fisherman", "check", name, "--chain", group, "--node", s.endpoints.api, "--output", "json"); err != nil {
		return err
	}
	s.endpoints.shown.WriteString(s.stdout + s.stderr)
	s.check.Check = api.CheckReport{}
	if err := json.Unmarshal([]byte(s.stdout), &s.check); err != nil {
		return fmt.Errorf("%w: %s%s", err, s.stdout, s.stderr)
	}
	return nil
}

func (s *story) checkTells(good, down string) error {
	answered, refused := s.check.Check.Sample(good), s.check.Check.Sample(down)
	if answered == nil || refused == nil {
		return fmt.Errorf("%+v", s.check.Check)
	}
	return errors.Join(expect(answered.Outcome == "OK", "%+v", answered), expect(refused.Outcome == "CONNECT", "%+v", refused))
}

func (s *story) verifyUnsigned() error {
	file := filepath.Join(s.home, "evidence.json")
	if err := s.shown("fisherman", "evidence", "--node", s.endpoints.api, "--out", file); err != nil {
		return err
	}
	if err := s.run("fisherman", "verify", file); err != nil {
		return err
	}
	s.endpoints.shown.WriteString(s.stdout + s.stderr)
	return nil
}

func (s *story) evidenceProvesNothing() error {
	const untrusted = 9
	return errors.Join(expect(s.exit == untrusted, "exit code %d: %s", s.exit, s.stderr),
		expect(strings.Contains(s.stdout, "proves nothing") && !strings.Contains(s.stdout, "FAILED"), "%s", s.stdout))
}

func (s *story) noSecretAnywhere() error {
	texts := map[string]string{"output": s.endpoints.shown.String(), "log": s.endpoints.log.String()}
	for _, path := range []string{"/metrics", "/v1/qos", "/v1/status", "/v1/rounds"} {
		response, err := http.Get(s.endpoints.api + path)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return err
		}
		texts[path] = string(body)
	}
	err := filepath.WalkDir(s.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == s.endpoints.config {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the store has tidied up
		}
		texts[path] = string(content)
		return err
	})
	for name, text := range texts {
		for _, secret := range []string{strings.TrimPrefix(endpointPath, "/v2/"), endpointToken} {
			err = errors.Join(err, expect(!strings.Contains(text, secret), "%s has %s", name, secret))
		}
	}
	return err
}

func (s *story) hangUp() error { return s.endpoints.process.Process.Signal(syscall.SIGHUP) }

func (s *story) configure(targets, groups int, tell bool) error {
	if err := s.writeGroups(s.groupsOf(targets, groups)); err != nil || !tell {
		return err
	}
	return s.hangUp()
}

func (s *story) breakConfiguration() error {
	if err := s.writeGroups(strings.Replace(s.groupsOf(2, 1), "interval: 1s", "intervall: 1s", 1)); err != nil {
		return err
	}
	return s.hangUp()
}

func (s *story) mistakeIsNamed() error {
	if err := eventually("the log names the mistake", func() bool { return strings.Contains(s.endpoints.log.String(), "intervall") }); err != nil {
		return err
	}
	before := s.checksOfOne()
	return eventually("checks of the one target are made after it", func() bool { return s.checksOfOne() > before+2 })
}

// checksOfOne counts the checks of sessions with one target.
func (s *story) checksOfOne() (checks int) {
	s.latest("group-1", func(r api.SessionReport) bool {
		if len(r.Servicers) == 1 {
			checks += r.ChecksDone
		}
		return false
	})
	return checks
}

func (s *story) bothTargets() error {
	return eventually("a session has both targets", func() bool {
		_, is := s.latest("group-1", func(r api.SessionReport) bool { return len(r.Servicers) == 2 && r.ChecksDone > 0 })
		return is
	})
}

func (s *story) secondGroup() error {
	return eventually("the second group is sampled", func() bool {
		_, is := s.latest("group-2", func(r api.SessionReport) bool { return r.ChecksDone > 0 })
		return is
	})
}
