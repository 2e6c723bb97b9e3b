package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// patient are flags with which a busy machine is no slow target.
var patient = []string{"--allow-private", "--for", "3s", "--sla", "2s", "--timeout", "2900ms"}

// attempts are how often a comparison is begun anew whose checks were void because this machine was busy.
const attempts = 4

// compared runs the command until what it says is as wanted.
func compared(t *testing.T, wanted func(api.SessionReport) []string, args ...string) (session api.SessionReport, stderr string) {
	t.Helper()
	var problems []string
	for range attempts {
		code, stdout, said := commandtest.Pocket(t, New, append(append([]string{"compare", "--output", "json"}, patient...), args...)...)
		var report api.Report
		if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != command.ExitOK || len(report.Sessions) != 1 {
			t.Fatalf("code %d, %v: %s%s", code, err, stdout, said)
		}
		if problems = wanted(report.Sessions[0]); len(problems) == 0 {
			return report.Sessions[0], said
		}
	}
	t.Fatal(strings.Join(problems, "\n"))
	return session, stderr
}

// row is what is wanted of a target.
type row struct {
	verdict api.Verdict
	why     string
}

func matches(rows map[string]row) func(api.SessionReport) []string {
	return func(session api.SessionReport) (problems []string) {
		for _, target := range session.Servicers {
			want := rows[target.Servicer]
			if target.Verdict != want.verdict || !strings.Contains(target.Reason, want.why) || strings.Contains(target.Reason, "\n") {
				problems = append(problems, fmt.Sprintf("%s is %s: %s; want %s: %s", target.Servicer, target.Verdict, target.Reason, want.verdict, want.why))
			}
		}
		if len(session.Servicers) != len(rows) {
			problems = append(problems, fmt.Sprintf("%d rows, want %d", len(session.Servicers), len(rows)))
		}
		return problems
	}
}

// Whatever a target does, it has a row that says so, and nothing of the others is touched.
func TestEveryTargetHasItsRow(t *testing.T) {
	bombed() // before anybody is asked
	zipped, other, foreign, liar := honest, honest, honest, honest
	zipped.zipped, other.chain, foreign.foreignID, liar.lie = true, "0x89", true, true
	secure := httptest.NewTLSServer(honest)
	t.Cleanup(secure.Close)
	rows := map[string]row{
		"one": {api.VerdictHealthy, "answered"}, "two": {api.VerdictHealthy, "answered"}, "zipped": {api.VerdictHealthy, "answered"},
		"liar":     {api.VerdictInconsistent, "disagreed with the majority"},
		"other":    {api.VerdictUnknown, "other chain 137, most are on 1"},
		"busy":     {api.VerdictUnknown, "throttled in"},
		"html":     {api.VerdictUnavailable, "it is no node of a chain that is known here"},
		"endless":  {api.VerdictUnavailable, "TOO_LARGE"},
		"bomb":     {api.VerdictUnavailable, "TOO_LARGE"},
		"foreign":  {api.VerdictUnavailable, "the id is not that of the question"},
		"redirect": {api.VerdictUnavailable, "a redirect, which is not followed"},
		"http2":    {api.VerdictUnavailable, "HTTP/2 only"},
		"down":     {api.VerdictUnavailable, "connection refused"},
		"nowhere":  {api.VerdictUnavailable, "resolve host name"},
		"plain":    {api.VerdictUnavailable, "TLS handshake"},
		"unknown":  {api.VerdictUnavailable, "TLS handshake"},
	}
	compared(t, matches(rows),
		"one="+serve(t, honest), "two="+serve(t, honest), "zipped="+serve(t, zipped), "liar="+serve(t, liar), "other="+serve(t, other),
		"busy="+serve(t, http.HandlerFunc(tooOften)), "html="+serve(t, http.HandlerFunc(html)), "endless="+serve(t, http.HandlerFunc(endless)),
		"bomb="+serve(t, http.HandlerFunc(bomb)), "foreign="+serve(t, foreign), "redirect="+serve(t, http.HandlerFunc(redirect)),
		"http2="+http2Only(t), "down="+closed(t), "nowhere=https://nowhere.invalid",
		"plain="+strings.Replace(serve(t, honest), "http:", "https:", 1), "unknown="+secure.URL)
}

