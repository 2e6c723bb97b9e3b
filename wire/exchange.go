package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// MaxBodyBytes is the longest body of an answer that is read, in bytes.
const MaxBodyBytes = 1 << 20

// Bounds of an answer as it is read from the wire.
const (
	maxAnswerHeaderBytes = 16 << 10
	// maxFramingBytes is what chunked framing may add to a body, trailers included: enough for chunks of 100 bytes.
	maxFramingBytes = 128 << 10
	// readBuffer is kept with every connection; an answer's header fits as a rule.
	readBuffer = 4 << 10
	// mostInterim bounds the interim responses (1xx) before the response proper.
	mostInterim = 8
	// mostQuoted bounds a stranger's text in an error, in bytes.
	mostQuoted = 64
)

// Answer is what came back on a connection, timed where it was read.
type Answer struct {
	// Status of the HTTP response.
	Status int
	// Header of the response.
	Header http.Header
	// Body as it came, at most MaxBodyBytes.
	Body []byte
	// Held is how much room the answer has taken, in bytes; whoever lets go of the answer gives it back (Room.Leave).
	Held int
	// FirstByte and LastByte are when the first and the last byte of the response were read (monotonic). The end of the
	// stream is no byte: waiting for it is not part of the time.
	FirstByte, LastByte time.Time
	// Times of the whole exchange; the asker adds them when the exchange is over.
	Times Times

	major int // version of HTTP that the status line names
}

// Arrival is what was read of a response, complete or not.
type Arrival struct {
	// Bytes of header, body and framing, decrypted; 0 when nothing came.
	Bytes int
	// First and Last byte were read then (monotonic).
	First, Last time.Time
}

// ContentType returns the media type of the response, in lower case and without parameters; "" for none.
func (a *Answer) ContentType() string {
	contentType, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(contentType))
}

// Send writes a serialised request and returns when: the moment right before the write. The kernel sends within the
// write, but this program may be resumed long after it; on a busy machine the moment after the write can lie behind the
// answer. The deadline holds for the write and for the answer. After an error the connection must be closed; the
// request must not be sent again. Errors are *Failure.
func (c *Conn) Send(wire []byte, deadline time.Time) (time.Time, error) {
	if err := c.stream.SetDeadline(deadline); err != nil {
		return time.Time{}, brokenStream(types.Attempt_ATTEMPT_SET_DEADLINE, err)
	}
	return c.write(wire)
}

// Release is Send for many requests one after the other, on connections that are Stamped and that nobody receives from
// yet: no timer is set, no reader is woken, and nothing is waited for. Receive, called afterwards, has the deadline, and
// writes first what a far side that takes nothing has left of the request. On other connections Release is Send.
func (c *Conn) Release(wire []byte, deadline time.Time) (time.Time, error) {
	if c.stamped == nil {
		return c.Send(wire, deadline)
	}
	c.deadline, c.released = deadline, true
	c.stamped.hold()
	return c.write(wire)
}

// Used reports whether an exchange was completed on the connection.
func (c *Conn) Used() bool { return c.used }

// Stamped tells that the kernel notes when the connection sends and receives, so that an answer's time does not depend
// on when it is read.
func (c *Conn) Stamped() bool { return c.stamped != nil }

func (c *Conn) write(wire []byte) (time.Time, error) {
	if c.stamped != nil {
		c.stamped.expect(len(wire))
	}
	sent := time.Now()
	if _, err := c.stream.Write(wire); err != nil {
		return time.Time{}, brokenStream(types.Attempt_ATTEMPT_WRITE_REQUEST, err)
	}
	if c.stamped != nil {
		c.stamped.requested()
	}
	return sent, nil
}

// Receive reads one response, within the deadline given to Send. It may be called before Send: it then waits for the
// request to be sent by another goroutine. Errors are *Failure.
//
// Redirects are not followed. A body that is encoded stays so: see Answer.Unencoded and Answer.Decoded.
func (c *Conn) Receive() (*Answer, error) { return c.ReceiveInto(nil, "") }

