package wire

import (
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Any stream carries an exchange, in virtual time too: the asker goes by its own clock, as there are no stamps.
func TestOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			for range 2 {
				if _, err := io.ReadFull(far, make([]byte, len("request"))); err != nil {
					return
				}
				time.Sleep(3 * time.Second)
				if _, err := io.WriteString(far, ok+"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"); err != nil {
					return
				}
			}
		}()
		conn := Over(near)
		if conn.Stamped() || !conn.Alive() || conn.Reusable() || conn.Phases != (Phases{}) {
			t.Errorf("stamped %t, alive %t, reusable %t, phases %+v", conn.Stamped(), conn.Alive(), conn.Reusable(), conn.Phases)
		}
		for range 2 {
			sent, err := conn.Release([]byte("request"), time.Now().Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := conn.Receive()
			if err != nil {
				t.Fatal(err)
			}
			times := TimesOf(sent, sent, answer, conn.Stamps())
			if answer.Status != http.StatusOK || string(answer.Body) != "hi" || answer.ContentType() != "text/plain" || !conn.Reusable() || !conn.Alive() ||
				times.RoundTrip() != 3*time.Second || times.TimeToFirstByte() != 3*time.Second || times.Source() != types.TimingSource_TIMING_SOURCE_USER_SPACE || times.Anticipated() {
				t.Errorf("%+v: %+v", answer, times)
			}
		}
		if _, err := conn.Release([]byte("request"), time.Now().Add(time.Minute)); err == nil {
			if _, err = conn.Receive(); err == nil {
				t.Error("an answer of a stream that has ended")
			}
		}
		conn.Close()
	})
}

// A far side that takes nothing ends the write with the deadline.
func TestOverAStreamThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := pipe(t)
		started := time.Now()
		sent, err := conn.Release([]byte("request"), started.Add(5*time.Second))
		failure, _ := errors.AsType[*Failure](err)
		if failure == nil || failure.Outcome != types.Outcome_OUTCOME_TIMEOUT || failure.Blame != types.Blame_BLAME_SERVICER || time.Since(started) != 5*time.Second || !sent.IsZero() {
			t.Errorf("%v after %v", err, time.Since(started))
		}
	})
}
