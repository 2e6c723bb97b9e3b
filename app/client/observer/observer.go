package observer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

const (
	// lookEvery is the pause between two looks at a node.
	lookEvery = 500 * time.Millisecond
	// longestBackoff bounds the pause between two attempts to reach a node that is lost.
	longestBackoff = 8 * time.Second
	// lookTime bounds one look, so that a node which hangs shows as lost.
	lookTime = 5 * time.Second
	// observedSessions is how many of the newest sessions are observed, localnetSessions how many of a LocalNet.
	observedSessions = 24
	localnetSessions = 8
	// searchedSessions is how many of the newest are searched for those that were asked for.
	searchedSessions = 240
	// roundPages bounds how many pages of rounds one look reads of a session.
	roundPages = 8
)

// Node is what an Observer asks.
type Node interface {
	Status(ctx context.Context) (api.Status, error)
	QoS(ctx context.Context, filter client.QoSFilter) (api.Report, error)
	Session(ctx context.Context, application, relayChain string, height int64) (api.Session, error)
	Rounds(ctx context.Context, filter client.RoundFilter) (api.RoundPage, error)
}

// Choice says which sessions are observed; its zero value admits all.
type Choice struct {
	ID, Application, Chain string
}

func (c Choice) admits(session api.SessionReport) bool {
	return (c.Application == "" || c.Application == session.Application) && (c.Chain == "" || c.Chain == session.RelayChain)
}

// filter asks for the sessions of the choice among the newest.
func (c Choice) filter(newest int) client.QoSFilter {
	switch {
	case c.ID != "":
		return client.QoSFilter{SessionID: c.ID}
	case c.Application != "" || c.Chain != "":
		return client.QoSFilter{Last: searchedSessions}
	}
	return client.QoSFilter{Last: newest}
}

// Observer looks at what a node's fisherman measures, again and again. One goroutine uses it.
type Observer struct {
	node   Node
	choice Choice
	// newest is how many of the newest sessions are observed.
	newest int
	// every is the pause between two looks, longest the bound of that between two at a node that is lost.
	every, longest time.Duration
	// checks says that the checks and the lengths of sessions are observed too.
	checks bool

	seen Observation
	// counted is how many checks of a session were decided when its rounds were read last.
	counted  map[string]int
	pace     pace
	failures int
	begun    bool
}

// New makes an Observer of the sessions of a choice and of their checks.
func New(node Node, choice Choice) *Observer {
	return &Observer{node: node, choice: choice, newest: observedSessions, every: lookEvery, longest: longestBackoff, checks: true, counted: make(map[string]int)}
}

// OfLocalnet makes an Observer of all sessions, without their checks, of a network on this machine: its block time is
// known, and a node that does not answer is about to start or to stop, so it is asked as often as any other.
func OfLocalnet(node Node, blockTime time.Duration) *Observer {
	every := min(max(blockTime/2, 100*time.Millisecond), lookEvery)
	return &Observer{node: node, newest: localnetSessions, every: every, longest: every, pace: pace{blockTime: blockTime}, counted: make(map[string]int)}
}

// Begin looks for the first time. Its error is the user's to know at once.
func (o *Observer) Begin(ctx context.Context) (Observation, error) {
	o.begun = true
	err := o.look(ctx)
	return o.seen, err
}