// One target is measured, and it is said that nothing can be compared.
func TestOneTarget(t *testing.T) {
	url := serve(t, honest)
	code, stdout, stderr := commandtest.Pocket(t, New, "compare", "--allow-private", "--for", "2s", url+"/v2/KEYOFMINE")
	if code != command.ExitOK || !strings.Contains(stdout, "1 origin to compare: answers are compared from 3 on") || !strings.Contains(stdout, "evm chain 1") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
	if strings.Contains(stdout+stderr, "KEYOFMINE") || !strings.Contains(stdout, "127.0.0.1: "+url) {
		t.Errorf("the URL is not shown as scheme and host: %s%s", stdout, stderr)
	}
}

func TestNobodyAnswers(t *testing.T) {
	code, stdout, stderr := commandtest.Pocket(t, New, "compare", "--allow-private", "--for", "2s", "a="+closed(t), "b="+closed(t))
	if code != command.ExitOK || !strings.Contains(stdout, "it may be this machine's network") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}

func TestFailOn(t *testing.T) {
	args := []string{"compare", "--allow-private", "--for", "2s", "--output", "csv", "a=" + closed(t)}
	for failOn, want := range map[string]command.ExitCode{"slow": command.ExitOK, "behind,unavailable": command.ExitCompared} {
		code, stdout, stderr := commandtest.Pocket(t, New, append(args, "--fail-on", failOn)...)
		if code != want || !strings.HasPrefix(stdout, strings.Join(command.ReportHeader, ",")) {
			t.Errorf("--fail-on %s: code %d, want %d: %s", failOn, code, want, stderr)
		}
		if want == command.ExitCompared && !strings.Contains(stderr, "--fail-on: a is unavailable") {
			t.Errorf("%s", stderr)
		}
	}
}

// temporary has the command's temporary directories made in one of the test's.
func temporary(t *testing.T) (within string) {
	within = t.TempDir()
	t.Setenv("TMPDIR", within)
	return within
}

// stopper ends a context when it is shown a text.
type stopper struct {
	said bytes.Buffer
	text string
	stop func()
}

func (s *stopper) Write(p []byte) (int, error) {
	n, err := s.said.Write(p)
	if strings.Contains(s.said.String(), s.text) {
		s.stop()
	}
	return n, err
}

