package terminal

import (
	"os"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

func TestLiveTableFollowsTheTerminalsSize(t *testing.T) {
	var model tea.Model = liveModel{}
	model, _ = model.Update(Snapshot{Height: 12, Blocks: 10, Session: clienttest.Report().Sessions[0]})
	for _, size := range []tea.WindowSizeMsg{{Width: 160, Height: 40}, {Width: 80, Height: 12}, {Width: 40, Height: 7}} {
		model, _ = model.Update(size)
		drawn := strings.TrimSuffix(model.View().Content, "\n")
		if width, height := lipgloss.Size(drawn); width > size.Width || height >= size.Height {
			t.Errorf("%dx%d on a terminal of %dx%d:\n%s", width, height, size.Width, size.Height, drawn)
		}
		if !strings.Contains(drawn, "inconsistent") {
			t.Errorf("the worst servicer is not shown:\n%s", drawn)
		}
	}
}

func TestLiveTablesOfTwoChainsShareTheTerminal(t *testing.T) {
	var model tea.Model = liveModel{}
	other := clienttest.Report().Sessions[0]
	other.RelayChain = "0021"
	for _, session := range []api.SessionReport{other, clienttest.Report().Sessions[0], other} {
		model, _ = model.Update(Snapshot{Height: 12, Blocks: 10, Session: session})
	}
	for _, size := range []tea.WindowSizeMsg{{Width: 160, Height: 40}, {Width: 80, Height: 12}} {
		model, _ = model.Update(size)
		drawn := strings.TrimSuffix(model.View().Content, "\n")
		if width, height := lipgloss.Size(drawn); width > size.Width || height >= size.Height {
			t.Errorf("%dx%d on a terminal of %dx%d:\n%s", width, height, size.Width, size.Height, drawn)
		}
		first, second := strings.Index(drawn, "chain 0001"), strings.Index(drawn, "chain 0021")
		if first < 0 || second < first || strings.Count(drawn, "(chain") != 2 {
			t.Errorf("the chains are not shown in order:\n%s", drawn)
		}
	}
}

func TestLiveTableBeforeTheFirstSnapshotIsEmpty(t *testing.T) {
	if content := (liveModel{}).View().Content; content != "" {
		t.Errorf("drawn %q", content)
	}
}

func TestLiveTableTakesThePlaceOfWhatIsWaitedFor(t *testing.T) {
	var model tea.Model = liveModel{width: 20}
	model, _ = model.Update(awaited("waiting for the chain's first block"))
	if content := model.View().Content; content != "waiting for the chai\n" {
		t.Errorf("drawn %q", content)
	}
	model, _ = model.Update(Snapshot{Height: 12, Blocks: 10, Session: clienttest.Report().Sessions[0]})
	if content := model.View().Content; strings.Contains(content, "waiting") {
		t.Errorf("drawn %q", content)
	}
}

func TestLiveProgressKeepsEveryLogLine(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan string)
	go func() {
		var text strings.Builder
		buffer := make([]byte, 4096)
		for {
			n, err := read.Read(buffer)
			text.Write(buffer[:n])
			if err != nil {
				written <- text.String()
				return
			}
		}
	}()
	progress := &liveProgress{out: write, model: liveModel{}}
	log := func(line string) {
		if _, err := progress.Write([]byte(line + "\n")); err != nil {
			t.Error(err)
		}
	}
	log("before the table")
	progress.Show(Snapshot{At: time.Now(), Height: 12, Blocks: 10, Session: clienttest.Report().Sessions[0]})
	log("above the table, one")
	log("above the table, two")
	progress.Close()
	progress.Close()
	progress.Show(Snapshot{Session: clienttest.Report().Sessions[0]})
	log("after the table")
	_ = write.Close()
	text := <-written
	place := -1
	for _, want := range []string{"before the table", "above the table, one", "above the table, two", "after the table"} {
		found := strings.Index(text, want)
		if found <= place {
			t.Errorf("%q is missing or out of order in %q", want, text)
		}
		place = found
	}
	if !strings.HasSuffix(text, "after the table\n") {
		t.Errorf("the terminal is not left clean: %q", text)
	}
}
