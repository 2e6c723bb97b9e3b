package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pocket-fisherman/fisherman/alerts/delivery"
	"github.com/pocket-fisherman/fisherman/alerts/machine"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// planted is a secret in the receivers' URLs.
const planted = "PLANTED-TOKEN"

// world is what the alerter sees, and the receivers that it sends to, in virtual time. Receivers are told apart by their hosts.
type world struct {
	t *testing.T

	mu       sync.Mutex
	verdicts map[string]api.Verdict
	unready  string
	failing  error
	// answers are the statuses of receivers by host; 200 without one. A status of 0 hangs.
	answers map[string]int
	// sent are the messages that were taken, and tried counts attempts, by host.
	sent  map[string][]machine.Message
	tried map[string]int
	log   bytes.Buffer

	config  Config
	alerter *Alerter
	end     context.CancelFunc
	ended   chan struct{}
}

func newWorld(t *testing.T, alerts groups.Alerts) *world {
	w := &world{t: t, verdicts: make(map[string]api.Verdict), answers: make(map[string]int), sent: make(map[string][]machine.Message), tried: make(map[string]int)}
	w.config = Config{Alerts: alerts, Directory: t.TempDir(), Source: w.source, Delivery: delivery.Options{Transport: w}, Logger: slog.New(slog.NewTextHandler(w, nil))}
	return w
}

// Write takes the log.
func (w *world) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(line)
}

func (w *world) source(context.Context) (machine.Snapshot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	snapshot := machine.Snapshot{NotReady: w.unready}
	for name, verdict := range w.verdicts {
		snapshot.Subjects = append(snapshot.Subjects, machine.Subject{Key: machine.Key{RelayChain: "eth", Servicer: name}, Verdict: verdict, Reason: "so it is"})
	}
	return snapshot, w.failing
}

// RoundTrip answers for the receivers.
func (w *world) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	var message machine.Message
	if err := json.Unmarshal(body, &message); err != nil {
		return nil, err
	}
	w.mu.Lock()
	host := request.URL.Host
	w.tried[host]++
	status, is := w.answers[host]
	if !is {
		status = 200
		w.sent[host] = append(w.sent[host], message)
	}
	w.mu.Unlock()
	if is && status == 0 {
		<-request.Context().Done()
		return nil, fmt.Errorf("%s: %w", request.URL, request.Context().Err())
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(request.URL.String()))}, nil
}

// start runs the alerter.
func (w *world) start() *world {
	w.t.Helper()
	made, err := New(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	w.alerter, w.end, w.ended = made, end, make(chan struct{})
	go func() {
		defer close(w.ended)
		made.Run(ctx)
	}()
	return w
}

// stop ends it.
func (w *world) stop() *world {
	w.end()
	<-w.ended
	return w
}

// pass lets virtual time pass.
func (w *world) pass(d time.Duration) *world {
	time.Sleep(d)
	synctest.Wait()
	return w
}

func (w *world) set(verdict api.Verdict, servicers ...string) *world {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range servicers {
		w.verdicts[name] = verdict
	}
	return w
}

func (w *world) answer(host string, status int) *world {
	w.mu.Lock()
	defer w.mu.Unlock()
	if status == 200 {
		delete(w.answers, host)
	} else {
		w.answers[host] = status
	}
	return w
}

// want checks which messages a receiver took, since the last time.
func (w *world) want(host string, titles ...string) *world {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []string
	for _, message := range w.sent[host] {
		got = append(got, message.Title)
	}
	if strings.Join(got, "\n") != strings.Join(titles, "\n") {
		w.t.Fatalf("%s got %q, want %q", host, got, titles)
	}
	delete(w.sent, host)
	return w
}

// clean checks that no secret is in the log, the file or the stats.
func (w *world) clean() {
	w.t.Helper()
	w.mu.Lock()
	log := w.log.String()
	w.mu.Unlock()
	stored, err := os.ReadFile(filepath.Join(w.config.Directory, fileName))
	stats, firing := w.alerter.Stats()
	if all := log + string(stored) + fmt.Sprint(stats, firing); err != nil && len(stats) > 0 || strings.Contains(all, planted) || strings.Contains(all, ".example") {
		w.t.Errorf("%v: %s", err, all)
	}
}

func receiver(name string) groups.AlertReceiver {
	return groups.AlertReceiver{Name: name, URL: groups.NewSecret("https://" + name + ".example/" + planted), Timeout: 10 * time.Second}
}

// usual is a rule with two receivers.
func usual() groups.Alerts {
	return groups.Alerts{GroupWait: 10 * time.Second, Receivers: []groups.AlertReceiver{receiver("a"), receiver("b")},
		Rules: []machine.Rule{{Name: "down", Verdicts: []api.Verdict{api.VerdictUnavailable}, For: time.Minute, ResolveAfter: time.Minute}}}
}

const (
	nodeFires    = "[FIRING] down: node of eth is unavailable"
	nodeResolved = "[RESOLVED] down: node of eth is healthy"
)

func TestFiringAndResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, usual()).set(api.VerdictHealthy, "node", "other").start().pass(time.Hour)
		w.want("a.example").want("b.example")
		w.set(api.VerdictUnavailable, "node").pass(2*time.Minute).want("a.example", nodeFires).want("b.example", nodeFires)
		w.pass(time.Hour).want("a.example")
		w.set(api.VerdictHealthy, "node").pass(2*time.Minute).want("a.example", nodeResolved).want("b.example", nodeResolved)
		stats, firing := w.alerter.Stats()
		if fmt.Sprint(stats, firing) != "[{a 2 0 0 0} {b 2 0 0 0}] map[down:0]" {
			t.Error(stats, firing)
		}
		w.stop().clean()
	})
}

