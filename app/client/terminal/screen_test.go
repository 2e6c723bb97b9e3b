package terminal

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

var (
	escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")
)

// sampleSession is the first session of clienttest.Report with checks of every status.
func sampleSession() observer.Session {
	session := observer.Session{Report: clienttest.Report().Sessions[0], Blocks: 10}
	session.Report.Complete = false
	for index := range uint32(10) {
		session.Rounds = append(session.Rounds, clienttest.Round(session.Report.ID, index))
	}
	session.Rounds[3].Status, session.Rounds[3].Reason = "VOID", "skew of 31 ms above 20 ms"
	session.Rounds[5] = api.Round{Session: session.Report.ID, Index: 5, Status: "DROPPED", Reason: "fell due while the fisherman was stopped", Planned: &clienttest.Noon}
	session.Rounds[6].Samples[3].Outcome = "VOID"
	return session
}

func sampleSeen() observer.Observation {
	older := observer.Session{Report: clienttest.Report().Sessions[0]}
	older.Report.ID, older.Report.Height = strings.Repeat("0d", 32), 0
	return observer.Observation{At: clienttest.Noon, Status: api.Status{ChainID: "pocket-test", Height: 15}, Sessions: []observer.Session{sampleSession(), older}}
}

// sized is a screen of a size that has seen something.
func sized(width, height int, seen observer.Observation) screen {
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
	lost.Lost = &observer.Outage{Since: clienttest.Noon.Add(-12 * time.Second), Next: clienttest.Noon.Add(4 * time.Second), Reason: clienttest.Hostile}
	still.Still = 42 * time.Second
	still.Status.Store = &api.Store{Reason: clienttest.Ptr("disk full"), Since: clienttest.Ptr(clienttest.Noon.Add(-time.Hour))}
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
		"screen_nothing.txt":     sized(80, 9, observer.Observation{At: clienttest.Noon, Status: api.Status{ChainID: "pocket-test", Height: 3}}),
	} {
		clienttest.Golden(t, name, []byte(escapes.ReplaceAllString(shown.View().Content, "")+"\n"))
	}
}

// TestScreenFitsEveryTerminal: no line is wider, none too many, and nothing of a stranger's reaches the terminal.
func TestScreenFitsEveryTerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of drawings by one goroutine")
	}
	lost := sampleSeen()
	lost.Lost = &observer.Outage{Since: clienttest.Noon, Next: clienttest.Noon, Reason: clienttest.Hostile}
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
	if got := shown.picked().Servicer; got != strings.Repeat("b2", 20) {
		t.Fatalf("picked %s", got)
	}
	turned := sampleSeen()
	slices.Reverse(turned.Sessions[0].Report.Servicers)
	if shown = shown.observe(turned); shown.picked().Servicer != strings.Repeat("b2", 20) || shown.row() != 3 {
		t.Errorf("picked %s in row %d", shown.picked().Servicer, shown.row())
	}
	if shown = press(t, shown, "home", "up"); shown.row() != 0 {
		t.Errorf("row %d above the first", shown.row())
	}
	if shown = press(t, shown, "end", "pgdown"); shown.row() != 4 {
		t.Errorf("row %d below the last", shown.row())
	}
}

// next is an observation with a session more.
func next(seen observer.Observation, digit string) observer.Observation {
	following := seen.Sessions[0]
	following.Report.ID, following.Report.Height = strings.Repeat(digit, 32), following.Report.Height+10
	seen.Sessions = append([]observer.Session{following}, seen.Sessions...)
	return seen
}

func TestScreenGoesOnToTheSuccessor(t *testing.T) {
	first := sampleSeen()
	second := next(first, "3f")
	newest, older := second.Sessions[0].Report.ID, first.Sessions[1].Report.ID
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
	if reading.session != first.Sessions[0].Report.ID || !reading.samples {
		t.Errorf("session %s goes away while its samples are read", reading.session)
	}
	if got := press(t, reading, "esc").observe(second).session; got != newest {
		t.Errorf("session %s, want the newest after the samples", got)
	}
	gone := second
	gone.Sessions = second.Sessions[:2]
	if got := press(t, sized(80, 24, second), "shift+tab").observe(gone).session; got != newest {
		t.Errorf("session %s, want the newest when the one that was looked at is gone", got)
	}
	if got := press(t, sized(80, 24, second), "enter").observe(observer.Observation{At: clienttest.Noon}); got.samples || got.current() != nil {
		t.Errorf("there is no session any more, and yet %+v", got.current())
	}
}

func TestScreenStaysOnItsChain(t *testing.T) {
	seen := sampleSeen()
	other := sampleSession()
	other.Report.ID, other.Report.RelayChain = strings.Repeat("4e", 32), "0021"
	seen.Sessions = []observer.Session{seen.Sessions[0], other}
	shown := press(t, sized(80, 24, seen), "tab")
	later := next(seen, "5d")
	if got := shown.observe(later).session; got != other.Report.ID {
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
	empty := sized(80, 24, observer.Observation{At: clienttest.Noon})
	shown := press(t, empty, "enter", "down", "tab", "shift+tab", "end", "esc")
	if shown.samples || shown.session != "" || shown.servicer != "" {
		t.Errorf("%+v", shown)
	}
}

func TestClockMovesTheTimesOfAnOutage(t *testing.T) {
	lost := sampleSeen()
	lost.Lost = &observer.Outage{Since: clienttest.Noon, Next: clienttest.Noon.Add(8 * time.Second), Reason: "gone"}
	model, command := sized(80, 24, lost).Update(clockTick(clienttest.Noon.Add(5 * time.Second)))
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
	for want, interval := range map[string]api.Interval{
		"███████▒▒▒": qos.Wilson(10, 10), "▒▒▒░░░░░░░": qos.Wilson(0, 10), "░░░░░░░░░░": qos.Wilson(0, 0), "██▒▒▒▒▒▒░░": qos.Wilson(5, 10),
	} {
		if got := bar(interval); got != want {
			t.Errorf("bar %s, want %s", got, want)
		}
	}
}
