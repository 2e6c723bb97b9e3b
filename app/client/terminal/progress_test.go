package terminal

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

func TestPlainProgressPrintsSeldom(t *testing.T) {
	var written bytes.Buffer
	shown := NewProgress(&written)
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	session := clienttest.Report().Sessions[0]
	session.Complete = false
	show := func(second int, id string, done int, before *api.SessionReport) int {
		session.ID, session.ChecksDone = strings.Repeat(id, 64), done
		shown.Show(Snapshot{At: base.Add(time.Duration(second) * time.Second), Height: 12, Blocks: 10, Session: session, Before: before})
		defer written.Reset()
		return strings.Count(written.String(), "VERDICT")
	}
	first := session
	first.ID, first.Complete = strings.Repeat("a", 64), true
	for _, step := range []struct {
		second int
		id     string
		done   int
		before *api.SessionReport
		want   int
	}{
		{0, "a", 0, nil, 0}, {1, "a", 1, nil, 1}, {2, "a", 2, nil, 0}, {5, "a", 5, nil, 0}, {6, "a", 6, nil, 1},
		{8, "b", 0, &first, 1}, {9, "b", 0, &first, 0}, {10, "b", 1, &first, 1},
	} {
		if got := show(step.second, step.id, step.done, step.before); got != step.want {
			t.Errorf("second %d, session %s, %d done: %d tables, want %d", step.second, step.id, step.done, got, step.want)
		}
	}
}

func TestPlainProgressHasNoEscapeSequences(t *testing.T) {
	var written bytes.Buffer
	shown := NewProgress(&written)
	shown.Show(Snapshot{Height: 12, Blocks: 10, Session: clienttest.Report().Sessions[0]})
	if written.Len() == 0 || strings.ContainsRune(written.String(), '\x1b') {
		t.Errorf("written %q", written.String())
	}
}

func TestHeadingTellsOfAChainThatStandsStill(t *testing.T) {
	shot := Snapshot{Height: 12, Blocks: 10, Still: 24*time.Second + time.Millisecond, Session: clienttest.Report().Sessions[0]}
	if heading := shot.heading(); !strings.Contains(heading, "; no new block for 24s") {
		t.Errorf("heading %q", heading)
	}
}

func TestHeading(t *testing.T) {
	session := clienttest.Report().Sessions[0]
	for height, want := range map[int64]string{
		10: "height 10, session 1f1f1f1f1f1f (chain 0001), 9 blocks left, checks 10/12 done, 1 dropped, 1 void\n",
		19: "height 19, session 1f1f1f1f1f1f (chain 0001), 0 blocks left, checks 10/12 done, 1 dropped, 1 void\n",
		21: "height 21, session 1f1f1f1f1f1f (chain 0001), 0 blocks left, checks 10/12 done, 1 dropped, 1 void\n",
	} {
		if got := (Snapshot{Height: height, Blocks: 10, Session: session}).heading(); got != want {
			t.Errorf("heading %q, want %q", got, want)
		}
	}
}
