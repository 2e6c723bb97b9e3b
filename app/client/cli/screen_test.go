package cli

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

var (
	noon    = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")
)

// sampleRound has a sample of every kind, one for each servicer of sampleReport but the fourth, which was not asked.
func sampleRound(session string, index uint32) client.Round {
	at1, at2 := noon.Add(time.Duration(index)*time.Second), noon.Add(time.Duration(index)*time.Second+time.Millisecond)
	answered := func(digit string, rtt float64, consistency string, over bool) client.Sample {
		return client.Sample{Servicer: strings.Repeat(digit, 20), Outcome: "OK", Consistency: &consistency, Sent: &at2,
			RoundTripTime: &rtt, TimeToFirstByte: &rtt, Timing: at("KERNEL"), Reused: true, OverSLA: over}
	}
	return client.Round{Session: session, Index: index, Status: "DONE", Planned: &at1, Released: &at2, SkewMicros: at[int64](87),
		Question: "block height=12", Samples: []client.Sample{
			answered("a1", 1.5, "DISAGREE", true),
			{Servicer: strings.Repeat("b2", 20), Outcome: "CONNECT", Blame: at("SERVICER"), Detail: hostileText, Sent: &at2},
			answered("c3", 402.919, "AGREE", true),
			answered("e5", 1.25, "UNDECIDABLE", false),
		}}
}

// sampleSession is the first session of sampleReport with checks of every status.
func sampleSession() seenSession {
	session := seenSession{report: sampleReport().Sessions[0], blocks: 10}
	session.report.Complete = false
	for index := range uint32(10) {
		session.rounds = append(session.rounds, sampleRound(session.report.ID, index))
	}
	session.rounds[3].Status, session.rounds[3].Reason = "VOID", "skew of 31 ms above 20 ms"
	session.rounds[5] = client.Round{Session: session.report.ID, Index: 5, Status: "DROPPED", Reason: "fell due while the fisherman was stopped", Planned: &noon}
	session.rounds[6].Samples[3].Outcome = "VOID"
	return session
}

func sampleSeen() observation {
	older := seenSession{report: sampleReport().Sessions[0]}
	older.report.ID, older.report.Height = strings.Repeat("0d", 32), 0
	return observation{at: noon, status: client.Status{ChainID: "pocket-test", Height: 15}, sessions: []seenSession{sampleSession(), older}}
}

// sized is a screen of a size that has seen something.
func sized(width, height int, seen observation) screen {
	model, _ := screen{url: "http://127.0.0.1:50832", width: width, height: height}.Update(seen)
	return model.(screen)
}

func press(t *testing.T, s screen, keys ...string) screen {
	t.Helper()
	for _, key := range keys {
		model, _ := s.press(key)
		s = model.(screen)
	}
	return s
}

func TestScreensMatchGoldenFiles(t *testing.T) {
	lost, still := sampleSeen(), sampleSeen()
	lost.lost = &outage{since: noon.Add(-12 * time.Second), next: noon.Add(4 * time.Second), reason: hostileText}
	still.still = 42 * time.Second
	still.status.Store = &client.Store{Reason: "disk full", Since: "2026-05-04T11:00:00Z"}
	for name, shown := range map[string]screen{
		"screen_80.txt":          sized(80, 24, sampleSeen()),
		"screen_120.txt":         sized(120, 20, sampleSeen()),
		"screen_200.txt":         sized(200, 20, sampleSeen()),
		"screen_small.txt":       sized(44, 9, sampleSeen()),
		"screen_help.txt":        press(t, sized(80, 24, sampleSeen()), "?"),
		"screen_samples_80.txt":  press(t, sized(80, 24, sampleSeen()), "down", "enter"),
		"screen_samples_160.txt": press(t, sized(160, 20, sampleSeen()), "enter"),
		"screen_lost.txt":        sized(80, 20, lost),
		"screen_still.txt":       sized(80, 20, still),
		"screen_nothing.txt":     sized(80, 9, observation{at: noon, status: client.Status{ChainID: "pocket-test", Height: 3}}),
	} {
		golden(t, name, []byte(escapes.ReplaceAllString(shown.View().Content, "")+"\n"))
	}
}

