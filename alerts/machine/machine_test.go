package machine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

var start = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// bad are the verdicts of a rule that names none.
var bad = []api.Verdict{api.VerdictInconsistent, api.VerdictUnavailable, api.VerdictBehind, api.VerdictSlow}

func down() Rule {
	return Rule{Name: "down", Verdicts: bad, For: 5 * time.Minute, ResolveAfter: 2 * time.Minute}
}

// scene shows a machine one snapshot every 5 s.
type scene struct {
	t       testing.TB
	m       *Machine
	now     time.Time
	sent    []Message
	subject map[string]Subject
	unready string
}

func newScene(t testing.TB, wait time.Duration, rules ...Rule) *scene {
	return &scene{t: t, m: New(rules, "https://f.example/", wait), now: start, subject: make(map[string]Subject)}
}

func (s *scene) set(verdict api.Verdict, servicers ...string) *scene {
	for _, name := range servicers {
		s.subject[name] = Subject{Key: Key{RelayChain: "eth", Servicer: name}, Verdict: verdict, Reason: "because " + string(verdict)}
	}
	return s
}

func (s *scene) snapshot() Snapshot {
	snapshot := Snapshot{NotReady: s.unready}
	for _, each := range s.subject {
		snapshot.Subjects = append(snapshot.Subjects, each)
	}
	return snapshot
}

// pass lets time pass.
func (s *scene) pass(d time.Duration) *scene {
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = s.now.Add(5 * time.Second)
		s.sent = append(s.sent, s.m.Observe(s.now, s.snapshot())...)
	}
	return s
}

// want checks what was sent since the last time.
func (s *scene) want(titles ...string) *scene {
	s.t.Helper()
	var got []string
	for _, message := range s.sent {
		got = append(got, message.Title)
	}
	if !slices.Equal(got, titles) {
		s.t.Fatalf("at %v sent %q, want %q", s.now.Sub(start), got, titles)
	}
	s.sent = nil
	return s
}

func TestSentOnceAndResolvedOnce(t *testing.T) {
	s := newScene(t, 0, down())
	s.set(api.VerdictHealthy, "a").pass(time.Hour).want()
	s.set(api.VerdictUnavailable, "a").pass(4 * time.Minute).want()
	s.pass(2 * time.Minute).want("[FIRING] down: a of eth is unavailable")
	s.pass(5 * time.Hour).want()
	s.set(api.VerdictHealthy, "a").pass(time.Minute).want()
	s.pass(2 * time.Minute).want("[RESOLVED] down: a of eth is healthy")
	s.pass(5 * time.Hour).want()
	s.set(api.VerdictSlow, "a").pass(6 * time.Minute).want("[FIRING] down: a of eth is slow")
}

func TestTextsAndFields(t *testing.T) {
	s := newScene(t, 0, down()).set(api.VerdictBehind, "a")
	s.pass(6 * time.Minute)
	if len(s.sent) != 1 {
		t.Fatal(s.sent)
	}
	message := s.sent[0]
	if message.Text != "a of eth is behind, since 2026-11-27 12:00:05 UTC: because behind" || message.Link != "https://f.example/#/servicer/a" ||
		message.Count != 1 || message.Version != 1 || len(message.ID) != 32 || message.Alerts[0].Verdict != api.VerdictBehind {
		t.Errorf("%+v", message)
	}
	encoded, err := json.Marshal(message)
	want := `"alerts":[{"relay_chain":"eth","servicer":"a","verdict":"behind","reason":"because behind","since":"2026-11-27T12:00:05Z"}],"left_out":0}`
	if err != nil || !strings.HasSuffix(string(encoded), want) {
		t.Errorf("%s, %v", encoded, err)
	}
	s.set(api.VerdictHealthy, "a").pass(6 * time.Minute)
	message = s.sent[len(s.sent)-1]
	lasted := message.At.Sub(message.Alerts[0].Since).Round(time.Second)
	if message.Status != StatusResolved || message.Text != fmt.Sprintf("a of eth is healthy; before, the rule applied for %v: because healthy", lasted) || lasted < 6*time.Minute {
		t.Errorf("%+v", message)
	}
}

