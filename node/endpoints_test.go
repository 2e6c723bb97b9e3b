package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	unsignedevidence "github.com/pocket-fisherman/fisherman/network/endpoints/evidence"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// evmNode is a fake of a node of an EVM chain whose state follows from the question alone.
type evmNode struct {
	chain  string
	head   func() int64
	lie    bool
	status int
	asked  atomic.Int64
}

func (n *evmNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.asked.Add(1)
	if n.status != 0 {
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(n.status)
		return
	}
	var call struct {
		ID     json.RawMessage
		Method string
		Params json.RawMessage
	}
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		w.WriteHeader(400)
		return
	}
	var result any
	switch call.Method {
	case "eth_chainId":
		result = n.chain
	case "web3_clientVersion":
		result = "Fake/v1"
	case "eth_blockNumber":
		result = fmt.Sprintf("0x%x", n.head())
	case "eth_getBlockTransactionCountByNumber", "eth_getTransactionCount", "eth_getBalance":
		result = fmt.Sprintf("0x%x", len(call.Params))
	default:
		digest := sha256.Sum256(append([]byte(call.Method), call.Params...))
		if n.lie {
			digest[0]++
		}
		result = "0x" + hex.EncodeToString(digest[:])
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "result": result})
}

const endpointKey = "SECRETKEY-OF-AN-ENDPOINT"

// endpointsGroup has nodes that are well, and one of each kind that is not; all at URLs with a key.
func endpointsGroup(t *testing.T) groups.Group {
	t.Helper()
	group := groups.DefaultGroup()
	group.Name = "compare"
	group.Interval, group.Session, group.Spread = 500*time.Millisecond, 10*time.Second, groups.SpreadEven
	start := func(name string, handler http.Handler) *httptest.Server {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		group.Targets = append(group.Targets, groups.Target{Name: name, URL: groups.NewSecret(server.URL + "/v2/" + endpointKey), Private: true})
		return server
	}
	head := func() int64 { return 5000 }
	for _, name := range []string{"a", "b", "c"} {
		start(name, &evmNode{chain: "0x1", head: head})
	}
	start("liar", &evmNode{chain: "0x1", head: head, lie: true})
	start("other", &evmNode{chain: "0x89", head: head})
	start("busy", &evmNode{chain: "0x1", head: head, status: 429})
	start("down", &evmNode{chain: "0x1", head: head}).Close()
	start("page", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "<html>%s", r.URL) }))
	start("elsewhere", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x"+r.URL.Path, http.StatusFound) }))
	return group
}