// TestScreenFitsEveryTerminal: no line is wider, none too many, and nothing of a stranger's reaches the terminal.
func TestScreenFitsEveryTerminal(t *testing.T) {
	lost := sampleSeen()
	lost.lost = &outage{since: noon, next: noon, reason: hostileText}
	for width := 1; width < 210; width += 7 {
		for height := 1; height < 40; height += 3 {
			for _, keys := range [][]string{nil, {"?"}, {"enter"}, {"end", "enter", "end"}} {
				drawn := press(t, sized(width, height, lost), keys...).View().Content
				if w, h := lipgloss.Size(drawn); w > width || h > height {
					t.Fatalf("%v: %dx%d on a terminal of %dx%d:\n%s", keys, w, h, width, height, drawn)
				}
				if plain := escapes.ReplaceAllString(drawn, ""); strings.ContainsAny(plain, "\x1b\r\u202e\u009b") {
					t.Fatalf("%v: passes on what a terminal acts on: %q", keys, plain)
				}
			}
		}
	}
}

func TestScreenShowsTheWorstWhereThereIsNoRoom(t *testing.T) {
	drawn := sized(80, 6, sampleSeen()).View().Content
	if !strings.Contains(drawn, "inconsistent") {
		t.Errorf("drawn:\n%s", drawn)
	}
	if drawn = press(t, sized(80, 6, sampleSeen()), "end").View().Content; !strings.Contains(drawn, "healthy") {
		t.Errorf("the picked servicer is not shown:\n%s", drawn)
	}
}

func TestPickedServicerStaysPicked(t *testing.T) {
	shown := press(t, sized(80, 24, sampleSeen()), "down", "down", "up")
	if got := shown.picked().Address; got != strings.Repeat("b2", 20) {
		t.Fatalf("picked %s", got)
	}
	turned := sampleSeen()
	slices.Reverse(turned.sessions[0].report.Servicers)
	if shown = shown.observe(turned); shown.picked().Address != strings.Repeat("b2", 20) || shown.row() != 3 {
		t.Errorf("picked %s in row %d", shown.picked().Address, shown.row())
	}
	if shown = press(t, shown, "home", "up"); shown.row() != 0 {
		t.Errorf("row %d above the first", shown.row())
	}
	if shown = press(t, shown, "end", "pgdown"); shown.row() != 4 {
		t.Errorf("row %d below the last", shown.row())
	}
}

// next is an observation with a session more.
func next(seen observation, digit string) observation {
	following := seen.sessions[0]
	following.report.ID, following.report.Height = strings.Repeat(digit, 32), following.report.Height+10
	seen.sessions = append([]seenSession{following}, seen.sessions...)
	return seen
}

func TestScreenGoesOnToTheSuccessor(t *testing.T) {
	first := sampleSeen()
	second := next(first, "3f")
	newest, older := second.sessions[0].report.ID, first.sessions[1].report.ID
	if got := sized(80, 24, first).observe(second).session; got != newest {
		t.Errorf("session %s, want the newest", got)
	}
	if got := press(t, sized(80, 24, first), "tab").observe(second).session; got != older {
		t.Errorf("session %s, want the one that tab led to", got)
	}
	if got := press(t, sized(80, 24, first), "tab", "tab").observe(second).session; got != newest {
		t.Errorf("session %s, want the newest after all were seen", got)
	}
	reading := press(t, sized(80, 24, first), "enter").observe(second)
	if reading.session != first.sessions[0].report.ID || !reading.samples {
		t.Errorf("session %s goes away while its samples are read", reading.session)
	}
	if got := press(t, reading, "esc").observe(second).session; got != newest {
		t.Errorf("session %s, want the newest after the samples", got)
	}
	gone := second
	gone.sessions = second.sessions[:2]
	if got := press(t, sized(80, 24, second), "shift+tab").observe(gone).session; got != newest {
		t.Errorf("session %s, want the newest when the one that was looked at is gone", got)
	}
	if got := press(t, sized(80, 24, second), "enter").observe(observation{at: noon}); got.samples || got.current() != nil {
		t.Errorf("there is no session any more, and yet %+v", got.current())
	}
}

