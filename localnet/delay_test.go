package localnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const (
	testDelay = 60 * time.Millisecond
	// late is the time that a loaded machine may add.
	late = 2 * time.Second
)

// listenLocal opens a loopback listener for the test.
func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// serveInTest runs a part until the test ends, or the returned function stops it.
func serveInTest(t *testing.T, serve func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Serve() = %v, want nil at the context's end", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Serve() does not return")
		}
	}
	t.Cleanup(stop)
	return stop
}

// delayed starts a proxy in front of a server that takes one connection at a time, and dials it.
func delayed(t *testing.T, serve func(*net.TCPConn)) (client *net.TCPConn, stop func()) {
	t.Helper()
	target, front := listenLocal(t), listenLocal(t)
	stop = serveInTest(t, (&delayProxy{
		listener: front, target: target.Addr().String(), delay: testDelay, logger: slog.New(slog.DiscardHandler),
	}).Serve)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := target.Accept()
			if err != nil {
				return
			}
			serve(conn.(*net.TCPConn))
			conn.Close()
		}
	}()
	conn, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client = conn.(*net.TCPConn)
	client.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() {
		client.Close()
		target.Close()
		stop()
		<-done
	})
	return client, stop
}

func echo(conn *net.TCPConn) { io.Copy(conn, conn) }

func checkElapsed(t *testing.T, start time.Time, what string) {
	t.Helper()
	if took := time.Since(start); took < testDelay || took > testDelay+late {
		t.Errorf("%s took %v, want %v or a little more", what, took, testDelay)
	}
}

func TestDelayIsAddedToEachRoundTrip(t *testing.T) {
	client, _ := delayed(t, echo)
	for range 3 {
		start := time.Now()
		if _, err := client.Write([]byte("ping")); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 4)
		if _, err := io.ReadFull(client, answer); err != nil || string(answer) != "ping" {
			t.Fatalf("read %q, %v", answer, err)
		}
		checkElapsed(t, start, "a round trip")
	}
}

// If chunks were delayed one after the other, the stream would take chunks × delay = 6 s.
func TestDelayDoesNotAccumulate(t *testing.T) {
	client, _ := delayed(t, echo)
	sent := make([]byte, 100*delayChunk)
	for i := range sent {
		sent[i] = byte(i % 251)
	}
	start := time.Now()
	written := make(chan error, 1)
	go func() {
		_, err := client.Write(sent)
		written <- errors.Join(err, client.CloseWrite())
	}()
	got, err := io.ReadAll(client)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back changed, of %d", len(got), len(sent))
	}
	checkElapsed(t, start, "a stream of 100 chunks")
}

func TestDelayPassesOnHalfClose(t *testing.T) {
	client, _ := delayed(t, func(conn *net.TCPConn) {
		question, _ := io.ReadAll(conn)
		conn.Write(append([]byte("got "), question...))
	})
	start := time.Now()
	if _, err := client.Write([]byte("all")); err != nil {
		t.Fatal(err)
	}
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(client)
	if err != nil || string(answer) != "got all" {
		t.Errorf("read %q, %v; want an answer after the half-close, and an orderly end", answer, err)
	}
	checkElapsed(t, start, "question, half-close and answer")
}

func TestDelayPassesOnReset(t *testing.T) {
	client, _ := delayed(t, func(conn *net.TCPConn) {
		conn.Read(make([]byte, 4))
		reset(conn)
	})
	start := time.Now()
	if _, err := client.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read = %v, want a reset", err)
	}
	checkElapsed(t, start, "the reset")
}

func TestDelayPassesOnClientsReset(t *testing.T) {
	broke := make(chan error, 1)
	client, _ := delayed(t, func(conn *net.TCPConn) {
		conn.Write([]byte("hello"))
		_, err := conn.Read(make([]byte, 1))
		broke <- err
	})
	if _, err := io.ReadFull(client, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	reset(client)
	if err := <-broke; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server reads %v, want a reset", err)
	}
}

func TestDelayResetsWhenTheTargetIsDown(t *testing.T) {
	down, err := refuse(anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer down.Close()
	front := listenLocal(t)
	serveInTest(t, (&delayProxy{
		listener: front, target: down.Address(), delay: testDelay, logger: slog.New(slog.DiscardHandler),
	}).Serve)
	// The reset may arrive before the dialler reads.
	client, err := net.Dial("tcp", front.Addr().String())
	if err == nil {
		defer client.Close()
		client.SetDeadline(time.Now().Add(5 * time.Second))
		_, err = client.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("dial and read = %v, want a reset", err)
	}
}

func TestDelayEndsWithItsContext(t *testing.T) {
	client, stop := delayed(t, echo)
	if _, err := client.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(client, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	if conn, err := net.Dial("tcp", client.RemoteAddr().String()); err == nil {
		conn.Close()
		t.Error("the listener is still open")
	}
}

func TestDelayEndsWithItsListener(t *testing.T) {
	front := listenLocal(t)
	front.Close()
	err := (&delayProxy{listener: front, delay: testDelay, logger: slog.New(slog.DiscardHandler)}).Serve(t.Context())
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve() = %v, want net.ErrClosed", err)
	}
}

// pipeEnd is a stream in virtual time; closing its writing side closes all of it.
type pipeEnd struct{ net.Conn }

func (p pipeEnd) CloseWrite() error { return p.Close() }

func TestEachChunkHasItsOwnDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender, in := net.Pipe()
		out, receiver := net.Pipe()
		queue := make(chan chunk, delayQueue)
		go take(t.Context(), in, queue, time.Second)
		gone := make(chan error, 1)
		go func() { gone <- give(t.Context(), pipeEnd{out}, queue, time.Second) }()

		start := time.Now()
		sends := []time.Duration{0, 100 * time.Millisecond, 100 * time.Millisecond, 950 * time.Millisecond, 5 * time.Second}
		go func() {
			for i, at := range sends {
				time.Sleep(at - time.Since(start))
				sender.Write([]byte{byte(i)})
			}
			sender.Close()
		}()
		for i, at := range sends {
			one := make([]byte, 1)
			if _, err := io.ReadFull(receiver, one); err != nil || one[0] != byte(i) {
				t.Fatalf("chunk %d: read %v, %v", i, one, err)
			}
			if got := time.Since(start); got != at+time.Second {
				t.Errorf("chunk %d, sent at %v, came at %v", i, at, got)
			}
		}
		if _, err := receiver.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("at the end: %v, want EOF", err)
		}
		if got := time.Since(start); got != 6*time.Second {
			t.Errorf("the end came at %v, want 6s", got)
		}
		if err := <-gone; err != nil {
			t.Errorf("give() = %v, want nil", err)
		}
	})
}

func TestDelayQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender, in := net.Pipe()
		queue := make(chan chunk, delayQueue)
		ctx, cancel := context.WithCancel(t.Context())
		go take(ctx, in, queue, time.Second)
		written := 0
		go func() {
			for {
				if _, err := sender.Write([]byte{0}); err != nil {
					return
				}
				written++
			}
		}()
		synctest.Wait()
		if written != delayQueue+1 {
			t.Errorf("%d chunks were taken with nobody to give them to, want %d", written, delayQueue+1)
		}
		cancel()
		in.Close()
		synctest.Wait()
	})
}
