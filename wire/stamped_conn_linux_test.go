package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	askedFor = "a request of 24 bytes..."
	hiAnswer = ok + "Content-Length: 2\r\n\r\nhi"
)

// stampedPair is a connection with the kernel's stamps, over TLS or not, and its far side, once the kernel gives them:
// it begins a moment after it was asked for them first.
func stampedPair(t *testing.T, address string, secured bool) (*Conn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("no address %s here: %v", address, err)
	}
	defer listener.Close()
	dialer, serviceURL := &Dialer{AllowPrivate: true}, "http://"+listener.Addr().String()
	if secured {
		loan := httptest.NewTLSServer(nil)
		defer loan.Close()
		dialer.RootCAs = x509.NewCertPool()
		dialer.RootCAs.AddCert(loan.Certificate())
		listener = tls.NewListener(listener, &tls.Config{Certificates: loan.TLS.Certificates})
		serviceURL = "https://" + listener.Addr().String()
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		far, err := listener.Accept()
		if handshaker, ok := far.(*tls.Conn); ok {
			err = errors.Join(err, handshaker.Handshake())
		}
		if err != nil {
			close(accepted)
			return
		}
		accepted <- far
	}()
	conn, err := dialer.Dial(t.Context(), serviceURL)
	if err != nil {
		t.Fatal(err)
	}
	far := <-accepted
	t.Cleanup(func() { conn.Close(); far.Close() })
	if !conn.Stamped() {
		t.Skip("the kernel refuses to stamp TCP connections here")
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		if _, stamps := exchangeOn(t, conn, far); !stamps.LastByte.IsZero() {
			return conn, far
		}
		if time.Now().After(deadline) {
			t.Skip("the kernel takes the option and stamps nothing")
		}
	}
}

// hear reads the request at the far side.
func hear(t *testing.T, far net.Conn) {
	t.Helper()
	far.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadFull(far, make([]byte, len(askedFor))); err != nil {
		t.Error(err)
	}
}

func release(t *testing.T, conn *Conn, timeout time.Duration) (sent, deadline time.Time) {
	t.Helper()
	deadline = time.Now().Add(timeout)
	sent, err := conn.Release([]byte(askedFor), deadline)
	if err != nil {
		t.Fatal(err)
	}
	return sent, deadline
}

// exchangeOn carries out one exchange, and gives its times.
func exchangeOn(t *testing.T, conn *Conn, far net.Conn) (Times, Stamps) {
	t.Helper()
	sent, _ := release(t, conn, 5*time.Second)
	written := time.Now()
	go func() { hear(t, far); io.WriteString(far, hiAnswer) }()
	answer, err := conn.Receive()
	if err != nil {
		t.Fatal(err)
	}
	stamps := conn.Stamps()
	return TimesOf(sent, written, answer, stamps), stamps
}

var stampedVariants = map[string]struct {
	address string
	secured bool
}{
	"plain":         {"127.0.0.1:0", false},
	"TLS":           {"127.0.0.1:0", true},
	"IPv6":          {"[::1]:0", false},
	"TLS over IPv6": {"[::1]:0", true},
}

// disturbed reports whether this machine held up a reading of its clocks, or the sending, so that the stamps of an
// exchange are rightly not believed.
func disturbed(times Times) bool {
	sentAt := times.own(times.Kernel.Transmitted)
	return times.Step.Abs() > clockTolerance || sentAt.After(times.Written.Add(heldLimit))
}

// checkStamped checks the stamps of one exchange by themselves, which holds on a busy machine too, and that they are
// believed unless the exchange was disturbed.
func checkStamped(t *testing.T, times Times) {
	t.Helper()
	kernel := times.Kernel
	if kernel.Transmitted.IsZero() || kernel.Transmitted.Before(times.Sent.Round(0).Add(-clockTolerance)) || kernel.FirstByte.Before(kernel.Transmitted) ||
		kernel.LastByte.Before(kernel.FirstByte) || kernel.LastByte.After(times.LastByte.Round(0).Add(clockTolerance)) || !kernel.InOrder {
		t.Errorf("stamps of %+v", times)
	}
	at, stamped := times.Transmission()
	if disturbed(times) {
		t.Logf("disturbed: %+v", times)
		return
	}
	if times.Source() != types.TimingSource_TIMING_SOURCE_KERNEL || !stamped || at.Before(times.Sent.Add(-clockTolerance)) ||
		times.RoundTrip() <= 0 || times.RoundTrip() > times.UserRoundTrip()+clockTolerance || times.TimeToFirstByte() > times.RoundTrip() || times.Anticipated() {
		t.Errorf("%v: %+v", times.Source(), times)
	}
}

