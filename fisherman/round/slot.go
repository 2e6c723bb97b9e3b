package round

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// slot is one servicer's part of a round. The round's goroutine owns it, but for answer and failure, which belong to
// the receiver from before the release until it has ended.
type slot struct {
	servicer *types.Actor
	request  Request
	// offset is the private delay after the release.
	offset time.Duration

	conn   *wire.Conn
	phases wire.Phases
	// place is where the connection leads to.
	place  string
	reused bool
	// redialed: a connection was there, and died before the release.
	redialed bool
	// late is set when the connection was made after the release.
	late *judge.LateConnection
	// lateBefore is how often the servicer had been late when the connection began to be made.
	lateBefore int
	// kept: the connection had served another exchange.
	kept bool
	// dialing delivers the result of a dial under way; nil when there is none.
	dialing chan dialed

	// sent is the moment of writing, and written when this program saw that it had been written.
	sent, written time.Time
	answer        *wire.Answer
	// receivers has one for the answer, while that is received among others.
	receivers *sync.WaitGroup
	// times of the exchange and the transmission that follows from them, and what was read of an answer, complete or not;
	// once the exchange is over.
	times       wire.Times
	transmitted time.Time
	stamped     bool
	arrival     wire.Arrival
	// failure to connect or to receive; unsent is a failure to write, which comes first.
	failure, unsent *wire.Failure
}

type dialed struct {
	conn    *wire.Conn
	failure *wire.Failure
}

// url returns the service URL, which names the connection.
func (s *slot) url() string { return s.servicer.GetServiceUrl() }

// reuse takes a connection that was kept.
func (s *slot) reuse(conn *wire.Conn) {
	s.conn, s.reused, s.kept, s.place = conn, true, conn.Used(), conn.Place
}

// dial starts to make a connection. It may take as long as an answer may.
func (s *slot) dial(ctx context.Context, kept *wire.Pool, dial Dial, timeout time.Duration) {
	s.kept, s.lateBefore = false, kept.Late(s.url())
	kept.Begin(s.url())
	result := make(chan dialed, 1)
	s.dialing = result
	go func() {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn, err := dial(ctx, s.url())
		result <- dialed{conn: conn, failure: failureOf(types.Attempt_ATTEMPT_CONNECT, err)}
	}()
}

// settle takes the result of the dial.
func (s *slot) settle(pool *wire.Pool, result dialed) {
	s.dialing = nil
	s.conn, s.failure = result.conn, result.failure
	if s.conn == nil {
		pool.Drop(s.url(), nil)
		return
	}
	s.phases, s.place = s.conn.Phases, s.conn.Place
	pool.Made(s.url(), s.phases.Total())
}

// ready reports whether the request can be sent.
func (s *slot) ready() bool { return s.conn != nil && s.failure == nil }

// reconnect replaces a connection that died while it waited for the release; never after the request was written.
func (s *slot) reconnect(ctx context.Context, pool *wire.Pool, dial Dial, timeout time.Duration, cold bool) {
	pool.Drop(s.url(), s.conn)
	s.conn, s.reused, s.redialed = nil, false, true
	if !cold {
		if kept := pool.Take(s.url()); kept != nil {
			s.reuse(kept)
			return
		}
	}
	s.dial(ctx, pool, dial, timeout)
}

// early reports whether a receiver has to wait for the answer from before the request is sent, because the time of
// reading is all there is. Where the kernel notes the time, receivers that wake up during the release would only hold it
// up.
func (s *slot) early() bool { return !s.conn.Stamped() }

// send writes the request and notes when.
func (s *slot) send(deadline time.Time) {
	sent, err := s.conn.Release(s.request.Wire(), deadline)
	if err != nil {
		s.unsent = failureOf(types.Attempt_ATTEMPT_WRITE_REQUEST, err)
		s.conn.Close() // ends the receiver
		return
	}
	s.sent, s.written = sent, time.Now()
}

// receive waits for the answer, and reads it into a room; it runs in a goroutine of its own.
func (s *slot) receive(room *wire.Room) {
	answer, err := s.conn.ReceiveInto(room, s.url())
	s.answer, s.failure = answer, failureOf(types.Attempt_ATTEMPT_READ_ANSWER, err)
}

