package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// plainEvery is the pause between two tables on an output that is no terminal.
const plainEvery = 5 * time.Second

// Progress shows a running LocalNet on standard error. As a writer it takes log lines, one or more whole ones at a time.
type Progress interface {
	io.Writer
	Show(shot Snapshot)
	// Wait says what is waited for until there is something to show. Only a terminal shows it.
	Wait(what string)
	// Close leaves the output ready for other use; it may be called again.
	Close()
}

// Snapshot is what is known of one relay chain of a LocalNet at one moment.
type Snapshot struct {
	At     time.Time
	Height int64
	// Blocks in a session.
	Blocks int64
	// Still is how long there was no new block, when that is too long; else 0.
	Still   time.Duration
	Session api.SessionReport
	// Before is the session before it; nil for none.
	Before *api.SessionReport
}

// NewProgress redraws in place on a terminal and prints plain lines elsewhere.
func NewProgress(out io.Writer) Progress {
	if file, is := File(out); is {
		return &liveProgress{out: file, model: liveModel{}}
	}
	return &plainProgress{out: out}
}

// heading is the line above the table.
func (s Snapshot) heading() string {
	left := max(s.Session.Height+s.Blocks-1-s.Height, 0)
	line := fmt.Sprintf("height %d, session %s (chain %s), %d blocks left, checks %d/%d done", s.Height, ID(s.Session.ID),
		Clean(s.Session.RelayChain), left, s.Session.ChecksDone, s.Session.ChecksPlanned)
	if s.Session.ChecksDropped+s.Session.ChecksVoid > 0 {
		line += fmt.Sprintf(", %d dropped, %d void", s.Session.ChecksDropped, s.Session.ChecksVoid)
	}
	if s.Still > 0 {
		line += fmt.Sprintf("; no new block for %v", s.Still.Truncate(time.Second))
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
func (p *plainProgress) Show(shot Snapshot) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if shot.Before != nil && shot.Before.Complete {
		p.end(*shot.Before)
	}
	last := p.printed[shot.Session.RelayChain]
	switch {
	case shot.Session.Complete:
		p.end(shot.Session)
	case shot.Session.ChecksDone == 0:
	case shot.Session.ID != last.session || shot.At.Sub(last.at) >= plainEvery:
		last.session, last.at = shot.Session.ID, shot.At
		p.note(shot.Session.RelayChain, last)
		p.print(shot.heading() + servicerTable(shot.Session, Form{whole: true}))
	}
}

// Wait prints nothing: who reads lines has no use for those that are soon out of date.
func (p *plainProgress) Wait(string) {}

// end prints a complete session, once.
func (p *plainProgress) end(session api.SessionReport) {
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