// One receiver hangs and one fails: the third gets every message at once, and the others when they are well again.
func TestReceiversDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alerts := usual()
		alerts.Receivers = append(alerts.Receivers, receiver("c"))
		w := newWorld(t, alerts).answer("a.example", 0).answer("b.example", 500).start()
		w.set(api.VerdictUnavailable, "node").pass(2*time.Minute).want("c.example", nodeFires)
		w.set(api.VerdictHealthy, "node").pass(2*time.Minute).want("c.example", nodeResolved)
		w.want("a.example").want("b.example")
		w.answer("a.example", 200).answer("b.example", 200).pass(10*time.Minute).want("a.example", nodeFires, nodeResolved).want("b.example", nodeFires, nodeResolved)
		w.stop().clean()
	})
}

// What is never taken is given up: at once if that is what the answer means, after an hour otherwise.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, usual()).answer("a.example", 404).answer("b.example", 503).start()
		w.set(api.VerdictUnavailable, "node").pass(2 * time.Hour)
		stats, _ := w.alerter.Stats()
		if fmt.Sprint(stats) != "[{a 0 1 0 0} {b 0 1 0 0}]" || w.tried["a.example"] != 1 || w.tried["b.example"] < 10 || w.tried["b.example"] > 30 {
			t.Error(stats, w.tried)
		}
		w.stop().clean()
	})
}

// A receiver that hangs for ever holds a bounded number of messages, and those that gave way are counted.
func TestQueuesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alerts := usual()
		alerts.Rules[0].For, alerts.Rules[0].ResolveAfter, alerts.GroupWait = 0, 0, 0
		w := newWorld(t, alerts).answer("a.example", 0).start()
		for range queueSize {
			w.set(api.VerdictUnavailable, "node").pass(10 * time.Second)
			w.set(api.VerdictHealthy, "node").pass(10 * time.Second)
		}
		stats, _ := w.alerter.Stats()
		if a, b := stats[0], stats[1]; a.Queued != queueSize || a.Dropped != queueSize || a.Sent != 0 || b.Sent != 2*queueSize || b.Dropped != 0 {
			t.Errorf("%+v", stats)
		}
		w.stop().clean()
	})
}

// A restart at any time tells nothing twice, loses nothing, and does not begin anew.
func TestRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, usual()).start()
		restart := func() { w.stop().pass(time.Minute).start() }
		w.set(api.VerdictUnavailable, "node").pass(40 * time.Second)
		restart()
		w.pass(40*time.Second).want("a.example", nodeFires)
		for range 5 {
			restart()
			w.pass(time.Minute)
		}
		w.want("a.example").set(api.VerdictHealthy, "node").pass(65 * time.Second) // it is over, and waits for others
		restart()
		w.pass(time.Minute).want("a.example", nodeResolved).want("b.example", nodeFires, nodeResolved)
		w.stop()
	})
}

