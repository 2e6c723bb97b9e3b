package fisherman

import (
	"context"
	"errors"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// slot is one servicer's place in a round. The round's goroutine owns it, but for answer and failure, which belong to
// the receiver from before the release until it has ended.
type slot struct {
	servicer *types.Actor
	sealed   *relay.Sealed
	// offset is the private delay after the release.
	offset time.Duration

	conn   *relay.Conn
	phases relay.Phases
	reused bool
	// redialed: a connection was there, and died before the release.
	redialed bool
	// dialing delivers the result of a dial under way; nil when there is none.
	dialing chan dialed

	// sent is the moment of writing, and written when this program saw that it had been written.
	sent, written time.Time
	answer        *relay.Answer
	// stamps are the kernel's times of the exchange.
	stamps relay.Stamps
	// failure to connect or to receive; unsent is a failure to write, which comes first.
	failure, unsent *relay.Failure
	// remark is what is odd about an answer that counts.
	remark string
}

type dialed struct {
	conn    *relay.Conn
	failure *relay.Failure
}

// connect gives the slot a kept connection, or starts to make one. Making one may take as long as an answer may.
func (s *slot) connect(ctx context.Context, kept *links, dial Dial, timeout time.Duration) {
	url := s.servicer.GetServiceUrl()
	if s.conn = kept.take(url); s.conn != nil {
		s.reused = true
		return
	}
	result := make(chan dialed, 1)
	s.dialing = result
	go func() {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn, err := dial(ctx, url)
		result <- dialed{conn: conn, failure: failureOf("connect", err)}
	}()
}

// settle takes the result of the dial.
func (s *slot) settle(result dialed) {
	s.dialing = nil
	s.conn, s.failure = result.conn, result.failure
	if s.conn != nil {
		s.phases = s.conn.Phases
	}
}

// ready tells that the slot can be sent on.
func (s *slot) ready() bool { return s.conn != nil && s.failure == nil }

// revive replaces a connection that died while it waited for the release, and tells whether it did; never after the
// request was written.
func (s *slot) revive(ctx context.Context, kept *links, dial Dial, timeout time.Duration) bool {
	if !s.ready() || s.conn.Alive() {
		return false
	}
	s.conn.Close()
	s.conn, s.reused = nil, false
	s.connect(ctx, kept, dial, timeout)
	return true
}

// early tells that somebody has to wait for the answer from before the request is sent, because the time of reading is
// all there is. Where the kernel notes the time, readers that wake up during the release would only hold it up.
func (s *slot) early() bool { return !s.conn.Stamped() }

// send writes the request and notes when.
func (s *slot) send(deadline time.Time) {
	sent, err := s.conn.Release(s.sealed.Wire, deadline)
	if err != nil {
		s.unsent = failureOf("write request", err)
		s.conn.Close() // ends the receiver
		return
	}
	s.sent, s.written = sent, time.Now()
}

// receive waits for the answer; it runs in a goroutine of its own.
func (s *slot) receive() {
	answer, err := s.conn.Receive()
	s.answer, s.failure = answer, failureOf("read answer", err)
}

// times of the exchange, once it is over.
func (s *slot) times() relay.Times { return relay.TimesOf(s.sent, s.written, s.answer, s.stamps) }

// clean tells that the exchange left the connection fit for another one. An answer that began before it was asked for
// leaves one that nobody can tell apart from the next.
func (s *slot) clean() bool {
	return s.failure == nil && s.unsent == nil && s.conn.Reusable() && !s.times().Anticipated()
}

// failureOf finds the failure in an error; one that carries none is a fault of this program, so nobody else's.
func failureOf(attempt string, err error) *relay.Failure {
	if err == nil {
		return nil
	}
	var failure *relay.Failure
	if !errors.As(err, &failure) {
		return ownFailure(attempt, err)
	}
	return failure
}

func ownFailure(attempt string, err error) *relay.Failure {
	return &relay.Failure{
		Outcome: types.Outcome_OUTCOME_VOID,
		Blame:   types.Blame_BLAME_SELF,
		Attempt: attempt,
		Err:     err,
	}
}
