package terminal

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// screen is the model of the live view of a node's sampling: what was observed, and what the person looks at.
type screen struct {
	// url of the node.
	url           string
	width, height int
	// now is moved by observations and by the clock, so that times since something pass while nothing else happens.
	now  time.Time
	seen observer.Observation

	// session is the id of the selected session. Its successor replaces it unless it is pinned or its samples are shown.
	session string
	pinned  bool
	// servicer is the address of the one that is picked; empty for the first.
	servicer string
	// samples: the samples of the picked servicer are shown, from index top on.
	samples bool
	top     int
	help    bool
}

// Screen is the live view of a node's sampling on a terminal.
type Screen struct {
	program *tea.Program
}

// NewScreen makes the view of a node on a terminal, which begins with an observation.
func NewScreen(url string, first observer.Observation, in, out *os.File) *Screen {
	model := screen{url: url, now: first.At}.observe(first)
	return &Screen{tea.NewProgram(model, tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler(), tea.WithFPS(20))}
}

// Show takes what is new. It may be called from another goroutine than Run.
func (s *Screen) Show(seen observer.Observation) { s.program.Send(seen) }

// Run draws until a key or the context ends it, and leaves the terminal as it was.
func (s *Screen) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, s.program.Quit)()
	if _, err := s.program.Run(); err != nil {
		return fmt.Errorf("draw on the terminal: %w", err)
	}
	return nil
}

// clockTick moves the screen's time.
type clockTick time.Time

func nextTick() tea.Cmd {
	return tea.Every(time.Second, func(at time.Time) tea.Msg { return clockTick(at) })
}

// Init begins the clock.
func (s screen) Init() tea.Cmd { return nextTick() }

// Update takes an observer.Observation, the time, a size or a key.
func (s screen) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = message.Width, message.Height
	case clockTick:
		s.now = time.Time(message)
		return s, nextTick()
	case observer.Observation:
		s.now = message.At
		return s.observe(message), nil
	case tea.KeyPressMsg:
		return s.press(message.String())
	}
	return s, nil
}

// observe takes what is new, and goes on to a session's successor.
func (s screen) observe(seen observer.Observation) screen {
	before := s.current()
	s.seen = seen
	if len(seen.Sessions) == 0 {
		s.session, s.samples = "", false
		return s
	}
	here := slices.IndexFunc(seen.Sessions, func(candidate observer.Session) bool { return candidate.Report.ID == s.session })
	if here >= 0 && (s.pinned || s.samples) {
		return s
	}
	if here < 0 {
		s.pinned, s.samples = false, false
	}
	newest := 0
	if before != nil {
		newest = max(slices.IndexFunc(seen.Sessions, before.SameStream), 0)
	}
	s.session = seen.Sessions[newest].Report.ID
	return s
}

// index of the selected session among the sessions; -1 for none.
func (s screen) index() int {
	return slices.IndexFunc(s.seen.Sessions, func(session observer.Session) bool { return session.Report.ID == s.session })
}

// current is the session that is looked at; nil while there is none.
func (s screen) current() *observer.Session {
	if index := s.index(); index >= 0 {
		return &s.seen.Sessions[index]
	}
	return nil
}

// row is where the picked servicer is in the session's table; the first row when it is not there.
func (s screen) row() int {
	session := s.current()
	if session == nil {
		return 0
	}
	return max(slices.IndexFunc(s.rows(*session), func(servicer api.ServicerReport) bool { return servicer.Servicer == s.servicer }), 0)
}

// picked is the servicer that is picked; nil while there is none.
func (s screen) picked() *api.ServicerReport {
	session := s.current()
	if session == nil {
		return nil
	}
	rows := s.rows(*session)
	if len(rows) == 0 {
		return nil
	}
	return &rows[s.row()]
}

// press does what a key stands for.
func (s screen) press(key string) (tea.Model, tea.Cmd) {
	switch key {
	case "q", "ctrl+c":
		return s, tea.Quit
	case "ctrl+z":
		return s, tea.Suspend
	case "?", "h":
		s.help = !s.help
	case "esc", "backspace":
		s.help, s.samples = false, s.samples && s.help
	case "enter":
		if !s.help && s.picked() != nil {
			// The servicer stays picked, whatever the order becomes.
			s.servicer, s.samples, s.top = s.picked().Servicer, !s.samples, 0
		}
	case "tab", "right", "l":
		s = s.turn(1)
	case "shift+tab", "left":
		s = s.turn(-1)
	case "up", "k":
		s = s.move(-1)
	case "down", "j":
		s = s.move(1)
	case "pgup":
		s = s.move(-s.page())
	case "pgdown", "space":
		s = s.move(s.page())
	case "home", "g":
		s = s.move(-everything)
	case "end", "G":
		s = s.move(everything)
	}
	return s, nil
}

// everything is farther than any list is long.
const everything = 1 << 20

// page is how far page up and down go.
func (s screen) page() int { return max(s.height/2, 1) }

// turn goes to another session: the next older one by 1, the next newer one by -1, around the ends. Coming to the newest
// of its stream unpins it.
func (s screen) turn(by int) screen {
	count := len(s.seen.Sessions)
	if count == 0 {
		return s
	}
	index := (max(s.index(), 0) + by + count) % count
	chosen := s.seen.Sessions[index]
	s.session, s.top = chosen.Report.ID, 0
	s.pinned = slices.IndexFunc(s.seen.Sessions, chosen.SameStream) != index
	return s
}

// move picks another servicer, or scrolls its samples.
func (s screen) move(by int) screen {
	session := s.current()
	switch {
	case session == nil:
	case s.samples:
		s.top = min(max(s.top+by, 0), max(len(session.Rounds)-1, 0))
	default:
		if rows := s.rows(*session); len(rows) > 0 {
			s.servicer = rows[min(max(s.row()+by, 0), len(rows)-1)].Servicer
		}
	}
	return s
}