// What was not taken before the end is sent after it, in order; what is under way at the end may be done.
func TestUnsentOverRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, usual()).answer("a.example", 503).start()
		w.set(api.VerdictUnavailable, "node").pass(2 * time.Minute)
		w.set(api.VerdictHealthy, "node").pass(2 * time.Minute)
		w.stop().answer("a.example", 200).start().pass(time.Second).want("a.example", nodeFires, nodeResolved).want("b.example", nodeFires, nodeResolved)
		w.stop().start().pass(time.Hour).want("a.example").want("b.example")
		w.stop().clean()
	})
}

// Ending takes no longer than the grace, whatever a receiver does.
func TestEndsWhileAReceiverHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, usual()).answer("a.example", 0).start().set(api.VerdictUnavailable, "node").pass(75 * time.Second)
		began := time.Now()
		if w.stop(); time.Since(began) > endingGrace {
			t.Error(time.Since(began))
		}
	})
}

func TestReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, usual()).start().set(api.VerdictUnavailable, "node").pass(2*time.Minute).want("a.example", nodeFires)
		changed := usual()
		changed.Receivers[0].URL = groups.NewSecret("https://elsewhere.example/" + planted)
		changed.Receivers[1] = receiver("c")
		changed.Rules = append(changed.Rules, machine.Rule{Name: "self", Fisherman: true, Receivers: []string{"c"}})
		w.alerter.Replace(t.Context(), changed)
		w.mu.Lock()
		w.unready = "why"
		w.mu.Unlock()
		w.set(api.VerdictHealthy, "node").pass(2*time.Minute).want("elsewhere.example", nodeResolved).want("a.example").
			want("c.example", "[FIRING] self: the fisherman is not ready", nodeResolved).want("b.example", nodeFires)
		stats, _ := w.alerter.Stats()
		if len(stats) != 2 || stats[1].Receiver != "c" {
			t.Error(stats)
		}
		w.alerter.Replace(t.Context(), groups.Alerts{})
		w.pass(time.Hour).alerter.Replace(t.Context(), usual())
		w.set(api.VerdictUnavailable, "node").pass(2*time.Minute).want("a.example", nodeFires)
		w.stop().clean()
	})
}

// A file that nobody can read is set aside, and one of a later version as well.
func TestUnreadableFile(t *testing.T) {
	for _, content := range []string{"", "{", `{"version":2}`, "[]", strings.Repeat("[", 100_000)} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, usual())
			path := filepath.Join(w.config.Directory, fileName)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			w.start().set(api.VerdictUnavailable, "node").pass(2*time.Minute).want("a.example", nodeFires)
			if kept, err := os.ReadFile(path + ".unreadable"); err != nil || string(kept) != content {
				t.Errorf("%q, %v", kept, err)
			}
			w.stop().clean()
		})
	}
}

// A disk that fails, or verdicts that cannot be read, keep nothing from being sent.
func TestTroubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, usual())
		w.config.Directory = filepath.Join(w.config.Directory, "absent")
		w.start().set(api.VerdictUnavailable, "node")
		w.mu.Lock()
		w.failing = io.ErrUnexpectedEOF
		w.mu.Unlock()
		w.pass(10 * time.Minute).want("a.example")
		w.mu.Lock()
		w.failing = nil
		w.mu.Unlock()
		w.pass(3*time.Minute).want("a.example", nodeFires)
		w.stop()
		if lines := strings.Count(w.log.String(), "could not be read"); lines < 5 || lines > 11 {
			t.Errorf("%d lines", lines)
		}
		if !strings.Contains(w.log.String(), "could not be stored") {
			t.Error(w.log.String())
		}
	})
}

// Without receivers nobody is asked, and nothing is written.
func TestNobodyToTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, groups.Alerts{})
		asked := 0
		w.config.Source = func(context.Context) (machine.Snapshot, error) {
			asked++
			return machine.Snapshot{}, nil
		}
		w.start().pass(time.Hour).stop()
		if entries, err := os.ReadDir(w.config.Directory); err != nil || len(entries) > 0 || asked > 0 {
			t.Errorf("%v, %v, asked %d times", entries, err, asked)
		}
	})
}

func TestTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, usual()).answer("b.example", 0)
		tested := Test(t.Context(), w.config.Alerts, w.config.Delivery)
		if len(tested) != 2 || tested[0].Err != nil || tested[1].Err == nil || tested[1].Receiver != "b" || tested[1].Kind != delivery.KindWebhook ||
			strings.Contains(tested[1].Err.Error(), "example") {
			t.Errorf("%+v", tested)
		}
		w.want("a.example", "[TEST] the fisherman's alerts reach this receiver")
	})
}