// A verdict that comes and goes for less than the time is never told.
func TestFlapping(t *testing.T) {
	s := newScene(t, 0, down())
	for range 50 {
		s.set(api.VerdictUnavailable, "a").pass(4 * time.Minute)
		s.set(api.VerdictHealthy, "a").pass(time.Minute)
	}
	s.want()
	s.set(api.VerdictUnavailable, "a").pass(6 * time.Minute).want("[FIRING] down: a of eth is unavailable")
	for range 50 {
		s.set(api.VerdictHealthy, "a").pass(time.Minute)
		s.set(api.VerdictUnavailable, "a").pass(time.Minute)
	}
	s.want()
}

// What says nothing about the servicer neither fires nor resolves, and does not begin the time anew.
func TestUnknown(t *testing.T) {
	for _, nothing := range []api.Verdict{api.VerdictUnknown, api.VerdictNotAskedYet, "", "something new"} {
		s := newScene(t, 0, down())
		s.set(nothing, "a").pass(10 * time.Hour).want()
		s.set(api.VerdictUnavailable, "a").pass(4 * time.Minute)
		s.set(nothing, "a").pass(10 * time.Hour).want()
		s.set(api.VerdictUnavailable, "a").pass(2 * time.Minute).want("[FIRING] down: a of eth is unavailable")
		s.set(nothing, "a").pass(10 * time.Hour).want()
		s.set(api.VerdictHealthy, "a").pass(time.Minute)
		s.set(nothing, "a").pass(10 * time.Hour).want()
		s.set(api.VerdictHealthy, "a").pass(2 * time.Minute).want("[RESOLVED] down: a of eth is healthy")
	}
	rule := down()
	rule.Verdicts = []api.Verdict{api.VerdictUnknown}
	s := newScene(t, 0, rule)
	s.set(api.VerdictUnknown, "a").pass(6 * time.Minute).want("[FIRING] down: a of eth is unknown")
}

// While our own link is out, nothing is told of servicers, whatever their verdicts are and a rule asks for.
func TestOwnLink(t *testing.T) {
	rule := down()
	rule.Verdicts = append(slices.Clone(bad), api.VerdictUnknown)
	for _, verdict := range rule.Verdicts {
		s := newScene(t, 0, rule).set(verdict, "a")
		out := s.subject["a"]
		out.OwnLink = true
		s.subject["a"] = out
		s.pass(10 * time.Hour).want()
		out.OwnLink = false
		s.subject["a"] = out
		s.pass(6 * time.Minute)
		if len(s.sent) != 1 {
			t.Errorf("%s: %v", verdict, s.sent)
		}
	}
}

// A servicer of no open session is not asked: what was wrong with it does not go on, and that it was well ends the alert.
func TestIdle(t *testing.T) {
	s := newScene(t, 0, down()).set(api.VerdictUnavailable, "a").pass(4 * time.Minute)
	rest := func(idle bool) {
		subject := s.subject["a"]
		subject.Idle = idle
		s.subject["a"] = subject
	}
	rest(true)
	s.pass(time.Hour).want()
	rest(false)
	s.pass(2 * time.Minute).want("[FIRING] down: a of eth is unavailable")
	s.set(api.VerdictHealthy, "a")
	rest(true)
	s.pass(3 * time.Minute).want("[RESOLVED] down: a of eth is healthy")
}

func TestManyAtOnceAreOneMessage(t *testing.T) {
	s := newScene(t, 30*time.Second, down())
	for i := range 200 { // not all at the same moment
		if i%40 == 0 {
			s.pass(5 * time.Second)
		}
		s.set(api.VerdictUnavailable, fmt.Sprintf("servicer-with-a-long-name-%040d", i))
	}
	s.pass(10 * time.Minute)
	if len(s.sent) != 1 {
		t.Fatalf("%d messages", len(s.sent))
	}
	message := s.sent[0]
	if message.Count != 200 || len(message.Alerts) != MaximumAlerts || message.LeftOut != 150 || len(message.Text) > MaximumText ||
		message.Title != "[FIRING] down: 200 unavailable" || message.Link != "https://f.example/" ||
		!strings.Contains(message.Text, "more") {
		t.Errorf("%s\n%s\n%d %d", message.Title, message.Text, len(message.Text), message.Count)
	}
	s.sent = nil
	for name := range s.subject {
		s.set(api.VerdictHealthy, name)
	}
	s.pass(10 * time.Minute).want("[RESOLVED] down: 200 healthy")
}