// One session of good and bad endpoints: each has a row that says what it is, the liar's answers are kept, and the key is
// nowhere: not in the report, the evidence, the log or the files.
func TestEndpointsOnce(t *testing.T) {
	var log lockedBuffer
	directory := t.TempDir()
	e, err := NewEndpoints(EndpointsConfig{Groups: []groups.Group{endpointsGroup(t)}, Data: directory, Once: true,
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := e.Run(ctx); err != nil || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
	report, err := e.Report(t.Context(), 1)
	if err != nil || len(report.Sessions) != 1 || !report.Sessions[0].Complete {
		t.Fatalf("%v, %+v", err, report)
	}
	verdicts := map[string]api.Verdict{"a": api.VerdictHealthy, "b": api.VerdictHealthy, "c": api.VerdictHealthy, "liar": api.VerdictInconsistent,
		"other": api.VerdictUnknown, "busy": api.VerdictUnknown, "down": api.VerdictUnavailable, "page": api.VerdictUnavailable, "elsewhere": api.VerdictUnavailable}
	standings := map[string]api.Standing{"other": api.StandingOtherChain, "busy": api.StandingUnidentified, "down": api.StandingUnidentified}
	for _, row := range report.Sessions[0].Servicers {
		if row.Verdict != verdicts[row.Servicer] {
			t.Errorf("%s is %s: %s", row.Servicer, row.Verdict, row.Reason)
		}
		if want, is := standings[row.Servicer]; is && row.Standing != want {
			t.Errorf("%s is %s, want %s", row.Servicer, row.Standing, want)
		}
		delete(verdicts, row.Servicer)
	}
	if len(verdicts) > 0 {
		t.Errorf("no row of %v", verdicts)
	}
	checkRolling(t, report)
	again, err := NewEndpoints(EndpointsConfig{Groups: []groups.Group{endpointsGroup(t)}, Data: copyOf(t, directory)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	if report, err = again.Report(t.Context(), 1); err != nil { // a restart forgets nothing
		t.Fatal(err)
	}
	checkRolling(t, report)
	found, err := e.reader.Evidence(t.Context(), samples.EvidenceFilter{Limit: 100})
	if err != nil || len(found.Evidence) == 0 {
		t.Fatalf("evidence: %v, %+v", err, found)
	}
	for _, piece := range found.Evidence {
		if steps, ok := unsignedevidence.Verify(piece); !ok || piece.Note != unsignedevidence.Note {
			t.Errorf("%+v", steps)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	shown, _ := json.Marshal([]any{report, found})
	texts := map[string]string{"report": string(shown), "log": log.String()}
	for path, content := range filesBelow(t, directory) {
		texts[path] = content
	}
	for name, text := range texts {
		if strings.Contains(text, endpointKey) || strings.Contains(text, endpointKey[:12]) {
			t.Errorf("%s has the key", name)
		}
	}
}

// filesBelow are the contents of all files below a directory.
func filesBelow(t *testing.T, directory string) map[string]string {
	t.Helper()
	contents := make(map[string]string)
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		contents[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return contents
}

// lockedBuffer takes a log of many goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
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

// The secret is made once, for its owner alone, and one that was cut off is named and not used.
// checkRolling asserts that who was asked in the only session of a report is judged by its newest checks as by the session.
func checkRolling(t *testing.T, report api.Report) {
	t.Helper()
	if len(report.Rolling) != 1 || report.Rolling[0].RelayChain != "compare" || len(report.Rolling[0].Servicers) != 8 {
		t.Fatalf("rolling: %+v", report.Rolling)
	}
	session := report.Sessions[0].Servicers
	for _, row := range report.Rolling[0].Servicers {
		of := session[slices.IndexFunc(session, func(s api.ServicerReport) bool { return s.Servicer == row.Servicer })]
		if row.Verdict != of.Verdict || row.Reason != of.Reason || row.Samples != of.Samples || row.Running {
			t.Errorf("%s is %s (%s), in its session %s (%s)", row.Servicer, row.Verdict, row.Reason, of.Verdict, of.Reason)
		}
	}
}

// copyOf is a copy of a directory that is in use.
func copyOf(t *testing.T, directory string) string {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(directory)); err != nil {
		t.Fatal(err)
	}
	return copied
}

func TestEndpointsSecret(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, secretName)
	if err := os.WriteFile(path+".123", []byte("half"), 0o644); err != nil { // of a run that was killed
		t.Fatal(err)
	}
	first, err := endpointsSecret(directory)
	if err != nil || first == [secretSize]byte{} {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if again, err := endpointsSecret(directory); err != nil || again != first {
		t.Errorf("another secret the second time: %v", err)
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
	for _, torn := range []string{"", "half", strings.Repeat("x", 33)} {
		if err := os.WriteFile(path, []byte(torn), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := endpointsSecret(directory); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%d bytes: %v", len(torn), err)
		}
	}
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := endpointsSecret(directory); err == nil {
		t.Error("a directory is read as a secret")
	}
}

// A session that an earlier run left open does not end one that samples a single session.
func TestOnceWithOlderSessions(t *testing.T) {
	e, err := NewEndpoints(EndpointsConfig{Groups: []groups.Group{endpointsGroup(t)}, Data: t.TempDir(), Once: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.observeSession(&types.QoSSession{Header: &types.SessionHeader{Id: strings.Repeat("ab", 32)}, Closed: true})
	select {
	case <-e.over:
		t.Error("another session has ended it")
	default:
	}
}

// Groups that share hosts, and how many requests go to one of them at once.
func TestSharing(t *testing.T) {
	target := func(name, url string) groups.Target { return groups.Target{Name: name, URL: groups.NewSecret(url)} }
	group := groups.Group{Targets: []groups.Target{target("a", "https://a.example/1"), target("b", "https://a.example:443/2"), target("c", "https://b.example/")}}
	if got := sharing([]groups.Group{group, {Targets: group.Targets[2:]}}); got != 2 {
		t.Errorf("%d", got)
	}
	if got := sharing(nil); got != 1 {
		t.Errorf("%d", got)
	}
}

// The samples of a chain's fisherman are not touched.
func TestSamplesOfAChain(t *testing.T) {
	directory := t.TempDir()
	store, err := local.OpenSamples(filepath.Join(directory, "samples"), local.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	session := &types.QoSSession{Header: &types.SessionHeader{Id: strings.Repeat("ab", 32), StartHeight: 1, RelayChain: "0001", Application: strings.Repeat("cd", 20)}, Blocks: 4, ChecksPlanned: 1}
	if err := errors.Join(errors.Join(store.PutAll(t.Context(), []*types.QoSSession{session}, nil)...), store.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := NewEndpoints(EndpointsConfig{Groups: []groups.Group{endpointsGroup(t)}, Data: directory}); err == nil || !strings.Contains(err.Error(), "another data directory") {
		t.Fatalf("%v", err)
	}
	store, err = local.OpenSamples(filepath.Join(directory, "samples"), local.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if sessions, err := store.Sessions(t.Context()); err != nil || len(sessions) != 1 {
		t.Errorf("%v, %v", sessions, err)
	}
}
