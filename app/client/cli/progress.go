package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
)

// plainEvery is the pause between two tables on an output that is no terminal.
const plainEvery = 5 * time.Second

// progress shows a running LocalNet on standard error. As a writer it takes log lines, one or more whole ones at a time.
type progress interface {
	io.Writer
	Show(shot snapshot)
	// Wait says what is waited for until there is something to show. Only a terminal shows it.
	Wait(what string)
	// Close leaves the output ready for other use; it may be called again.
	Close()
}

// snapshot is what is known of one relay chain of a LocalNet at one moment.
type snapshot struct {
	at     time.Time
	height int64
	// blocks in a session.
	blocks int64
	// still is how long there was no new block, when that is too long; else 0.
	still   time.Duration
	session qos.SessionReport
	// before is the session before it; nil for none.
	before *qos.SessionReport
}

// newProgress redraws in place on a terminal and prints plain lines elsewhere.
func newProgress(out io.Writer) progress {
	if file, is := terminal(out); is {
		return &liveProgress{out: file}
	}
	return &plainProgress{out: out}
}

// heading is the line above the table.
func (s snapshot) heading() string {
	left := max(s.session.Height+s.blocks-1-s.height, 0)
	line := fmt.Sprintf("height %d, session %s (chain %s), %d blocks left, checks %d/%d done", s.height, abbreviate(s.session.ID),
		clean(s.session.RelayChain), left, s.session.ChecksDone, s.session.ChecksPlanned)
	if s.session.ChecksDropped+s.session.ChecksVoid > 0 {
		line += fmt.Sprintf(", %d dropped, %d void", s.session.ChecksDropped, s.session.ChecksVoid)
	}
	if s.still > 0 {
		line += fmt.Sprintf("; no new block for %v", s.still.Truncate(time.Second))
	}
	return line + "\n"
}

// plainProgress prints the table at a session's first completed check, then every five seconds, and at a session's end.
type plainProgress struct {
	mutex sync.Mutex
	out   io.Writer
	// printed is what was printed last of each relay chain.
	printed map[string]printed
}

type printed struct {
	session string // id of the session
	at      time.Time
	ended   string // id of the session whose end was printed last
}

// Write prints log lines.
func (p *plainProgress) Write(lines []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.out.Write(lines)
}

// Show prints what is due.
func (p *plainProgress) Show(shot snapshot) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if shot.before != nil && shot.before.Complete {
		p.end(*shot.before)
	}
	last := p.printed[shot.session.RelayChain]
	switch {
	case shot.session.Complete:
		p.end(shot.session)
	case shot.session.ChecksDone == 0:
	case shot.session.ID != last.session || shot.at.Sub(last.at) >= plainEvery:
		last.session, last.at = shot.session.ID, shot.at
		p.note(shot.session.RelayChain, last)
		p.print(shot.heading() + servicerTable(shot.session, tableForm{}))
	}
}

// Wait prints nothing: who reads lines has no use for those that are soon out of date.
func (p *plainProgress) Wait(string) {}

// end prints a complete session, once.
func (p *plainProgress) end(session qos.SessionReport) {
	last := p.printed[session.RelayChain]
	if last.ended == session.ID {
		return
	}
	last.ended = session.ID
	p.note(session.RelayChain, last)
	p.print(sessionEnd(session))
}

func (p *plainProgress) note(chain string, last printed) {
	if p.printed == nil {
		p.printed = make(map[string]printed)
	}
	p.printed[chain] = last
}

// print fails silently: progress is a courtesy, and standard error is where its failure would be told.
func (p *plainProgress) print(text string) {
	_, _ = io.WriteString(p.out, strings.TrimRight(text, "\n")+"\n\n")
}

// Close does nothing: nothing is buffered.
func (p *plainProgress) Close() {}