func TestRepeat(t *testing.T) {
	rule := down()
	rule.Repeat = time.Hour
	s := newScene(t, 0, rule).set(api.VerdictUnavailable, "a").pass(4 * time.Hour)
	s.want("[FIRING] down: a of eth is unavailable", "[REPEATED] down: a of eth is unavailable", "[REPEATED] down: a of eth is unavailable",
		"[REPEATED] down: a of eth is unavailable")
}

func TestScopes(t *testing.T) {
	by := func(change func(*Rule)) Rule {
		rule := down()
		change(&rule)
		return rule
	}
	for name, test := range map[string]struct {
		rule Rule
		want int
	}{
		"all":            {down(), 1},
		"its group":      {by(func(r *Rule) { r.Groups = []string{"other", "eth"} }), 1},
		"another group":  {by(func(r *Rule) { r.Groups = []string{"other"} }), 0},
		"itself":         {by(func(r *Rule) { r.Servicers = []string{"a"} }), 1},
		"another":        {by(func(r *Rule) { r.Servicers = []string{"b"} }), 0},
		"other verdicts": {by(func(r *Rule) { r.Verdicts = []api.Verdict{api.VerdictSlow} }), 0},
	} {
		if s := newScene(t, 0, test.rule).set(api.VerdictUnavailable, "a").pass(time.Hour); len(s.sent) != test.want {
			t.Errorf("%s: %v", name, s.sent)
		}
	}
}

func TestFisherman(t *testing.T) {
	s := newScene(t, 0, Rule{Name: "self", Fisherman: true, For: time.Minute, ResolveAfter: time.Minute}, down())
	s.pass(time.Hour).want()
	s.unready = "samples are held in memory"
	s.pass(2 * time.Minute).want("[FIRING] self: the fisherman is not ready")
	s.unready = ""
	s.pass(2 * time.Minute).want("[RESOLVED] self: the fisherman is ready")
}

func TestNotSampledAnyMore(t *testing.T) {
	s := newScene(t, 0, down()).set(api.VerdictUnavailable, "a").pass(6 * time.Minute).want("[FIRING] down: a of eth is unavailable")
	delete(s.subject, "a")
	s.pass(59 * time.Minute).want()
	s.pass(2 * time.Minute).want("[RESOLVED] down: a of eth is not sampled any more")
}

func TestRuleIsRemoved(t *testing.T) {
	s := newScene(t, 0, down()).set(api.VerdictUnavailable, "a").pass(6 * time.Minute).want("[FIRING] down: a of eth is unavailable")
	s.m.Replace(nil, "", 0)
	s.pass(time.Minute).want("[RESOLVED] down: a of eth is not watched any more")
	if left := s.m.Records(); len(left) != 0 {
		t.Error(left)
	}
}

// A machine that slept, or a clock that was set, is not time that a servicer had a verdict for.
func TestTimeThatNobodyLooked(t *testing.T) {
	s := newScene(t, 0, down()).set(api.VerdictUnavailable, "a").pass(time.Minute)
	s.now = s.now.Add(10 * time.Hour)
	s.pass(time.Minute).want()
	s.now = s.now.Add(-20 * time.Hour)
	s.pass(time.Minute).want()
	s.pass(2 * time.Minute).want("[FIRING] down: a of eth is unavailable")
}

func TestStatesAreBounded(t *testing.T) {
	s := newScene(t, 0, down())
	for i := range MaximumStates + 100 {
		s.set(api.VerdictUnavailable, fmt.Sprint(i))
	}
	s.pass(5 * time.Second)
	if len(s.m.states) != MaximumStates || s.m.LeftOut() != 100 {
		t.Errorf("%d states, %d left out", len(s.m.states), s.m.LeftOut())
	}
}

// restarted is the machine as one that was started again finds it.
func restarted(t interface{ Fatal(...any) }, m *Machine) *Machine {
	encoded, err := json.Marshal(m.Records())
	var records []Record
	if err == nil {
		err = json.Unmarshal(encoded, &records)
	}
	if err != nil {
		t.Fatal(err)
	}
	again := New(m.rules, m.link, m.groupWait)
	again.Restore(records)
	return again
}

