package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

const (
	// lookEvery is the pause between two looks at a node.
	lookEvery = 500 * time.Millisecond
	// longestBackoff bounds the pause between two attempts to reach a node that is lost.
	longestBackoff = 8 * time.Second
	// lookTime bounds one look, so that a node which hangs shows as lost.
	lookTime = 5 * time.Second
	// observedSessions is how many of the newest sessions are shown.
	observedSessions = 24
	// searchedSessions is how many of the newest are searched for those that were asked for.
	searchedSessions = 240
	// roundPages bounds how many pages of rounds one look reads of a session.
	roundPages = 8
	// shortestPatience is the least time without a block after which a person is told; firstPatience is that of a chain
	// whose pace is not known.
	shortestPatience = 5 * time.Second
	firstPatience    = 30 * time.Second
)

// observedNode is what an observer asks.
type observedNode interface {
	watchedNode
	Session(ctx context.Context, application, relayChain string, height int64) (client.Session, error)
	Rounds(ctx context.Context, filter client.RoundFilter) (client.RoundPage, error)
}

// sessionChoice says which sessions are observed; its zero value admits all.
type sessionChoice struct {
	id, application, chain string
}

func (c sessionChoice) admits(session qos.SessionReport) bool {
	return (c.application == "" || c.application == session.Application) && (c.chain == "" || c.chain == session.RelayChain)
}

// observer looks at what a node's fisherman measures, again and again. One goroutine uses it.
type observer struct {
	node   observedNode
	choice sessionChoice
	// show takes every observation.
	show func(observation)

	seen observation
	// counted is how many checks of a session were decided when its rounds were read last.
	counted  map[string]int
	pace     pace
	failures int
}

func newObserver(node observedNode, choice sessionChoice, show func(observation)) *observer {
	return &observer{node: node, choice: choice, show: show, counted: make(map[string]int)}
}

// begin looks for the first time. Its error is the user's to know at once.
func (o *observer) begin(ctx context.Context) error {
	if err := o.look(ctx); err != nil {
		return err
	}
	o.show(o.seen)
	return nil
}

// run looks again until the context ends, or the one session that was asked for is complete.
func (o *observer) run(ctx context.Context) {
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	for !o.finished() {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := o.look(ctx)
		if ctx.Err() != nil {
			return
		}
		pause := o.note(err, time.Now())
		o.show(o.seen)
		timer.Reset(pause)
	}
}

// note keeps whether the node answered, and gives the pause until the next look: twice as long after every failure.
func (o *observer) note(err error, now time.Time) time.Duration {
	if err == nil {
		o.failures, o.seen.lost = 0, nil
		return lookEvery
	}
	pause := min(lookEvery<<min(o.failures, 10), longestBackoff)
	o.failures++
	since := now
	if o.seen.lost != nil {
		since = o.seen.lost.since
	}
	o.seen.at, o.seen.still = now, 0
	o.seen.lost = &outage{since: since, next: now.Add(pause), reason: err.Error()}
	return pause
}

// finished tells whether nothing can change any more.
func (o *observer) finished() bool {
	return o.choice.id != "" && o.seen.lost == nil && len(o.seen.sessions) == 1 && o.seen.sessions[0].report.Complete
}

// look asks once. After an error what was seen before stays.
func (o *observer) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	status, err := o.node.Status(ctx)
	if err != nil {
		return err
	}
	if status.ChainID != o.seen.status.ChainID {
		o.seen, o.counted, o.pace = observation{}, make(map[string]int), pace{}
	}
	report, err := o.node.QoS(ctx, o.choice.filter())
	if err != nil {
		return fmt.Errorf("quality of service: %w", err)
	}
	sessions, err := o.complete(ctx, o.admitted(report), status.Height)
	if err != nil {
		return err
	}
	now := time.Now()
	o.seen = observation{at: now, status: status, sessions: sessions, still: o.pace.still(status.Height, now), lost: o.seen.lost}
	return nil
}

func (c sessionChoice) filter() client.QoSFilter {
	switch {
	case c.id != "":
		return client.QoSFilter{SessionID: c.id}
	case c.application != "" || c.chain != "":
		return client.QoSFilter{Last: searchedSessions}
	}
	return client.QoSFilter{Last: observedSessions}
}

// admitted are the newest sessions of a report that were asked for, newest first, with what is known of them already.
func (o *observer) admitted(report client.Report) []seenSession {
	known := make(map[string]seenSession)
	for _, session := range o.seen.sessions {
		known[session.report.ID] = session
	}
	var admitted []seenSession
	for _, session := range report.Sessions {
		if o.choice.admits(session) {
			before := known[session.ID]
			admitted = append(admitted, seenSession{report: session, blocks: before.blocks, rounds: before.rounds})
		}
	}
	newestFirst(admitted)
	return admitted[:min(len(admitted), observedSessions)]
}

// complete adds what a report does not say: how many blocks a session has, and its checks.
func (o *observer) complete(ctx context.Context, sessions []seenSession, height int64) ([]seenSession, error) {
	counted := make(map[string]int)
	for i := range sessions {
		session := &sessions[i]
		report := session.report
		if session.blocks == 0 && !report.Complete && height >= report.Height {
			// A session whose length is not known is shown without it.
			if members, err := o.node.Session(ctx, report.Application, report.RelayChain, report.Height); err == nil && members.ID == report.ID {
				session.blocks = members.Blocks
			}
		}
		decided := report.ChecksDone + report.ChecksVoid + report.ChecksDropped
		if last, read := o.counted[report.ID]; !read || last != decided {
			rounds, err := o.readRounds(ctx, *session)
			if exitCode(err) == ExitNotFound {
				// The session has been pruned meanwhile, or the node is too old to tell checks.
				rounds, err = session.rounds, nil
			}
			if err != nil {
				return nil, fmt.Errorf("checks of session %s: %w", report.ID, err)
			}
			session.rounds = rounds
		}
		counted[report.ID] = decided
	}
	o.counted = counted
	return sessions, nil
}

// readRounds reads the rounds that are not known yet.
func (o *observer) readRounds(ctx context.Context, session seenSession) ([]client.Round, error) {
	rounds := session.rounds
	filter := client.RoundFilter{SessionID: session.report.ID, From: firstMissing(rounds)}
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

// pace tells a chain that stands still from a slow one by the blocks that were seen.
type pace struct {
	first, height int64
	began, since  time.Time
}

// still is how long the height has not changed, when that is longer than many of the chain's blocks took; else 0.
func (p *pace) still(height int64, now time.Time) time.Duration {
	if p.began.IsZero() {
		*p = pace{first: height, height: height, began: now, since: now}
	}
	if height != p.height {
		p.height, p.since = height, now
	}
	patience := firstPatience
	if blocks := p.height - p.first; blocks > 0 {
		patience = max(stillBlocks*p.since.Sub(p.began)/time.Duration(blocks), shortestPatience)
	}
	if still := now.Sub(p.since); still > patience {
		return still
	}
	return 0
}
