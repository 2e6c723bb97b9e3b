package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Comparing shows a comparison that goes on. As a writer it takes log lines, one or more whole ones at a time.
type Comparing interface {
	io.Writer
	Show(c Comparison)
	// Close leaves the output ready for other use; it may be called again.
	Close()
}

// NewComparing redraws in place on a terminal, and takes away what it has drawn at the end; elsewhere it writes plain lines.
func NewComparing(out io.Writer) Comparing {
	if file, is := File(out); is {
		return &liveComparing{liveProgress{out: file, model: comparisonModel{}}}
	}
	return &plainComparing{out: out, told: make(map[string]bool)}
}

// plainComparing writes a line for each target that has said who it is, and one every few seconds on how far it is.
type plainComparing struct {
	mutex sync.Mutex
	out   io.Writer
	// told are the targets that have their line.
	told map[string]bool
	at   time.Time
}

// Write writes log lines.
func (p *plainComparing) Write(lines []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.out.Write(lines)
}

// Show writes what is new. It fails silently: progress is a courtesy.
func (p *plainComparing) Show(c Comparison) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, t := range c.Targets {
		if t.Asked && !p.told[t.Name] {
			p.told[t.Name] = true
			_, _ = fmt.Fprintf(p.out, "%s: %s\n", Clean(t.Name), t.describe())
		}
	}
	if p.at.IsZero() {
		p.at = c.At
	}
	if c.decided() > 0 && c.At.Sub(p.at) >= plainEvery {
		p.at = c.At
		_, _ = io.WriteString(p.out, c.heading())
	}
}

// Close does nothing: nothing is buffered.
func (p *plainComparing) Close() {}

// liveComparing redraws a comparison.
type liveComparing struct{ liveProgress }

// Show draws a comparison.
func (l *liveComparing) Show(c Comparison) { l.send(c) }

// comparisonModel is what a comparison is drawn from.
type comparisonModel struct {
	width, height int
	shown         *Comparison
}

// Init has nothing to begin with.
func (m comparisonModel) Init() tea.Cmd { return nil }

// Update takes a comparison or a new size. The end takes away what is drawn.
func (m comparisonModel) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = message.Width, message.Height
	case Comparison:
		m.shown = &message
	case awaited:
		m.shown = nil
	}
	return m, nil
}

// View draws no more lines than the terminal has.
func (m comparisonModel) View() tea.View {
	if m.shown == nil {
		return tea.NewView("")
	}
	form := Form{width: m.width, colour: true}
	text := form.fit(m.shown.heading())
	if m.shown.decided() == 0 {
		text += identities(*m.shown, form)
	} else {
		text += comparisonTable(*m.shown, form)
	}
	lines := strings.SplitAfter(text, "\n")
	if most := max(m.height-1, 1); m.height > 0 && len(lines) > most {
		lines = lines[:most]
	}
	return tea.NewView(strings.TrimSuffix(strings.Join(lines, ""), "\n"))
}
