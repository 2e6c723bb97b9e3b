package wire

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// told is what ReceiveLater says once.
type told struct {
	answer *Answer
	err    error
}

// receiver is a Receiver that is a function.
type receiver func(*Answer, error)

func (r receiver) Received(answer *Answer, err error) { r(answer, err) }

// receiveLater releases a request and has the answer received; it fails if that is said twice.
func receiveLater(t *testing.T, conn *Conn, far net.Conn, timeout time.Duration) <-chan told {
	t.Helper()
	release(t, conn, timeout)
	hear(t, far)
	said := make(chan told, 1)
	var times atomic.Int32
	conn.ReceiveLater(NewRoom(1<<20), "holder", receiver(func(answer *Answer, err error) {
		if times.Add(1) > 1 {
			t.Error("received twice")
			return
		}
		said <- told{answer, err}
	}))
	return said
}

// TestReceiveLater: an answer is the same however it comes, and the connection is fit for the next one.
func TestReceiveLater(t *testing.T) {
	const whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
	for name, secured := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			conn, far := stampedPair(t, "127.0.0.1:0", secured)
			for _, parts := range [][]string{{whole}, {whole}, {chunks}, {whole[:1], whole[1:]}, {whole[:30], whole[30:39], whole[39:]}, {whole}} {
				said := receiveLater(t, conn, far, time.Minute)
				for i, part := range parts {
					if i > 0 {
						awaitRead(t, conn)
						select {
						case got := <-said:
							t.Fatalf("%q: received after %d parts: %+v", parts, i, got)
						default:
						}
					}
					if _, err := io.WriteString(far, part); err != nil {
						t.Fatal(err)
					}
				}
				got := <-said
				if got.err != nil || string(got.answer.Body) != "ok" || !conn.Reusable() || conn.Arrival().Bytes == 0 {
					t.Fatalf("%q: %+v, reusable %v", parts, got, conn.Reusable())
				}
				if stamps := conn.Stamps(); stamps.Transmitted.IsZero() || stamps.LastByte.IsZero() {
					t.Errorf("%q: stamps %+v", parts, stamps)
				}
			}
		})
	}
}

// TestReceiveLaterEnds: what ends a connection, or time, ends the waiting for an answer.
func TestReceiveLaterEnds(t *testing.T) {
	for name, test := range map[string]struct {
		timeout time.Duration
		end     func(t *testing.T, conn *Conn, far net.Conn)
		outcome types.Outcome
	}{
		"time":               {50 * time.Millisecond, func(*testing.T, *Conn, net.Conn) {}, types.Outcome_OUTCOME_TIMEOUT},
		"time, in the midst": {time.Second, func(_ *testing.T, _ *Conn, far net.Conn) { _, _ = io.WriteString(far, "HTTP/1.1 200") }, types.Outcome_OUTCOME_TIMEOUT},
		"the far side":       {time.Minute, func(_ *testing.T, _ *Conn, far net.Conn) { far.Close() }, types.Outcome_OUTCOME_RESET},
		"we":                 {time.Minute, func(_ *testing.T, conn *Conn, _ net.Conn) { conn.Close() }, types.Outcome_OUTCOME_VOID},
		"no answer":          {time.Minute, func(_ *testing.T, _ *Conn, far net.Conn) { _, _ = io.WriteString(far, "no HTTP\r\n\r\n") }, types.Outcome_OUTCOME_MALFORMED},
	} {
		t.Run(name, func(t *testing.T) {
			conn, far := stampedPair(t, "127.0.0.1:0", false)
			said := receiveLater(t, conn, far, test.timeout)
			test.end(t, conn, far)
			got := <-said
			failure, ok := got.err.(*Failure)
			if !ok || failure.Outcome != test.outcome || got.answer != nil {
				t.Errorf("%+v, want outcome %v", got, test.outcome)
			}
			if conn.Reusable() {
				t.Error("the connection is fit for another exchange")
			}
		})
	}
}

// TestReceiveLaterAfterClosing: a connection that is closed already fails at once.
func TestReceiveLaterAfterClosing(t *testing.T) {
	conn, far := stampedPair(t, "127.0.0.1:0", false)
	release(t, conn, time.Minute)
	hear(t, far)
	conn.Close()
	said := make(chan error, 1)
	conn.ReceiveLater(nil, "", receiver(func(_ *Answer, err error) { said <- err }))
	if err := <-said; err == nil {
		t.Error("an answer on a closed connection")
	}
}