// receiveLater has the answer received while others are, as one of some receivers.
func (s *slot) receiveLater(room *wire.Room, receivers *sync.WaitGroup) {
	s.receivers = receivers
	receivers.Add(1)
	s.conn.ReceiveLater(room, s.url(), s)
}

// Received implements wire.Receiver.
func (s *slot) Received(answer *wire.Answer, err error) {
	s.answer, s.failure = answer, failureOf(types.Attempt_ATTEMPT_READ_ANSWER, err)
	s.receivers.Done()
}

// end notes how the exchange went, once it is over.
func (s *slot) end(stamps wire.Stamps, arrival wire.Arrival) {
	s.times, s.arrival = wire.TimesOf(s.sent, s.written, s.answer, stamps), arrival
	s.transmitted, s.stamped = s.times.Transmission()
}

// clean reports whether the exchange left the connection fit for another one. After an answer that began before it was
// asked for, the next answer could not be told from the rest of this one.
func (s *slot) clean() bool {
	return s.failure == nil && s.unsent == nil && s.conn.Reusable() && !s.times.Anticipated()
}

// arrived returns what came of an answer, and when, after the release.
func (s *slot) arrived(released time.Time) judge.Arrival {
	first, last := s.arrival.First, s.arrival.Last
	switch {
	case s.arrival.Bytes == 0:
		return judge.Arrival{}
	case s.answer != nil:
		first, last = s.transmitted.Add(s.times.TimeToFirstByte()), s.transmitted.Add(s.times.RoundTrip())
	}
	return judge.Arrival{Bytes: s.arrival.Bytes, First: first.Sub(released), Last: last.Sub(released)}
}

// openable returns the answer that is to be opened; nil for none.
func (s *slot) openable() *wire.Answer {
	if s.unsent != nil || s.failure != nil {
		return nil
	}
	return s.answer
}

// observe returns what passed on the slot, its answer opened.
func (s *slot) observe() judge.Exchange {
	exchange := judge.Exchange{
		Servicer:   s.servicer.GetAddress(),
		ServiceURL: s.url(),
		Operator:   s.servicer.GetOperator(),
		Place:      s.place,
		Reused:     s.reused,
		DNS:        s.phases.DNS,
		Connect:    s.phases.Connect,
		TLS:        s.phases.TLS,
		Late:       s.late,
		Responded:  s.responded(),
		Failure:    s.failure,
		Times:      judge.Times{Sent: s.transmitted, SentStamped: s.stamped, Writing: s.written.Sub(s.sent)},
	}
	switch {
	case s.unsent != nil:
		exchange.Failure = s.unsent
	case s.answer == nil && s.failure == nil:
		exchange.Failure = own(types.Attempt_ATTEMPT_EXCHANGE, errors.New("not asked"))
	}
	if s.openable() == nil {
		return exchange
	}
	exchange.Times.Source = s.times.Source()
	exchange.Times.RoundTrip, exchange.Times.UserRoundTrip = s.times.RoundTrip(), s.times.UserRoundTrip()
	exchange.Times.FirstByte = s.times.TimeToFirstByte()
	s.answer.Times = s.times
	reply, rejected := s.request.Open(s.answer)
	exchange.Status, exchange.Payload, exchange.Remark, exchange.Rejected = reply.Status, reply.Payload, reply.Remark, rejected
	exchange.Request, exchange.Response = s.request.Evidence(), s.answer.Body
	if reply.Kept != nil {
		exchange.Response = reply.Kept
	}
	return exchange
}

// responded reports whether something came back from the far side during this check: bytes, a new connection, or its refusal.
func (s *slot) responded() bool {
	switch {
	case s.arrival.Bytes > 0 || s.late != nil:
		return true
	case s.failure == nil:
		return s.phases.Connect > 0
	}
	return s.phases.Connect > 0 || s.failure.Outcome == types.Outcome_OUTCOME_TLS || errors.Is(s.failure, syscall.ECONNREFUSED)
}

// failureOf finds the failure in an error; one that carries none is a fault of this program.
func failureOf(attempt types.Attempt, err error) *wire.Failure {
	if err == nil {
		return nil
	}
	var failure *wire.Failure
	if !errors.As(err, &failure) {
		return own(attempt, err)
	}
	return failure
}

func own(attempt types.Attempt, err error) *wire.Failure {
	return &wire.Failure{Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_SELF, Attempt: attempt, Err: err}
}
