package terminal

import (
	"os"
	"slices"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"
)

// liveProgress redraws a table in place on a terminal, with log lines above it. The terminal stays in its normal mode:
// nothing is read from it, so that Ctrl-C is an ordinary signal.
type liveProgress struct {
	out *os.File
	// model is what is drawn, as it begins.
	model tea.Model

	mutex   sync.Mutex
	program *tea.Program // nil until there is something to show, and after Close
	ended   chan struct{}
}

// Write prints log lines above the table.
func (l *liveProgress) Write(lines []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if !l.running() {
		return l.out.Write(lines)
	}
	l.program.Send(tea.Println(strings.TrimRight(string(lines), "\n"))())
	return len(lines), nil
}

// Show draws a table.
func (l *liveProgress) Show(shot Snapshot) { l.send(shot) }

// Wait draws a line while there is no table.
func (l *liveProgress) Wait(what string) { l.send(awaited(what)) }

// send draws something; the first message starts the drawing.
func (l *liveProgress) send(message tea.Msg) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.program == nil && l.ended == nil {
		l.start()
	}
	if l.running() {
		l.program.Send(message)
	}
}

// start runs the program until Close. Should it end earlier, lines go to the terminal directly.
func (l *liveProgress) start() {
	program := tea.NewProgram(l.model, tea.WithOutput(l.out), tea.WithInput(nil), tea.WithoutSignalHandler(), tea.WithFPS(10))
	ended := make(chan struct{})
	l.program, l.ended = program, ended
	go func() {
		defer close(ended)
		_, _ = program.Run() // the table is a courtesy: the run and its report go on without it
	}()
}

func (l *liveProgress) running() bool {
	if l.program == nil {
		return false
	}
	select {
	case <-l.ended:
		return false
	default:
		return true
	}
}

// Close leaves the last table where it is, with the cursor below it.
func (l *liveProgress) Close() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.program == nil {
		return
	}
	l.program.Send(awaited("")) // nothing is awaited any more
	l.program.Quit()
	<-l.ended
	l.program = nil
}

// liveModel is what the tables are drawn from.
type liveModel struct {
	width, height int
	// shots are the newest of each relay chain, in the order of the chains.
	shots []Snapshot
	// awaited is what is waited for while there are none.
	awaited awaited
}

// awaited says what is waited for.
type awaited string

// Init has nothing to begin with.
func (m liveModel) Init() tea.Cmd { return nil }

// Update takes a snapshot or a new size.
func (m liveModel) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = message.Width, message.Height
	case awaited:
		m.awaited = message
	case Snapshot:
		m.shots = slices.DeleteFunc(slices.Clone(m.shots), func(s Snapshot) bool {
			return s.Session.RelayChain == message.Session.RelayChain
		})
		m.shots = append(m.shots, message)
		slices.SortFunc(m.shots, func(a, b Snapshot) int { return strings.Compare(a.Session.RelayChain, b.Session.RelayChain) })
	}
	return m, nil
}

// View draws no more lines than the terminal has, the same number for each chain.
func (m liveModel) View() tea.View {
	if len(m.shots) == 0 && m.awaited != "" {
		return tea.NewView(Form{width: m.width}.fit(string(m.awaited) + "\n"))
	}
	const others = 3 // heading, column names and "and N more"; the cursor has a line below
	var tables strings.Builder
	for _, shot := range m.shots {
		form := Form{width: m.width, colour: true, whole: m.width >= wholeWidth, lines: max((m.height-1)/len(m.shots)-others, 1)}
		tables.WriteString(form.fit(shot.heading()))
		tables.WriteString(servicerTable(shot.Session, form))
	}
	return tea.NewView(tables.String())
}
