package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// sampledNode is a fakeNode that tells of checks too, one a block. From one time since it was started to another one it
// does not answer; from a time on its height does not grow any more. A time of 0 is never.
type sampledNode struct {
	fakeNode
	downFrom, downUntil, frozenFrom time.Duration
	// pages counts what was asked for.
	pages int
}

var errDown = fmt.Errorf("%w: connection refused", client.ErrUnreachable)

func (n *sampledNode) Status(ctx context.Context) (client.Status, error) {
	passed := time.Since(n.started)
	if n.downFrom <= passed && passed < n.downUntil {
		return client.Status{}, errDown
	}
	status, err := n.fakeNode.Status(ctx)
	status.ChainID = "test"
	if n.frozenFrom > 0 && passed > n.frozenFrom {
		status.Height = n.from + int64(n.frozenFrom/time.Second)
	}
	return status, err
}

func (n *sampledNode) QoS(ctx context.Context, filter client.QoSFilter) (client.Report, error) {
	last := filter
	if filter.SessionID != "" {
		last.Last = 100
	}
	report, err := n.fakeNode.QoS(ctx, last)
	if filter.SessionID == "" || err != nil {
		return report, err
	}
	for _, session := range report.Sessions {
		if session.ID == filter.SessionID {
			return client.Report{Sessions: []qos.SessionReport{session}}, nil
		}
	}
	return client.Report{}, &client.Error{Status: 404, Code: "unknown_session", Message: "none"}
}

func (n *sampledNode) Session(_ context.Context, application, chain string, height int64) (client.Session, error) {
	return client.Session{ID: chain[2:] + letter(height)[2:], Blocks: 10, Application: client.Actor{Address: application}}, nil
}

// Rounds gives pages of four.
func (n *sampledNode) Rounds(ctx context.Context, filter client.RoundFilter) (client.RoundPage, error) {
	n.pages++
	report, err := n.QoS(ctx, client.QoSFilter{SessionID: filter.SessionID})
	if err != nil {
		return client.RoundPage{}, err
	}
	page := client.RoundPage{Session: filter.SessionID, Stored: report.Sessions[0].ChecksDone}
	for index := filter.From; index < uint32(page.Stored); index++ {
		if len(page.Rounds) == 4 {
			page.Next = &index
			break
		}
		page.Rounds = append(page.Rounds, sampleRound(filter.SessionID, index))
	}
	return page, nil
}

// newSampledNode is in the third block of its second session.
func newSampledNode() *sampledNode {
	return &sampledNode{fakeNode: fakeNode{started: time.Now(), from: 12}}
}

// observed runs an observer for a time and gives what it showed.
func observed(t *testing.T, node observedNode, choice sessionChoice, span time.Duration) (shown []observation) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	observer := newObserver(node, choice, func(seen observation) { shown = append(shown, seen) })
	if err := observer.begin(ctx); err != nil {
		t.Fatal(err)
	}
	observer.run(ctx)
	return shown
}

func TestObserverSeesEveryCheckOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newSampledNode()
		shown := observed(t, node, sessionChoice{}, 9900*time.Millisecond)
		last := shown[len(shown)-1]
		if len(last.sessions) != 3 || last.sessions[0].report.Height != 20 || last.status.Height != 21 {
			t.Fatalf("%d sessions, the newest from %d, at height %d", len(last.sessions), last.sessions[0].report.Height, last.status.Height)
		}
		for _, session := range last.sessions {
			if len(session.rounds) != session.report.ChecksDone || firstMissing(session.rounds) != uint32(len(session.rounds)) {
				t.Errorf("session from %d: %d checks seen, %d done", session.report.Height, len(session.rounds), session.report.ChecksDone)
			}
		}
		if last.sessions[0].blocksLeft(last.status.Height) != 8 {
			t.Errorf("%d blocks left", last.sessions[0].blocksLeft(last.status.Height))
		}
		// Three pages of the first session, then one look for each block, and three more when the last session begins.
		if node.pages > 24 {
			t.Errorf("%d pages asked for in ten blocks: rounds are read again and again", node.pages)
		}
	})
}

func TestObserverTellsAnUnreachableNodeAtOnce(t *testing.T) {
	observer := newObserver(&sampledNode{fakeNode: fakeNode{started: time.Now()}, downUntil: time.Hour}, sessionChoice{}, func(observation) { t.Error("shown") })
	if err := observer.begin(t.Context()); exitCode(err) != ExitUnreachable {
		t.Errorf("begin: %v", err)
	}
}

func TestObserverComesBackToALostNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newSampledNode()
		node.downFrom, node.downUntil = 2*time.Second, 62*time.Second
		shown := observed(t, node, sessionChoice{}, 75100*time.Millisecond)
		var lost []observation
		for _, seen := range shown {
			if seen.lost != nil {
				lost = append(lost, seen)
			}
		}
		if len(lost) < 8 || len(lost) > 13 {
			t.Fatalf("%d attempts in a minute", len(lost))
		}
		last := lost[len(lost)-1]
		if pause := last.lost.next.Sub(last.at); pause != longestBackoff || !last.lost.since.Equal(lost[0].at) || len(last.sessions) == 0 {
			t.Errorf("last attempt %+v with %d sessions", last.lost, len(last.sessions))
		}
		if end := shown[len(shown)-1]; end.lost != nil || end.status.Height < 80 {
			t.Errorf("in the end lost is %v at height %d", end.lost, end.status.Height)
		}
	})
}

func TestObserverTellsAChainThatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newSampledNode()
		node.frozenFrom = 5 * time.Second
		for _, seen := range observed(t, node, sessionChoice{}, 60*time.Second) {
			standing := seen.at.Sub(node.started.Add(5 * time.Second))
			if tells := seen.still > 0; tells && standing < 9*time.Second || !tells && standing > 13*time.Second {
				t.Errorf("%s after the last block still is %s", standing, seen.still)
			}
		}
	})
}

func TestObserverEndsWithItsOnlySession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		shown := observed(t, newSampledNode(), sessionChoice{id: "01" + letter(10)[2:]}, time.Minute)
		if last := shown[len(shown)-1]; !last.sessions[0].report.Complete || time.Since(began) > 10*time.Second {
			t.Errorf("ended after %s with complete %t", time.Since(began), last.sessions[0].report.Complete)
		}
	})
}

func TestObserverChooses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newSampledNode()
		node.chains = []string{"0001", "0021"}
		for _, test := range []struct {
			choice sessionChoice
			want   int
		}{{sessionChoice{chain: "0021"}, 2}, {sessionChoice{chain: "0002"}, 0}, {sessionChoice{application: strings.Repeat("00", 20)}, 0}, {sessionChoice{}, 4}} {
			shown := observed(t, node, test.choice, time.Second)
			if got := len(shown[0].sessions); got != test.want {
				t.Errorf("%+v: %d sessions, want %d", test.choice, got, test.want)
			}
		}
	})
}

func TestWatchWritesALineForEveryCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newSampledNode()
		node.downFrom, node.downUntil = 11500*time.Millisecond, 16*time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 20900*time.Millisecond)
		defer cancel()
		var out, errs bytes.Buffer
		if err := watchInLines(ctx, streams{out: &out, err: &errs}, node, sessionChoice{}); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if checks, tables := strings.Count(text, " check #"), strings.Count(text, "VERDICT"); checks != 22 || tables != 2 {
			t.Errorf("%d lines and %d tables, want 22 and 2:\n%s", checks, tables, text)
		}
		want := "2026-05-04T12:00:00Z session 01bbbbbbbbbb chain 0001 check #0 of 10 done: 3 of 4 answered, skew 87 µs; " +
			"a1a1a1a1a1a1 disagrees; b2b2b2b2b2b2 CONNECT; c3c3c3c3c3c3 over SLA\n"
		if !strings.HasPrefix(text, want) {
			t.Errorf("begins with %q", strings.SplitAfter(text, "\n")[0])
		}
		if lines := strings.Split(errs.String(), "\n"); len(lines) != 3 || !strings.Contains(lines[0], "node lost, trying again: node is unreachable") ||
			!strings.HasSuffix(lines[1], " node is back") {
			t.Errorf("trouble: %q", lines)
		}
		if strings.ContainsAny(text+errs.String(), "\x1b\r\u202e") {
			t.Errorf("not fit for a log: %q", text)
		}
	})
}

func TestWatchOfOneSessionEndsOrIsInterrupted(t *testing.T) {
	for span, want := range map[time.Duration]ExitCode{30 * time.Second: ExitOK, 3 * time.Second: ExitInterrupted} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), span)
			defer cancel()
			var out bytes.Buffer
			err := watchInLines(ctx, streams{out: &out, err: &out}, newSampledNode(), sessionChoice{id: "01" + letter(10)[2:]})
			if exitCode(err) != want {
				t.Errorf("after %s: %v", span, err)
			}
		})
	}
}

// fullPipe takes nothing.
type fullPipe struct{}

func (fullPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWatchEndsWhenItsOutputDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := watchInLines(t.Context(), streams{out: fullPipe{}, err: fullPipe{}}, newSampledNode(), sessionChoice{})
		if err == nil || !strings.Contains(err.Error(), "broken pipe") {
			t.Errorf("watch: %v", err)
		}
	})
}

func TestStillAndTroubleAreToldOnce(t *testing.T) {
	var out, errs bytes.Buffer
	lines := &watchLines{out: &out, err: &errs}
	seen := sampleSeen()
	for _, still := range []time.Duration{0, 12 * time.Second, 13 * time.Second, 0, 0} {
		seen.still = still
		lines.show(seen)
	}
	if got := strings.Split(errs.String(), "\n"); len(got) != 3 || !strings.HasSuffix(got[0], "no new block for 12s") || !strings.HasSuffix(got[1], "the chain goes on") {
		t.Errorf("told %q", got)
	}
}