// ReceiveInto is Receive into a room, in the name of a holder; nil is without bounds. What finds no room is cut off: a failure
// of ours that is ErrNoRoom.
func (c *Conn) ReceiveInto(room *Room, holder string) (*Answer, error) {
	if !c.begun {
		c.begin(room, holder)
	}
	c.begun = false
	return c.received(c.receive())
}

// Receiver is told once how an exchange ended: by an answer, or by an error that is a *Failure.
type Receiver interface {
	Received(answer *Answer, err error)
}

// later is an answer that is received for somebody.
type later struct {
	room   *Room
	holder string
	to     Receiver
}

// ReceiveLater is ReceiveInto after Release, on a goroutine that is not the caller's: the receiver is told by the deadline at the
// latest. No goroutine waits for an answer that comes as a whole to a connection that is Stamped: the one that all connections
// of a Dialer share reads it, so the receiver must not wait. The other methods that receive are not for use before.
func (c *Conn) ReceiveLater(room *Room, holder string, to Receiver) {
	c.later = later{room: room, holder: holder, to: to}
	if !c.released || c.secured || c.stamped.holds() {
		go c.wait()
		return
	}
	c.begin(room, holder)
	c.begun = true
	deadline := c.deadline
	if err := c.limit(); err != nil {
		c.deliver(c.received(nil, err))
		return
	}
	c.stamped.collect()
	if c.ready == nil {
		c.ready = c.receiveReady
	}
	if !c.stamped.watch(deadline, c.ready) {
		go c.wait()
	}
}

// wait receives an answer for later, however long it takes.
func (c *Conn) wait() { c.deliver(c.ReceiveInto(c.later.room, c.later.holder)) }

// receiveReady receives an answer for later that has come as a whole, or has somebody wait for the rest.
func (c *Conn) receiveReady() {
	answer, done, err := c.tryReceive()
	if !done {
		go c.wait()
		return
	}
	c.begun, c.released = false, false
	c.deliver(c.received(answer, err))
}

// deliver tells the receiver. From then on the connection is its.
func (c *Conn) deliver(answer *Answer, err error) {
	to := c.later.to
	c.later = later{}
	to.Received(answer, err)
}

// begin prepares for an answer.
func (c *Conn) begin(room *Room, holder string) {
	c.reusable = false
	c.timed.reset()
	c.meter.head(room, holder)
	if c.stamped != nil {
		c.stamped.forget()
	}
}

// received is what an answer has taken of the room.
func (c *Conn) received(answer *Answer, err error) (*Answer, error) {
	if err != nil {
		c.meter.portion.leave()
		return nil, err
	}
	answer.Held = c.meter.portion.taken
	return answer, nil
}

func (c *Conn) receive() (*Answer, error) {
	if err := c.limit(); err != nil {
		return nil, err
	}
	if c.released {
		c.released = false
		if err := c.stamped.flush(); err != nil {
			return nil, brokenStream(types.Attempt_ATTEMPT_WRITE_REQUEST, err)
		}
		c.stamped.collect()
	}
	// A parser that waits has its stack in memory for each connection, and most of it has to be made for each answer.
	if _, err := c.reader.Peek(1); err != nil {
		return nil, c.unreadable(types.Attempt_ATTEMPT_READ_RESPONSE_HEADER, err)
	}
	if answer := c.plain(); answer != nil {
		return answer, nil
	}
	return c.parsed()
}

// tryReceive receives a plain answer that is there, and reports whether nothing is left to receive.
func (c *Conn) tryReceive() (answer *Answer, done bool, err error) {
	c.stamped.hurry(true)
	_, err = c.reader.Peek(1)
	c.stamped.hurry(false)
	switch {
	case notYet(err):
		c.timed.broken = nil
		return nil, false, nil
	case err != nil:
		return nil, true, c.unreadable(types.Attempt_ATTEMPT_READ_RESPONSE_HEADER, err)
	}
	answer = c.plain()
	return answer, answer != nil, nil
}

// limit sets the deadline of a request that was released.
func (c *Conn) limit() error {
	deadline := c.deadline
	if deadline.IsZero() {
		return nil
	}
	c.deadline = time.Time{}
	if err := c.stream.SetDeadline(deadline); err != nil {
		return brokenStream(types.Attempt_ATTEMPT_SET_DEADLINE, err)
	}
	return nil
}