func TestKernelStampsOnLoopback(t *testing.T) {
	for name, test := range stampedVariants {
		t.Run(name, func(t *testing.T) {
			conn, far := stampedPair(t, test.address, test.secured)
			for range 5 {
				times, _ := exchangeOn(t, conn, far)
				checkStamped(t, times)
				if !conn.Reusable() || !conn.Alive() {
					t.Errorf("reusable %t, alive %t", conn.Reusable(), conn.Alive())
				}
			}
		})
	}
}

// A reader that comes late sees the network's time and not its own.
func TestHeldUpReader(t *testing.T) {
	for name, test := range stampedVariants {
		t.Run(name, func(t *testing.T) {
			conn, far := stampedPair(t, test.address, test.secured)
			sent, _ := release(t, conn, 5*time.Second)
			written := time.Now()
			hear(t, far)
			io.WriteString(far, hiAnswer)
			awaitBytes(t, conn)
			arrived := time.Now()
			other, _ := tcpPair(t) // something else to do
			other.Close()
			answer, err := conn.Receive()
			if err != nil {
				t.Fatal(err)
			}
			times := TimesOf(sent, written, answer, conn.Stamps())
			checkStamped(t, times)
			if times.Kernel.LastByte.After(arrived.Round(0)) || times.UserRoundTrip() <= arrived.Sub(sent) {
				t.Errorf("stamped at %v, by user space %v, arrived after %v: %+v", times.Kernel.LastByte, times.UserRoundTrip(), arrived.Sub(sent), times)
			}
			if !disturbed(times) && times.RoundTrip() > arrived.Sub(sent) {
				t.Errorf("RTT %v, arrived after %v: %+v", times.RoundTrip(), arrived.Sub(sent), times)
			}
		})
	}
}

// passed waits for a moment.
func passed(t *testing.T, moment time.Time) {
	t.Helper()
	ctx, cancel := context.WithDeadline(t.Context(), moment)
	defer cancel()
	<-ctx.Done()
}

// What had arrived before the deadline counts whenever it is read, and what came later does not. What may have come
// before it counts for nobody, when this program comes very late.
func TestReadingAfterTheDeadline(t *testing.T) {
	const inTime, timeout, unknown = types.Outcome_OUTCOME_OK, types.Outcome_OUTCOME_TIMEOUT, types.Outcome_OUTCOME_VOID
	for name, test := range map[string]struct {
		inTime, late string
		disturb      func(*Conn)
		want         types.Outcome
	}{
		"all in time":     {hiAnswer, "", nil, inTime},
		"nothing in time": {"", hiAnswer, nil, timeout},
		"part in time":    {ok + "Content-Length: 2\r\n\r\nh", "i", nil, timeout},
		"nothing":         {"", "", nil, timeout},
		"out of order":    {hiAnswer, "", func(c *Conn) { c.stamped.overtaken-- }, unknown},
		"clock was set":   {hiAnswer, "", func(c *Conn) { c.deadline = setClock(c.deadline, time.Hour) }, unknown},
		"in many pieces":  {"HTTP/1.1 103 Early Hints\r\n\r\n" + ok + "Content-Length: 40000\r\n\r\n" + strings.Repeat("x", 40000), "", nil, inTime},
	} {
		for variant, over := range stampedVariants {
			t.Run(name+" over "+variant, func(t *testing.T) {
				t.Parallel()
				conn, far := stampedPair(t, over.address, over.secured)
				sent, deadline := release(t, conn, 300*time.Millisecond)
				written := time.Now()
				hear(t, far)
				io.WriteString(far, test.inTime)
				passed(t, deadline.Add(lateLimit))
				if test.late != "" {
					io.WriteString(far, test.late)
				}
				if test.inTime+test.late != "" {
					awaitBytes(t, conn)
				}
				if test.disturb != nil {
					test.disturb(conn)
				}
				answer, err := conn.Receive()
				failure, _ := errors.AsType[*Failure](err)
				switch {
				case test.want == inTime && err != nil:
					t.Fatal(err)
				case test.want == inTime:
					times := TimesOf(sent, written, answer, conn.Stamps())
					if times.LastByte.Before(deadline) || times.Source() == types.TimingSource_TIMING_SOURCE_KERNEL && times.RoundTrip() > deadline.Sub(sent) {
						t.Errorf("%+v", times)
					}
				case failure == nil || failure.Outcome != test.want || (failure.Blame == types.Blame_BLAME_SELF) != (test.want == unknown):
					t.Errorf("%v, %v", answer, err)
				}
			})
		}
	}
}