// For any course of verdicts, and restarts at any time: a servicer's messages alternate, begin with firing, and agree with
// the time that its verdict was held. At the end, all is told.
func TestAnyCourse(t *testing.T) {
	verdicts := []api.Verdict{api.VerdictHealthy, api.VerdictUnavailable, api.VerdictSlow, api.VerdictUnknown, api.VerdictNotAskedYet}
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(label string, most int) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, label)) * time.Second
		}
		rule := Rule{Name: "r", Verdicts: bad, For: seconds("for", 60), ResolveAfter: seconds("resolve", 60)}
		m := New([]Rule{rule}, "", seconds("wait", 60))
		now, names := start, []string{"a", "b", "c"}
		firing := make(map[string]bool)
		// held and well are for how long each verdict was bad and healthy; due is whether it was long enough for the next message.
		held, well, due := make(map[string]time.Duration), make(map[string]time.Duration), make(map[string]bool)
		last := make(map[string]api.Verdict)
		observe := func(pick func(name string) api.Verdict) {
			step := time.Duration(rapid.IntRange(1, 30).Draw(t, "step")) * time.Second
			now = now.Add(step)
			var snapshot Snapshot
			for _, name := range names {
				switch was := last[name]; {
				case slices.Contains(bad, was):
					held[name] += step
				case was == api.VerdictHealthy:
					well[name] += step
				}
				last[name] = pick(name)
				switch is := last[name]; {
				case slices.Contains(bad, is):
					well[name] = 0
					due[name] = due[name] || !firing[name] && held[name] >= rule.For
				case is == api.VerdictHealthy:
					held[name] = 0
					due[name] = due[name] || firing[name] && well[name] >= rule.ResolveAfter
				}
				snapshot.Subjects = append(snapshot.Subjects, Subject{Key: Key{Servicer: name}, Verdict: last[name]})
			}
			for _, message := range m.Observe(now, snapshot) {
				for _, alert := range message.Alerts {
					switch is := message.Status == StatusFiring; {
					case is == firing[alert.Servicer]:
						t.Fatalf("%s is %s again", alert.Servicer, message.Status)
					case is && !slices.Contains(bad, alert.Verdict), !is && slices.Contains(bad, alert.Verdict):
						t.Fatalf("%s: %s for %s", alert.Servicer, message.Status, alert.Verdict)
					case is && !due[alert.Servicer]:
						t.Fatalf("%s fires after %v", alert.Servicer, held[alert.Servicer])
					default:
						firing[alert.Servicer], due[alert.Servicer] = is, is && due[alert.Servicer] && last[alert.Servicer] == api.VerdictHealthy
					}
				}
			}
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			observe(func(string) api.Verdict { return rapid.SampledFrom(verdicts).Draw(t, "verdict") })
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				m = restarted(t, m)
				clear(last) // what was before the restart is no time that was looked at
			}
		}
		for range 300 {
			observe(func(string) api.Verdict { return api.VerdictHealthy })
		}
		if firing["a"] || firing["b"] || firing["c"] || len(m.states) > 0 {
			t.Fatalf("not all is told: %v, %v", firing, m.states)
		}
		for range 300 {
			observe(func(string) api.Verdict { return api.VerdictSlow })
		}
		if !firing["a"] || !firing["b"] || !firing["c"] {
			t.Fatalf("not all fire: %v", firing)
		}
	})
}

// Text of strangers is printable and bounded.
func TestReasonsAreMadePrintable(t *testing.T) {
	s := newScene(t, 0, down()).set(api.VerdictUnavailable, "a")
	evil := s.subject["a"]
	evil.Reason = "\x1b[31m\r\nSubject: x\u202e" + strings.Repeat("é", 5000)
	s.subject["a"] = evil
	s.pass(6 * time.Minute)
	message := s.sent[0]
	if strings.ContainsAny(message.Text+message.Title+message.Alerts[0].Reason, "\x1b\r\n\u202e") || len(message.Text) > MaximumText || len(message.Alerts[0].Reason) > maximumReason {
		t.Errorf("%q %q", message.Title, message.Text)
	}
}