// plain returns the answer if it is plain and the reader's buffer has all of it; nil otherwise.
func (c *Conn) plain() *Answer {
	buffered, _ := c.reader.Peek(c.reader.Buffered())
	answer, size, ok := plainAnswer(buffered)
	if !ok {
		return nil
	}
	_, _ = c.reader.Discard(size) // they are there
	return c.answered(answer, true)
}

// parsed reads any answer.
func (c *Conn) parsed() (*Answer, error) {
	response, err := c.header()
	if err != nil {
		return nil, err
	}
	body, err := c.body(response)
	if err != nil {
		return nil, err
	}
	answer := &Answer{Status: response.StatusCode, Header: response.Header, Body: body, major: response.ProtoMajor}
	return c.answered(answer, !response.Close && response.ProtoAtLeast(1, 1) && response.StatusCode >= 200), nil
}

// answered completes an answer that was read, after which the far side may have said that it keeps the connection.
func (c *Conn) answered(answer *Answer, kept bool) *Answer {
	c.used = true
	c.reusable = c.stream.SetDeadline(time.Time{}) == nil && kept && c.reader.Buffered() == 0
	answer.FirstByte, answer.LastByte = c.timed.first, c.timed.last
	return answer
}

// Stamps gives the kernel's times of the last exchange, whether it gave an answer or not. Call it once after Send and
// Receive have both returned, before the connection is closed or used again.
func (c *Conn) Stamps() Stamps {
	if c.stamped == nil {
		return Stamps{}
	}
	return Stamps{
		Transmitted: c.stamped.transmitted(),
		FirstByte:   c.timed.firstArrival,
		LastByte:    c.timed.lastArrival,
		InOrder:     c.stamped.inOrder(),
		Taken:       time.Now(),
	}
}

// Arrival returns what the last Receive has read, whether that was an answer or not. Call it once Receive has returned,
// before the connection is used again.
func (c *Conn) Arrival() Arrival {
	return Arrival{Bytes: c.timed.bytes, First: c.timed.first, Last: c.timed.last}
}

// header reads up to the end of the response's header. Interim responses come before the response and say nothing about
// it (RFC 9110 §15.2); a switch of protocols is final.
func (c *Conn) header() (*http.Response, error) {
	const attempt = types.Attempt_ATTEMPT_READ_RESPONSE_HEADER
	for range mostInterim + 1 {
		response, err := http.ReadResponse(c.reader, nil)
		if err != nil {
			return nil, c.unreadable(attempt, err)
		}
		if response.StatusCode/100 != 1 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, nil
		}
	}
	return nil, Fail(types.Outcome_OUTCOME_MALFORMED, attempt, fmt.Errorf("more than %d interim responses", mostInterim))
}

// body reads the response's body. It is not closed: that would read on to its end, and it holds nothing but the
// connection.
func (c *Conn) body(response *http.Response) ([]byte, error) {
	if response.ContentLength > MaxBodyBytes {
		return nil, Fail(types.Outcome_OUTCOME_TOO_LARGE, types.Attempt_ATTEMPT_READ_RESPONSE, fmt.Errorf("body of %d bytes announced", response.ContentLength))
	}
	c.meter.rest(MaxBodyBytes + maxFramingBytes)
	body, err := c.readAll(response)
	if err != nil {
		return nil, c.unreadable(types.Attempt_ATTEMPT_READ_RESPONSE_BODY, err)
	}
	if len(body) > MaxBodyBytes {
		return nil, tooLong(MaxBodyBytes)
	}
	return body, nil
}

// leastBuffer is what is made for a body of unknown length at first, in bytes.
const leastBuffer = 512