// Reports that wait in the error queue neither hang a connection up nor belong to the next exchange.
func TestReportsAreNoHangUp(t *testing.T) {
	conn, far := stampedPair(t, "127.0.0.1:0", false)
	for range 3 {
		if _, err := conn.Send([]byte(askedFor), time.Now().Add(5*time.Second)); err != nil { // its report stays there
			t.Fatal(err)
		}
		hear(t, far)
		if !conn.Alive() {
			t.Fatal("not alive with a report")
		}
		conn.secured, conn.used = true, false // looks for a hang-up as well
		io.WriteString(far, hiAnswer)
		awaitBytes(t, conn)
		if !conn.Alive() {
			t.Fatal("a report is taken for a hang-up")
		}
		conn.secured = false
		if _, err := conn.Receive(); err != nil || !conn.Reusable() || !conn.Alive() {
			t.Fatalf("%v, reusable %t, alive %t", err, conn.Reusable(), conn.Alive())
		}
	}
	times, _ := exchangeOn(t, conn, far)
	checkStamped(t, times)
}

// A waiting reader is not disturbed by the report of its own request.
func TestReportBesideAReader(t *testing.T) {
	conn, far := stampedPair(t, "127.0.0.1:0", true)
	for range 20 {
		received := make(chan error)
		go func() {
			_, err := conn.Receive()
			received <- err
		}()
		if _, err := conn.Send([]byte(askedFor), time.Now().Add(5*time.Second)); err != nil {
			t.Fatal(err)
		}
		hear(t, far)
		io.WriteString(far, hiAnswer)
		if err := <-received; err != nil {
			t.Fatal(err)
		}
	}
}

// A request that the kernel does not take at once leaves when the far side wishes; its transmission says nothing.
func TestLongRequests(t *testing.T) {
	for name, test := range map[string]struct {
		size    int
		stamped bool
	}{
		"longest stamped":    {mostStamped, true},
		"too long":           {mostStamped + 1, false},
		"fills every buffer": {16 << 20, false},
	} {
		conn, far := stampedPair(t, "127.0.0.1:0", false)
		heard := make(chan error, 1)
		released := make(chan struct{})
		go func() {
			if test.size < 1<<20 {
				<-released
			}
			far.SetDeadline(time.Now().Add(5 * time.Second))
			_, err := io.CopyN(io.Discard, far, int64(test.size))
			io.WriteString(far, hiAnswer)
			heard <- err
		}()
		sent, err := conn.Release(make([]byte, test.size), time.Now().Add(5*time.Second))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		close(released)
		if _, err := conn.Receive(); err != nil || sent.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
		if err := <-heard; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := conn.Stamps(); got.Transmitted.IsZero() == test.stamped || got.LastByte.IsZero() {
			t.Errorf("%s: %+v", name, got)
		}
		if _, stamps := exchangeOn(t, conn, far); stamps.Transmitted.IsZero() {
			t.Errorf("%s: the next request is not stamped", name)
		}
	}
}

// The same holds for a short request.
func TestWaitingForTheFarSide(t *testing.T) {
	conn, far := stampedPair(t, "127.0.0.1:0", false)
	release(t, conn, 5*time.Second)
	if conn.stamped.output.waited.Load() {
		t.Error("waited with empty buffers")
	}
	conn.stamped.output.waited.Store(true)
	hear(t, far)
	io.WriteString(far, hiAnswer)
	if _, err := conn.Receive(); err != nil {
		t.Fatal(err)
	}
	if got := conn.Stamps(); !got.Transmitted.IsZero() || got.LastByte.IsZero() {
		t.Errorf("%+v", got)
	}
}

// A servicer that shuts its window, and opens it when it likes, does not choose when its time begins.
func TestHeldByTheFarSide(t *testing.T) {
	const before = 512 << 10 // more than the far side takes unread, less than the near side may have under way
	conn, far := stampedPair(t, "127.0.0.1:0", false)
	conn.socket.SetWriteDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.stamped.Write(make([]byte, before)); err != nil {
		t.Fatal(err)
	}
	sent, _ := release(t, conn, 5*time.Second)
	written := time.Now()
	passed(t, written.Add(5*time.Millisecond))
	opened := time.Now()
	go func() {
		far.SetDeadline(time.Now().Add(5 * time.Second))
		io.CopyN(io.Discard, far, int64(before+len(askedFor)))
		io.WriteString(far, hiAnswer)
	}()
	answer, err := conn.Receive()
	if err != nil {
		t.Fatal(err)
	}
	times := TimesOf(sent, written, answer, conn.Stamps())
	if times.Kernel.Transmitted.Before(opened.Round(0)) || conn.stamped.output.waited.Load() {
		t.Errorf("the request was not held: %+v, opened at %v", times, opened)
	}
	if times.Source() != types.TimingSource_TIMING_SOURCE_USER_SPACE || times.RoundTrip() < opened.Sub(sent) {
		t.Errorf("%v, RTT %v, opened after %v", times.Source(), times.RoundTrip(), opened.Sub(sent))
	}
}