// Run shows what each look sees until the context ends, or the one session that was asked for is complete.
func (o *Observer) Run(ctx context.Context, show func(Observation)) {
	var pause time.Duration
	if o.begun {
		pause = o.every
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for !o.Finished() {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		seen, pause := o.Look(ctx)
		if ctx.Err() != nil {
			return
		}
		show(seen)
		timer.Reset(pause)
	}
}

// Look looks once, and returns what is known then and the pause until the next look: twice as long after every failure.
func (o *Observer) Look(ctx context.Context) (seen Observation, pause time.Duration) {
	err := o.look(ctx)
	if err == nil {
		o.failures, o.seen.Lost = 0, nil
		return o.seen, o.every
	}
	now := time.Now()
	pause = min(o.every<<min(o.failures, 10), o.longest)
	o.failures++
	since := now
	if o.seen.Lost != nil {
		since = o.seen.Lost.Since
	}
	o.seen.At, o.seen.Still = now, 0
	o.seen.Lost = &Outage{Since: since, Next: now.Add(pause), Reason: err.Error()}
	return o.seen, pause
}

// Finished reports whether nothing can change any more.
func (o *Observer) Finished() bool {
	return o.choice.ID != "" && o.seen.Lost == nil && len(o.seen.Sessions) == 1 && o.seen.Sessions[0].Report.Complete
}

// look asks once. After an error what was seen before stays.
func (o *Observer) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	status, err := o.node.Status(ctx)
	if err != nil {
		return err
	}
	if status.ChainID != o.seen.Status.ChainID {
		o.seen, o.counted, o.pace = Observation{}, make(map[string]int), pace{blockTime: o.pace.blockTime}
	}
	report, err := o.node.QoS(ctx, o.choice.filter(o.newest))
	if err != nil {
		return fmt.Errorf("quality of service: %w", err)
	}
	sessions := o.admitted(report)
	if o.checks {
		if err := o.complete(ctx, sessions, status.Height); err != nil {
			return err
		}
	}
	now := time.Now()
	o.seen = Observation{At: now, Status: status, Rolling: report.Rolling, Sessions: sessions, Lost: o.seen.Lost}
	if status.Network.HasChain() {
		o.seen.Still = o.pace.still(status.Height, now)
	}
	return nil
}

// admitted are the newest sessions of a report that were asked for, newest first, with what is known of them already. Of a
// session that several vantage points follow it is the first one's.
func (o *Observer) admitted(report api.Report) []Session {
	known := make(map[string]Session)
	for _, session := range o.seen.Sessions {
		known[session.Report.ID] = session
	}
	var admitted []Session
	once := make(map[string]bool)
	for _, session := range report.Sessions {
		if o.choice.admits(session) && !once[session.ID] {
			once[session.ID] = true
			before := known[session.ID]
			admitted = append(admitted, Session{Report: session, Blocks: before.Blocks, Rounds: before.Rounds})
		}
	}
	newestFirst(admitted)
	return admitted[:min(len(admitted), o.newest)]
}

// complete adds what a report does not say: how many blocks a session has, and its checks.
func (o *Observer) complete(ctx context.Context, sessions []Session, height int64) error {
	counted := make(map[string]int)
	for i := range sessions {
		session := &sessions[i]
		report := session.Report
		if session.Blocks == 0 && !report.Complete && height >= report.Height {
			// A session whose length is not known is shown without it.
			if members, err := o.node.Session(ctx, report.Application, report.RelayChain, report.Height); err == nil && members.ID == report.ID {
				session.Blocks = members.Blocks
			}
		}
		decided := report.ChecksDone + report.ChecksVoid + report.ChecksDropped
		if last, read := o.counted[report.ID]; !read || last != decided {
			rounds, err := o.readRounds(ctx, *session)
			if refused, is := errors.AsType[*client.Error](err); is && refused.Status == http.StatusNotFound {
				// The session was pruned, or the node is too old to tell checks.
				rounds, err = session.Rounds, nil
			}
			if err != nil {
				return fmt.Errorf("checks of session %s: %w", report.ID, err)
			}
			session.Rounds = rounds
		}
		counted[report.ID] = decided
	}
	o.counted = counted
	return nil
}

// readRounds reads the rounds that are not known yet.
func (o *Observer) readRounds(ctx context.Context, session Session) ([]api.Round, error) {
	rounds := session.Rounds
	filter := client.RoundFilter{SessionID: session.Report.ID, From: firstMissing(rounds), Vantage: session.Report.Vantage}
	for range roundPages {
		page, err := o.node.Rounds(ctx, filter)
		if err != nil {
			return nil, err
		}
		rounds = mergeRounds(rounds, page.Rounds)
		if page.Next == nil || *page.Next <= filter.From {
			break
		}
		filter.From = *page.Next
	}
	return rounds, nil
}
