package fisherman

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/app/client/observer"
)

// newNode is in the third block of its second session.
func newNode() *clienttest.Node { return &clienttest.Node{Started: time.Now(), From: 12} }

func TestWatchWritesALineForEveryCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newNode()
		node.DownFrom, node.DownUntil = 11500*time.Millisecond, 16*time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 20900*time.Millisecond)
		defer cancel()
		var out, errs bytes.Buffer
		if err := watchInLines(ctx, command.Streams{Out: &out, Err: &errs}, node, observer.Choice{}); err != nil {
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
	for span, want := range map[time.Duration]command.ExitCode{30 * time.Second: command.ExitOK, 3 * time.Second: command.ExitInterrupted} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), span)
			defer cancel()
			var out bytes.Buffer
			err := watchInLines(ctx, command.Streams{Out: &out, Err: &out}, newNode(), observer.Choice{ID: clienttest.SessionID("0001", 10)})
			if command.Code(err) != want {
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
		err := watchInLines(t.Context(), command.Streams{Out: fullPipe{}, Err: fullPipe{}}, newNode(), observer.Choice{})
		if err == nil || !strings.Contains(err.Error(), "broken pipe") {
			t.Errorf("watch: %v", err)
		}
	})
}
