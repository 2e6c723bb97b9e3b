package terminal

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/app/client/observer"
)

// endpointsSeen is a list of endpoints, half a minute into its session.
func endpointsSeen() observer.Observation {
	session := observer.Session{Report: clienttest.Endpoints().Sessions[0]}
	for index := range uint32(5) {
		session.Rounds = append(session.Rounds, clienttest.EndpointsRound(index))
	}
	return observer.Observation{At: clienttest.Noon.Add(30 * time.Second), Status: clienttest.EndpointsStatus(), Sessions: []observer.Session{session}}
}

func TestEndpointsMatchGoldenFiles(t *testing.T) {
	drawn := func(s screen) string { return escapes.ReplaceAllString(s.View().Content, "") + "\n" }
	var lines bytes.Buffer
	seen := endpointsSeen()
	seen.Sessions[0].Report.Complete = true
	(&Lines{Out: &lines, Err: &bytes.Buffer{}}).Show(seen)
	for name, shown := range map[string]string{
		"endpoints_report_80.txt":  ReportText(clienttest.Endpoints(), Form{width: 80}),
		"endpoints_report.txt":     ReportText(clienttest.Endpoints(), Form{whole: true}),
		"endpoints_window.txt":     WindowsText(clienttest.EndpointsWindow(), Form{width: 140}),
		"endpoints_screen_80.txt":  drawn(sized(80, 24, endpointsSeen())),
		"endpoints_screen_160.txt": drawn(press(t, sized(160, 24, endpointsSeen()), "down")),
		"endpoints_samples.txt":    drawn(press(t, sized(120, 24, endpointsSeen()), "down", "enter")),
		"endpoints_nothing.txt":    drawn(sized(80, 9, observer.Observation{At: clienttest.Noon, Status: clienttest.EndpointsStatus()})),
		"endpoints_lines.txt":      lines.String(),
	} {
		for _, word := range []string{"servicer ", "SERVICER", "height", "application", "zone", "the chain's", " block"} {
			if strings.Contains(strings.ReplaceAll(shown, "block number", ""), word) {
				t.Errorf("%s says %q", name, word)
			}
		}
		if strings.ContainsAny(shown, "\x1b\u202e\u009b") {
			t.Errorf("%s: a stranger's text reaches the terminal", name)
		}
		clienttest.Golden(t, name, []byte(shown))
	}
}

func TestEndpointsHelpExplainsThrottled(t *testing.T) {
	if text := press(t, sized(80, 30, endpointsSeen()), "?").View().Content; !strings.Contains(text, "throttled") {
		t.Errorf("%s", text)
	}
}

// A name is not cut where only its end tells it from another.
func TestName(t *testing.T) {
	for id, want := range map[string]string{
		strings.Repeat("a1", 20):           "a1a1a1a1a1a1",
		strings.Repeat("0a", 20)[1:] + "f": "a0a0a0a0a0a0",
		"own-node":                         "own-node",
		"provider-number-one1":             "provider-number-one1",
		"provider-with-a-name-1":           "provider-w…-a-name-1",
		strings.Repeat("é", 21):            strings.Repeat("é", 10) + "…" + strings.Repeat("é", 9),
		strings.Repeat("A1", 20):           "A1A1A1A1A1…1A1A1A1A1",
		"a\x1b[2J":                         "a?[2J",
	} {
		if got := Name(id); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}