func TestScreenStaysOnItsChain(t *testing.T) {
	seen := sampleSeen()
	other := sampleSession()
	other.report.ID, other.report.RelayChain = strings.Repeat("4e", 32), "0021"
	seen.sessions = []seenSession{seen.sessions[0], other}
	shown := press(t, sized(80, 24, seen), "tab")
	later := next(seen, "5d")
	if got := shown.observe(later).session; got != other.report.ID {
		t.Errorf("session %s of another chain", got)
	}
}

func TestKeysQuit(t *testing.T) {
	for _, key := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: 'c', Mod: tea.ModCtrl}} {
		_, command := sized(80, 24, sampleSeen()).Update(key)
		if command == nil {
			t.Fatalf("%s does nothing", key)
		}
		if _, quits := command().(tea.QuitMsg); !quits {
			t.Errorf("%s does not quit", key)
		}
	}
}

func TestKeysWithoutASessionDoNothing(t *testing.T) {
	empty := sized(80, 24, observation{at: noon})
	shown := press(t, empty, "enter", "down", "tab", "shift+tab", "end", "esc")
	if shown.samples || shown.session != "" || shown.servicer != "" {
		t.Errorf("%+v", shown)
	}
}

func TestClockMovesTheTimesOfAnOutage(t *testing.T) {
	lost := sampleSeen()
	lost.lost = &outage{since: noon, next: noon.Add(8 * time.Second), reason: "gone"}
	model, command := sized(80, 24, lost).Update(clockTick(noon.Add(5 * time.Second)))
	if content := model.View().Content; !strings.Contains(content, "node lost 5s ago, next try in 3s") || command == nil {
		t.Errorf("drawn:\n%s", content)
	}
}

func TestStripDrawsTheNewestWhereThereIsNoRoom(t *testing.T) {
	session := sampleSession()
	for room, want := range map[int]string{20: "✗✗✗○✗-✗✗✗✗··", 12: "✗✗✗○✗-✗✗✗✗··", 4: "✗✗✗✗", 6: "✗-✗✗✗✗"} {
		if got := strip(session, strings.Repeat("b2", 20), room, false); got != want {
			t.Errorf("room for %d: %s, want %s", room, got, want)
		}
	}
	for digit, want := range map[string]string{"a1": "≠≠≠○≠-≠≠≠≠··", "c3": "▲▲▲○▲-▲▲▲▲··", "d4": "·····-······", "e5": "■■■○■-○■■■··"} {
		if got := strip(session, strings.Repeat(digit, 20), 12, false); got != want {
			t.Errorf("%s: %s, want %s", digit, got, want)
		}
	}
}

func TestMarksDifferWithoutColour(t *testing.T) {
	signs := make(map[string]bool)
	for _, shown := range marks {
		signs[shown.sign] = true
	}
	if len(signs) != len(marks) {
		t.Errorf("%d signs for %d meanings", len(signs), len(marks))
	}
}

func TestBar(t *testing.T) {
	for want, interval := range map[string]qos.Interval{
		"███████▒▒▒": qos.Wilson(10, 10), "▒▒▒░░░░░░░": qos.Wilson(0, 10), "░░░░░░░░░░": qos.Wilson(0, 0), "██▒▒▒▒▒▒░░": qos.Wilson(5, 10),
	} {
		if got := bar(interval); got != want {
			t.Errorf("bar %s, want %s", got, want)
		}
	}
}
