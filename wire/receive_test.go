package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// pipe is a connection whose far side is in the test's hands.
func pipe(t testing.TB) (*Conn, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	return Over(near), far
}

// untimed takes deadlines like a socket, even when the far side has closed.
type untimed struct{ net.Conn }

func (untimed) SetDeadline(time.Time) error { return nil }

// receive reads one answer from a far side that says some bytes and then hangs up.
func receive(t testing.TB, wire []byte) (*Conn, *Answer, *Failure) {
	t.Helper()
	conn, far := pipe(t)
	conn.stream = untimed{conn.stream}
	said := make(chan struct{})
	go func() {
		defer close(said)
		far.Write(wire)
		far.Close()
	}()
	answer, err := conn.Receive()
	conn.Close()
	<-said
	if err == nil {
		return conn, answer, nil
	}
	failure, ok := errors.AsType[*Failure](err)
	if !ok || answer != nil {
		t.Fatalf("both or no failure: %v, %v", answer, err)
	}
	return conn, nil, failure
}

const ok = "HTTP/1.1 200 OK\r\n"

// chunked frames a body in chunks of one size.
func chunked(body string, size int) string {
	var framed strings.Builder
	for len(body) > 0 {
		n := min(size, len(body))
		fmt.Fprintf(&framed, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return framed.String() + "0\r\n\r\n"
}

func TestReceiveAnswers(t *testing.T) {
	full := strings.Repeat("x", MaxBodyBytes)
	headerOf := func(size int) string {
		rest := "Content-Length: 2\r\nX: \r\n\r\n"
		return ok + strings.Replace(rest, "X: ", "X: "+strings.Repeat("y", size-len(ok)-len(rest)), 1)
	}
	for name, test := range map[string]struct {
		wire     string
		status   int
		body     string
		reusable bool
	}{
		"length":                {ok + "Content-Length: 2\r\n\r\nhi", 200, "hi", true},
		"no body":               {ok + "Content-Length: 0\r\n\r\n", 200, "", true},
		"no content":            {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
		"chunks":                {ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", 200, "hi", true},
		"chunks and trailer":    {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n", 200, "hi", true},
		"chunks before length":  {ok + "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, "hi", true},
		"same length twice":     {ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", true},
		"until the end":         {ok + "\r\nhi", 200, "hi", false},
		"close announced":       {ok + "Connection: close\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
		"trailing garbage":      {ok + "Content-Length: 2\r\n\r\nhi!", 200, "hi", false},
		"two answers":           {ok + "Content-Length: 2\r\n\r\nhi" + ok + "Content-Length: 2\r\n\r\nho", 200, "hi", false},
		"HTTP/1.0":              {"HTTP/1.0 200 OK\r\n\r\nhi", 200, "hi", false},
		"HTTP/1.0 with length":  {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
		"bare line feeds":       {"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, "hi", true},
		"interim first":         {"HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nhi", 200, "hi", true},
		"most interim":          {strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", mostInterim) + ok + "Content-Length: 2\r\n\r\nhi", 200, "hi", true},
		"switching protocols":   {"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101, "", false},
		"status 0":              {"HTTP/1.1 000 Nothing\r\nContent-Length: 2\r\n\r\nhi", 0, "hi", false},
		"status 999":            {"HTTP/1.1 999 Blocked\r\nContent-Length: 2\r\n\r\nhi", 999, "hi", true},
		"redirect":              {"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 307, "", true},
		"largest header":        {headerOf(maxAnswerHeaderBytes) + "hi", 200, "hi", true},
		"largest body":          {ok + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(full)) + full, 200, full, true},
		"largest until the end": {ok + "\r\n" + full, 200, full, false},
		"largest in chunks":     {ok + "Transfer-Encoding: chunked\r\n\r\n" + chunked(full, 2048), 200, full, true},
		"content encoding":      {ok + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", true},
		"largest in small ones": {ok + "Transfer-Encoding: chunked\r\n\r\n" + chunked(full, 100), 200, full, true},
	} {
		conn, answer, failure := receive(t, []byte(test.wire))
		switch {
		case failure != nil:
			t.Errorf("%s: %v %v", name, failure.Outcome, failure)
		case answer.Status != test.status || string(answer.Body) != test.body || conn.Reusable() != test.reusable:
			t.Errorf("%s: status %d, body of %d bytes, reusable %t", name, answer.Status, len(answer.Body), conn.Reusable())
		case answer.FirstByte.IsZero() || answer.LastByte.Before(answer.FirstByte):
			t.Errorf("%s: first byte %v, last byte %v", name, answer.FirstByte, answer.LastByte)
		}
	}
}

func TestReceiveFailures(t *testing.T) {
	over := strings.Repeat("x", MaxBodyBytes+1)
	const reset, malformed, tooLarge = types.Outcome_OUTCOME_RESET, types.Outcome_OUTCOME_MALFORMED, types.Outcome_OUTCOME_TOO_LARGE
	for name, test := range map[string]struct {
		wire string
		want types.Outcome
	}{
		"nothing":                 {"", reset},
		"header cut":              {ok + "Content-Le", reset},
		"only interim":            {"HTTP/1.1 100 Continue\r\n\r\n", reset},
		"body cut":                {ok + "Content-Length: 3\r\n\r\nhi", reset},
		"chunk cut":               {ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nhi", reset},
		"last chunk missing":      {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", reset},
		"garbage":                 {"\xff\xfe\x00 garbage\r\n\r\n", malformed},
		"another protocol":        {"SSH-2.0-OpenSSH_9.6\r\n", malformed},
		"status line cut":         {"HTTP/1.1 20", reset},
		"TLS alert":               {"\x15\x03\x01\x00\x02\x02\x46", reset},
		"garbage in a chunk":      {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhixx", malformed},
		"no colon":                {ok + "what \x1b[2J\xff\r\n\r\n", malformed},
		"length of words":         {ok + "Content-Length: two\r\n\r\nhi", malformed},
		"negative length":         {ok + "Content-Length: -2\r\n\r\nhi", malformed},
		"two lengths":             {ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!", malformed},
		"endless length":          {ok + "Content-Length: 99999999999999999999\r\n\r\n", malformed},
		"unknown transfer coding": {ok + "Transfer-Encoding: gzip\r\n\r\nhi", malformed},
		"chunk of words":          {ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n", malformed},
		"too many interim":        {strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", mostInterim+1) + ok + "\r\n", malformed},
		"length announced":        {ok + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(over)), tooLarge},
		"endless header":          {ok + "X: " + strings.Repeat("y", maxAnswerHeaderBytes) + "\r\n\r\n", tooLarge},
		"endless headers":         {ok + strings.Repeat("X: y\r\n", maxAnswerHeaderBytes/6) + "\r\n", tooLarge},
		"endless status":          {"HTTP/1.1 200 " + strings.Repeat("y", maxAnswerHeaderBytes), tooLarge},
		"body above":              {ok + "\r\n" + over, tooLarge},
		"chunks above":            {ok + "Transfer-Encoding: chunked\r\n\r\n" + chunked(over, 4096), tooLarge},
		"one chunk above":         {ok + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n", 1<<40) + over, tooLarge},
		"endless trailer":         {ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: y\r\n", MaxBodyBytes/4), malformed},
		"endless trailer line":    {ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + over + over, malformed},
	} {
		conn, answer, failure := receive(t, []byte(test.wire))
		switch {
		case failure == nil:
			t.Errorf("%s: answer of status %d", name, answer.Status)
		case failure.Outcome != test.want || failure.Blame != types.Blame_BLAME_SERVICER:
			t.Errorf("%s: %v, %v: %v", name, failure.Outcome, failure.Blame, failure)
		case conn.Reusable():
			t.Errorf("%s: the connection is reusable", name)
		}
	}
}

// A chunk of each byte has more framing than content; it is given up long before its end.
func TestChunkFlood(t *testing.T) {
	_, answer, failure := receive(t, []byte(ok+"Transfer-Encoding: chunked\r\n\r\n"+chunked(strings.Repeat("x", MaxBodyBytes/2), 1)))
	if answer != nil || failure.Blame != types.Blame_BLAME_SERVICER || failure.Outcome != types.Outcome_OUTCOME_MALFORMED && failure.Outcome != types.Outcome_OUTCOME_TOO_LARGE {
		t.Errorf("%v, %v", answer, failure)
	}
}

// A body that is announced as too large is not waited for.
func TestAnnouncedBodyIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, far := pipe(t)
		go far.Write(fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", ok, 1<<40))
		started := time.Now()
		conn.stream.SetDeadline(started.Add(time.Minute))
		_, err := conn.Receive()
		failure, _ := errors.AsType[*Failure](err)
		if failure == nil || failure.Outcome != types.Outcome_OUTCOME_TOO_LARGE || time.Since(started) > 0 {
			t.Errorf("%v after %v", err, time.Since(started))
		}
	})
}

// say lets the far side say its parts, each at its second, until nobody listens.
func say(far net.Conn, parts ...string) {
	for _, part := range parts {
		time.Sleep(time.Second)
		if _, err := io.WriteString(far, part); err != nil {
			return
		}
	}
}

func TestReceiveIsTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, far := pipe(t)
		started := time.Now()
		go func() {
			say(far, "HTTP/1.1 100 Continue\r\n\r\n", ok+"\r\n", "h", "i")
			time.Sleep(10 * time.Second)
			far.Close()
		}()
		conn.stream.SetDeadline(started.Add(time.Minute))
		answer, err := conn.Receive()
		if err != nil {
			t.Fatal(err)
		}
		first, last := answer.FirstByte.Sub(started), answer.LastByte.Sub(started)
		if first != time.Second || last != 4*time.Second || time.Since(started) != 14*time.Second || string(answer.Body) != "hi" {
			t.Errorf("first byte after %v, last after %v, received after %v: %q", first, last, time.Since(started), answer.Body)
		}
	})
}

func TestDrippingEndsWithTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, parts := range map[string][]string{
			"header": strings.Split(ok+"Content-Length: 2\r\n\r\nhi", ""),
			"body":   append([]string{ok + "Content-Length: 1000\r\n\r\n"}, strings.Split(strings.Repeat("x", 1000), "")...),
		} {
			conn, far := pipe(t)
			go func() { io.Copy(io.Discard, far) }()
			said := make(chan struct{})
			go func() { say(far, parts...); close(said) }()
			started := time.Now()
			received := make(chan error)
			go func() {
				_, err := conn.Receive()
				received <- err
			}()
			if _, err := conn.Send([]byte("request"), started.Add(5*time.Second)); err != nil {
				t.Fatal(err)
			}
			failure, _ := errors.AsType[*Failure](<-received)
			if failure == nil || failure.Outcome != types.Outcome_OUTCOME_TIMEOUT || failure.Blame != types.Blame_BLAME_SERVICER || time.Since(started) != 5*time.Second {
				t.Errorf("%s: %v after %v", name, failure, time.Since(started))
			}
			conn.Close()
			<-said
			far.Close()
		}
	})
}

// The deadline of one exchange must not end the next, whose receiver waits before anything is sent.
func TestKeptConnectionForgetsTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, far := pipe(t)
		go func() {
			request := make([]byte, 7)
			for range 3 {
				if _, err := io.ReadFull(far, request); err != nil {
					return
				}
				say(far, ok+"Content-Length: 2\r\n\r\nhi")
			}
		}()
		for range 3 {
			received := make(chan error)
			go func() {
				_, err := conn.Receive()
				received <- err
			}()
			time.Sleep(time.Hour)
			if _, err := conn.Send([]byte("request"), time.Now().Add(2*time.Second)); err != nil {
				t.Fatal(err)
			}
			if err := <-received; err != nil || !conn.Reusable() {
				t.Fatalf("%v, reusable %t", err, conn.Reusable())
			}
		}
		far.Close()
	})
}

func TestFailedExchangeIsNotReusable(t *testing.T) {
	conn, far := pipe(t)
	go io.WriteString(far, ok+"Content-Length: 2\r\n\r\nhi")
	if _, err := conn.Receive(); err != nil || !conn.Reusable() {
		t.Fatalf("%v, reusable %t", err, conn.Reusable())
	}
	go far.Close()
	if _, err := conn.Receive(); err == nil || conn.Reusable() {
		t.Errorf("%v, reusable %t", err, conn.Reusable())
	}
}

// What we close or cancel ourselves speaks against nobody.
func TestOwnClosing(t *testing.T) {
	conn, _ := pipe(t)
	conn.Close()
	_, received := conn.Receive()
	conn, _ = tcpPair(t)
	conn.Close()
	_, sent := conn.Send([]byte("request"), time.Now().Add(time.Second))
	for _, err := range []error{received, sent} {
		// A pipe says io.ErrClosedPipe, which no socket does.
		failure, _ := errors.AsType[*Failure](err)
		if failure == nil || !errors.Is(err, io.ErrClosedPipe) && (failure.Blame != types.Blame_BLAME_SELF || failure.Outcome != types.Outcome_OUTCOME_VOID) {
			t.Errorf("%v", err)
		}
	}
}

func TestDialCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, serviceURL := range []string{"http://127.0.0.1:9", "https://localhost:9", "http://name.invalid"} {
		_, err := (&Dialer{AllowPrivate: true}).Dial(ctx, serviceURL)
		failure, _ := errors.AsType[*Failure](err)
		if failure == nil || failure.Blame != types.Blame_BLAME_SELF || failure.Outcome != types.Outcome_OUTCOME_VOID {
			t.Errorf("%s: %v", serviceURL, err)
		}
	}
}

func FuzzReceive(f *testing.F) {
	for _, seed := range []string{
		"", ok, ok + "\r\nhi", ok + "Content-Length: 2\r\n\r\nhi", ok + "Transfer-Encoding: chunked\r\n\r\n" + chunked("hello", 2),
		"HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n", "HTTP/1.0 500 no\r\nConnection: keep-alive\r\n\r\n",
		ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", ok + "Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nhi",
	} {
		f.Add([]byte(seed), uint8(0))
		f.Add([]byte(seed), uint8(200))
	}
	f.Fuzz(func(t *testing.T, wire []byte, flood uint8) {
		// The last bytes again and again, to find what is not bounded.
		if tail := wire[max(0, len(wire)-8):]; len(tail) > 0 {
			wire = append(bytes.Clone(wire), bytes.Repeat(tail, int(flood)<<5)...)
		}
		conn, answer, failure := receive(t, wire)
		if failure != nil {
			if failure.Blame != types.Blame_BLAME_SERVICER || conn.Reusable() {
				t.Fatalf("%v, reusable %t: %v", failure.Blame, conn.Reusable(), failure)
			}
			return
		}
		if len(answer.Body) > MaxBodyBytes || len(answer.Body) > len(wire) || answer.LastByte.Before(answer.FirstByte) || answer.FirstByte.IsZero() {
			t.Fatalf("status %d, %d bytes, %v, %v", answer.Status, len(answer.Body), answer.FirstByte, answer.LastByte)
		}
	})
}
