package feed

import (
	"context"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/feed/outbox"
)

// State is how publishing goes.
type State uint8

// States.
const (
	// StateStarting: nothing is known yet.
	StateStarting State = iota
	// StatePublishing: what is stored is published.
	StatePublishing
	// StateUnreachable: no server of NATS answers.
	StateUnreachable
	// StateRefused: the server refuses the credentials.
	StateRefused
	// StateTLS: the TLS handshake fails.
	StateTLS
	// StateNoJetStream: the server has no JetStream for us.
	StateNoJetStream
	// StateStream: the stream is not as it has to be.
	StateStream
	// StateFull: the stream, or the server's disk, is full.
	StateFull
	// StateUnanswered: there is a connection, and messages are not acknowledged.
	StateUnanswered
	// StateStore: the local store fails.
	StateStore
)

// String returns the state as the API and metrics name it.
func (s State) String() string {
	names := [...]string{"starting", "publishing", "unreachable", "refused", "tls", "no_jetstream", "stream", "full", "unanswered", "store"}
	return names[s]
}

// States returns all states.
func States() []State {
	all := make([]State, StateStore+1)
	for i := range all {
		all[i] = State(i)
	}
	return all
}

func stateOf(problem broker.Problem) State {
	switch problem {
	case broker.ProblemRefused:
		return StateRefused
	case broker.ProblemTLS:
		return StateTLS
	}
	return StateUnreachable
}

// Counts are of this process.
type Counts struct {
	// Published counts statements that were acknowledged, Gaps those of them that say that rounds are missing.
	Published, Gaps uint64
	// Resent counts statements that were sent once more, Refused those that the server refused; the same one counts each time.
	Resent, Refused uint64
	// MissingRounds counts the rounds that gaps said are missing.
	MissingRounds uint64
	// Foreign counts statements that the stream had although this process had not published them.
	Foreign uint64
}

// Status is how publishing goes.
type Status struct {
	State State
	// Reason is why nothing is published, for people; empty while something is.
	Reason string
	// Since is when the state began.
	Since time.Time
	Counts
	// Waiting is what waits to be published.
	Waiting outbox.Stats
}

type status struct {
	mu     sync.Mutex
	state  State
	reason string
	since  time.Time
	counts Counts
}

func (s *status) to(state State, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != state || s.since.IsZero() {
		s.since = time.Now()
	}
	s.state, s.reason = state, reason
}

func (s *status) count(change func(*Counts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.counts)
}

// Status returns how publishing goes.
func (p *Publisher) Status(ctx context.Context) Status {
	waiting, _ := p.config.Outbox.OutboxStats(ctx) // nothing, while the store fails
	s := &p.status
	s.mu.Lock()
	defer s.mu.Unlock()
	return Status{State: s.state, Reason: s.reason, Since: s.since, Counts: s.counts, Waiting: waiting}
}

// Address returns where the embedded server listens; empty without one.
func (p *Publisher) Address() string {
	if p.embedded == nil {
		return ""
	}
	return p.embedded.Address()
}

// Place returns the name of the vantage point.
func (p *Publisher) Place() string { return p.config.Place }

// Stream returns the name of the stream.
func (p *Publisher) Stream() string { return p.config.Stream.Name }