// readAll reads a body into memory, and a byte more than MaxBodyBytes at most. Memory, and room for it, is taken as the bytes
// come, not as they are announced.
func (c *Conn) readAll(response *http.Response) ([]byte, error) {
	most := MaxBodyBytes + 1
	if length := response.ContentLength; length >= 0 {
		most = int(length)
	}
	body := make([]byte, 0, min(most, freeBody))
	if response.ContentLength < 0 {
		body = make([]byte, 0, leastBuffer)
	}
	for {
		n, err := response.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF), err == nil && len(body) == most:
			return body, nil
		case err != nil:
			return nil, err
		case len(body) < cap(body):
			continue
		}
		larger := min(2*cap(body), most)
		if !c.meter.portion.take(larger - max(freeBody, cap(body))) {
			return nil, ErrNoRoom
		}
		body = append(make([]byte, 0, larger), body...)
	}
}

// unreadable classifies a failure to read: our size limit, the stream, or what was in it. The parser's own error comes
// last: of a line that broke off in the middle it says that it is malformed, whatever ended it. What begins as HTTP/2 is
// named as such, however it ends.
func (c *Conn) unreadable(attempt types.Attempt, err error) error {
	switch {
	case isHTTP2(c.timed.opening[:min(c.timed.bytes, http2FrameHeader)]) && !ours(c.timed.broken):
		return Fail(types.Outcome_OUTCOME_MALFORMED, attempt, ErrHTTP2Only)
	case c.meter.full || errors.Is(err, ErrNoRoom):
		return &Failure{Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_SELF, Attempt: types.Attempt_ATTEMPT_FIND_ROOM, Err: ErrNoRoom}
	case c.meter.left <= 0:
		return Fail(types.Outcome_OUTCOME_TOO_LARGE, attempt, errors.New("more bytes than are read"))
	case errors.Is(c.timed.broken, io.EOF):
		return Fail(types.Outcome_OUTCOME_RESET, attempt, errors.New("connection closed before the answer was complete"))
	case c.timed.broken != nil:
		return brokenStream(attempt, c.timed.broken)
	default:
		return Fail(types.Outcome_OUTCOME_MALFORMED, attempt, err)
	}
}

// timedReader notes when bytes are read, when the kernel had received them, and how the stream ended.
type timedReader struct {
	source                    io.Reader
	stamped                   *stampedConn // below the source; nil when there is none
	first, last               time.Time
	firstArrival, lastArrival time.Time
	bytes                     int
	opening                   [http2FrameHeader]byte // the first bytes
	broken                    error
}

func (t *timedReader) reset() { *t = timedReader{source: t.source, stamped: t.stamped} }

func (t *timedReader) Read(p []byte) (int, error) {
	n, err := t.source.Read(p)
	if n > 0 {
		if t.bytes < len(t.opening) {
			copy(t.opening[t.bytes:], p[:n])
		}
		t.bytes += n
		t.last = time.Now()
		if t.stamped != nil {
			t.lastArrival = t.stamped.arrival()
		}
		if t.first.IsZero() {
			t.first, t.firstArrival = t.last, t.lastArrival
		}
	}
	if err != nil {
		t.broken = err
	}
	return n, err
}

// meter bounds what is read of one part of an answer, and takes room for what is not free of a header.
type meter struct {
	source *timedReader
	// left is how many bytes may be read; of these, free ones take no room.
	left, free int
	// full: there was no room for more of a header.
	full    bool
	portion portion
}

// head prepares for a header.
func (m *meter) head(room *Room, holder string) {
	m.left, m.free, m.full = maxAnswerHeaderBytes, freeHeader, false
	m.portion = portion{room: room, holder: holder}
}

// rest prepares for what follows the header, whose room is taken where it is stored.
func (m *meter) rest(most int) { m.left, m.free = most, most }

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 || m.full {
		return 0, io.EOF
	}
	n, err := m.source.Read(p[:min(len(p), m.left)])
	m.left -= n
	over := n - max(0, min(n, m.free))
	m.free -= n
	if m.full = !m.portion.take(over * headerCost); m.full {
		return 0, io.EOF
	}
	return n, err
}

// newReader stacks meter and clock under the parser's buffer.
func newReader(stream io.Reader) (*timedReader, *meter, *bufio.Reader) {
	timed := &timedReader{source: stream}
	meter := &meter{source: timed}
	return timed, meter, bufio.NewReaderSize(meter, readBuffer)
}