// Ctrl-C ends with the report of what was asked, and leaves nothing behind.
func TestInterrupted(t *testing.T) {
	within := temporary(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out bytes.Buffer
	streams := command.Streams{Out: &out, Err: &stopper{text: "check ", stop: stop}}
	root := command.Root(streams, New(streams))
	code := command.Run(ctx, streams, root, []string{"--allow-private", "--for", "60s", serve(t, honest)})
	if said := streams.Err.(*stopper).said.String(); code != command.ExitInterrupted || !strings.Contains(said, "interrupted after") {
		t.Errorf("code %d: %s", code, said)
	}
	if !strings.Contains(out.String(), "RANK") || !strings.Contains(out.String(), "asked: 120 checks in 1m0s") {
		t.Errorf("no report: %s", out.String())
	}
	if left, _ := os.ReadDir(within); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// planted are what users would not have shown, by where it is.
var planted = map[string]string{
	"path": "PLANTEDpath1", "query": "PLANTEDquery2", "user": "PLANTEDuser3", "password": "PLANTEDpass4", "header": "PLANTEDhead5",
	"file": "PLANTEDfile6", "environment": "PLANTEDenv7", "short": "x7Kq",
}

// echo gives back all that it is sent, in every place where a node has something to say.
func echo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked call
		_ = json.NewDecoder(r.Body).Decode(&asked)
		user, password, _ := r.BasicAuth()
		said := fmt.Sprintf("%s %s %s %s %v %s", r.URL, r.Host, user, password, r.Header, r.RequestURI)
		w.Header().Set("Location", "/"+said)
		w.Header().Set("Server", said)
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", said)
		}
		w.WriteHeader(status)
		answer := map[string]any{"jsonrpc": "2.0", "id": asked.ID}
		switch asked.Method {
		case "eth_chainId":
			answer["result"] = "0x1"
		case "web3_clientVersion":
			answer["result"] = said
		case "eth_blockNumber":
			answer["result"] = "0x1388"
		case "eth_getBlockByNumber":
			answer["result"] = map[string]any{"number": said}
		default:
			answer["error"] = map[string]any{"code": -32000, "message": said, "data": said}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// secretive are targets and headers with planted secrets, at servers that repeat them.
func secretive(t *testing.T) []string {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(planted["file"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PLANTED_TOKEN", planted["environment"])
	var args []string
	for i, status := range []int{http.StatusOK, http.StatusFound, http.StatusForbidden, http.StatusTooManyRequests, http.StatusInternalServerError} {
		url := strings.Replace(serve(t, echo(status)), "http://", "http://"+planted["user"]+":"+planted["password"]+"@", 1)
		name := fmt.Sprintf("t%d", i)
		args = append(args, name+"="+url+"/v2/"+planted["path"]+"?key="+planted["query"]+"&k="+planted["short"],
			"--header", name+": X-One: "+planted["header"], "--header", name+": X-Two: @"+file, "--header", name+": X-Three: Bearer ${PLANTED_TOKEN}")
	}
	return append(args, "down="+closed(t)+"/"+planted["path"], "nowhere=https://nowhere.invalid/"+planted["path"])
}

func leaks(text string) (found []string) {
	for where, secret := range planted {
		if strings.Contains(text, secret) {
			found = append(found, where)
		}
	}
	return found
}

func TestSecretsAreInNoOutput(t *testing.T) {
	args := append([]string{"compare", "--allow-private", "--for", "2s"}, secretive(t)...)
	code, stdout, stderr := commandtest.Pocket(t, New, args...)
	if code != command.ExitOK || !strings.Contains(stdout, "t0") || !strings.Contains(stderr, "t0") {
		t.Fatalf("code %d: %s%s", code, stdout, stderr)
	}
	if found := leaks(stdout + stderr); found != nil {
		t.Errorf("%v are shown: %s%s", found, stdout, stderr)
	}
}

// quiet shows nothing.
type quiet struct{}

func (quiet) Write(p []byte) (int, error) { return len(p), nil }
func (quiet) Show(terminal.Comparison)    {}
func (quiet) Close()                      {}

// What is stored while it runs has no secret, nor any form of the report.
func TestSecretsAreInNoFile(t *testing.T) {
	o := options{allowPrivate: true, chain: groups.ChainAuto, sla: time.Second, timeout: 2 * time.Second,
		timing: timing{length: 2 * time.Second, rate: 2, byLength: true}}
	for args := secretive(t); len(args) > 0; args = args[1:] {
		if args[0] == "--header" {
			o.headers, args = append(o.headers, args[1]), args[1:]
			continue
		}
		o.targets = append(o.targets, args[0])
	}
	group, err := o.group()
	if err != nil {
		t.Fatal(err)
	}
	within := t.TempDir()
	measured, err := sample(t.Context(), quiet{}, group, within)
	if err != nil {
		t.Fatal(err)
	}
	for _, output := range []string{command.OutputTable, command.OutputJSON, command.OutputCSV, outputMarkdown} {
		var written bytes.Buffer
		if err := write(&written, output, measured); err != nil || leaks(written.String()) != nil || !strings.Contains(written.String(), "t0") {
			t.Errorf("%s: %v, %v: %s", output, err, leaks(written.String()), &written)
		}
	}
	files := 0
	err = filepath.WalkDir(within, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		stored, err := os.ReadFile(path)
		if found := leaks(string(stored)); found != nil {
			t.Errorf("%s has %v", filepath.Base(path), found)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}