// A far side that takes nothing holds up its own exchange only.
func TestReleaseDoesNotWait(t *testing.T) {
	for name, test := range stampedVariants {
		t.Run(name, func(t *testing.T) {
			const size = 16 << 20
			conn, far := stampedPair(t, test.address, test.secured)
			sent, err := conn.Release(make([]byte, size), time.Now().Add(5*time.Second))
			if err != nil || sent.IsZero() || !conn.stamped.output.waited.Load() {
				t.Fatalf("%v, %v", sent, err)
			}
			go func() {
				far.SetDeadline(time.Now().Add(5 * time.Second))
				io.CopyN(io.Discard, far, size)
				io.WriteString(far, hiAnswer)
			}()
			if answer, err := conn.Receive(); err != nil || string(answer.Body) != "hi" || !conn.Stamps().Transmitted.IsZero() {
				t.Fatal(err)
			}
			times, _ := exchangeOn(t, conn, far) // the next one
			checkStamped(t, times)
			// One that never takes it ends with the deadline.
			if _, err := conn.Release(make([]byte, size), time.Now().Add(20*time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			_, err = conn.Receive()
			failure, _ := errors.AsType[*Failure](err)
			if failure == nil || failure.Outcome != types.Outcome_OUTCOME_TIMEOUT || failure.Blame != types.Blame_BLAME_SERVICER {
				t.Errorf("%v", err)
			}
		})
	}
}

// awaitRead waits until another goroutine has read what there is.
func awaitRead(t *testing.T, conn *Conn) {
	t.Helper()
	raw, err := conn.socket.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
		empty := false
		raw.Control(func(descriptor uintptr) {
			_, _, err := syscall.Recvfrom(int(descriptor), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			empty = errors.Is(err, syscall.EAGAIN)
		})
		if empty {
			return
		}
	}
	t.Fatal("not read")
}

// The last byte's segment counts, and not the first one's, whether they are read together or one after the other.
func TestStampsOfThePieces(t *testing.T) {
	for name, test := range map[string]struct{ first, rest string }{
		"interim":         {"HTTP/1.1 100 Continue\r\n\r\n", hiAnswer},
		"within a header": {ok + "Content-Le", "ngth: 2\r\n\r\nhi"},
		"body":            {ok + "Content-Length: 2\r\n\r\n", "hi"},
		"chunks":          {ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n", "1\r\ni\r\n0\r\n\r\n"},
		"end of chunks":   {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n", "\r\n"},
	} {
		for variant, over := range stampedVariants {
			conn, far := stampedPair(t, over.address, over.secured)
			for _, together := range []bool{true, false} {
				release(t, conn, 5*time.Second)
				hear(t, far)
				io.WriteString(far, test.first)
				awaitBytes(t, conn)
				conn.socket.SetDeadline(time.Now().Add(5 * time.Second))
				received := make(chan error, 1)
				receive := func() {
					answer, err := conn.Receive()
					if err == nil && string(answer.Body) != "hi" {
						err = fmt.Errorf("body %q", answer.Body)
					}
					received <- err
				}
				if !together {
					go receive()
					awaitRead(t, conn)
				}
				resumed := time.Now()
				io.WriteString(far, test.rest)
				if together {
					receive()
				}
				if err := <-received; err != nil {
					t.Fatalf("%s, %s: %v", name, variant, err)
				}
				stamps := conn.Stamps()
				if stamps.LastByte.Before(resumed.Round(0)) || stamps.LastByte.Before(stamps.FirstByte) || !stamps.InOrder {
					t.Errorf("%s, %s: %+v, resumed at %v", name, variant, stamps, resumed)
				}
				if early := stamps.FirstByte.Before(resumed.Round(0)); !together && test.first[:12] == ok[:12] && !early {
					t.Errorf("%s, %s: first byte at %v, resumed at %v", name, variant, stamps.FirstByte, resumed)
				}
			}
		}
	}
}

// The end of the stream is no byte.
func TestStampsUntilTheEnd(t *testing.T) {
	conn, far := stampedPair(t, "127.0.0.1:0", false)
	release(t, conn, 5*time.Second)
	hear(t, far)
	io.WriteString(far, ok+"\r\nhi")
	awaitBytes(t, conn)
	arrived := time.Now()
	far.Close()
	answer, err := conn.Receive()
	if err != nil || string(answer.Body) != "hi" {
		t.Fatal(err)
	}
	if stamps := conn.Stamps(); stamps.LastByte.IsZero() || stamps.LastByte.After(arrived) {
		t.Errorf("%+v, arrived before %v", stamps, arrived)
	}
}
