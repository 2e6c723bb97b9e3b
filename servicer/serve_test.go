package servicer_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// served is a servicer that serves on a socket of its own until stopped.
type served struct {
	address string
	stop    context.CancelFunc
	ended   chan error
}

func serve(t *testing.T, s *servicer.Servicer) *served {
	t.Helper()
	listener := listen(t)
	ctx, stop := context.WithCancel(context.Background())
	running := &served{address: listener.Addr().String(), stop: stop, ended: make(chan error, 1)}
	go func() { running.ended <- s.Serve(ctx, listener) }()
	t.Cleanup(stop)
	return running
}

// wait stops the servicer and returns how long that took.
func (s *served) wait(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	s.stop()
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("serve: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("still serving after 5 s")
	}
	return time.Since(began)
}

// client is a connection that is driven by hand.
type client struct {
	net.Conn
	reader *bufio.Reader
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	return &client{Conn: connection, reader: bufio.NewReader(connection)}
}

func (c *client) send(t *testing.T, envelope []byte) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, "http://servicer"+relay.Path, bytes.NewReader(envelope))
	if err != nil {
		t.Fatal(err)
	}
	if err := request.Write(c); err != nil {
		t.Fatalf("send: %v", err)
	}
}

func (c *client) receive(t *testing.T) []byte {
	t.Helper()
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("receive body: %v", err)
	}
	checkHead(t, response, answer)
	return answer
}

// closed reports whether the far side has closed the connection.
func (c *client) closed() bool {
	_, err := c.reader.ReadByte()
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestServeKeepsConnections(t *testing.T) {
	running := serve(t, newServicer(t, newChain(25), newHonest(t).URL))
	connection := dial(t, running.address)
	for range 3 {
		sealed := seal(t, applicationKey, newRequest())
		connection.send(t, sealed.Envelope)
		wantReply(t, open(t, connection.receive(t), sealed.BodyHash))
	}
	if took := running.wait(t); took > time.Second {
		t.Errorf("an idle connection held the shutdown up for %s", took)
	}
	if !connection.closed() {
		t.Error("the idle connection is still open")
	}
}

// A relay that runs when the servicer is stopped is cancelled at the upstream and answered as BUSY.
func TestShutdownMidRequest(t *testing.T) {
	asked, left := make(chan struct{}), make(chan struct{})
	node := newUpstream(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(asked)
		<-r.Context().Done()
		close(left)
	})
	running := serve(t, newServicer(t, newChain(25), node.URL, func(c *servicer.Config) { c.UpstreamTimeout = time.Minute }))
	connection := dial(t, running.address)
	sealed := seal(t, applicationKey, newRequest())
	connection.send(t, sealed.Envelope)
	<-asked
	if took := running.wait(t); took > 2*time.Second {
		t.Errorf("shutdown took %s", took)
	}
	wantCode(t, open(t, connection.receive(t), sealed.BodyHash), types.RelayErrorCode_RELAY_ERROR_CODE_BUSY)
	<-left
}

// Clients that connected and sent nothing, half a header, or half a body do not delay the shutdown.
func TestShutdownWithSilentClients(t *testing.T) {
	running := serve(t, newServicer(t, newChain(25), newHonest(t).URL))
	half := "POST " + relay.Path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"
	var silent []*client
	for _, wire := range []string{"", half[:20], half} {
		connection := dial(t, running.address)
		_, _ = io.WriteString(connection, wire)
		silent = append(silent, connection)
	}
	// One that is answered, so that the others are accepted by now.
	last := dial(t, running.address)
	last.send(t, nil)
	last.receive(t)
	if took := running.wait(t); took > 2*time.Second {
		t.Errorf("shutdown took %s", took)
	}
	for i, connection := range silent {
		_, _ = io.Copy(io.Discard, io.LimitReader(connection.reader, 1<<16))
		if !connection.closed() {
			t.Errorf("client %d is still connected", i)
		}
	}
}

// After an answer to anybody but a member of the session the connection is closed.
func TestServeClosesAfterOthers(t *testing.T) {
	running := serve(t, newServicer(t, newChain(25), newHonest(t).URL))
	stranger := seal(t, strangerKey, newRequest())
	for name, request := range map[string]string{
		"path":     "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"method":   "GET " + relay.Path + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"nothing":  "POST " + relay.Path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		"stranger": fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", relay.Path, len(stranger.Envelope), stranger.Envelope),
	} {
		connection := dial(t, running.address)
		_, _ = io.WriteString(connection, request)
		response, err := http.ReadResponse(connection.reader, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if !response.Close || !connection.closed() {
			t.Errorf("%s: the connection is kept", name)
		}
	}
	running.wait(t)
}

// While the only connection is answered, another one waits; when it is idle it makes room.
func TestServeBoundsConnections(t *testing.T) {
	node, asked, letGo := newHeld(t)
	s := newServicer(t, newChain(25), node.URL, func(c *servicer.Config) { c.MaxConnections, c.UpstreamTimeout = 1, time.Minute })
	running := serve(t, s)
	first := dial(t, running.address)
	sealed := seal(t, applicationKey, newRequest())
	first.send(t, sealed.Envelope)
	<-asked
	second := dial(t, running.address)
	second.send(t, nil)
	_ = second.SetDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := second.reader.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("second connection: %v, want no answer while the first is at work", err)
	}
	close(letGo)
	wantReply(t, open(t, first.receive(t), sealed.BodyHash))
	_ = second.SetDeadline(time.Now().Add(5 * time.Second))
	second.receive(t)
	if !first.closed() {
		t.Error("the idle connection is still open")
	}
	running.wait(t)
}

// As many idle connections as there may be, each with one cheap request behind it, keep the fisherman out of nothing.
func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	s := newServicer(t, newChain(25), newHonest(t).URL, func(c *servicer.Config) { c.MaxConnections = 32 })
	running := serve(t, s)
	for range 2 * 32 {
		idle := dial(t, running.address)
		sealed := seal(t, applicationKey, newRequest())
		idle.send(t, sealed.Envelope)
		wantReply(t, open(t, idle.receive(t), sealed.BodyHash))
	}
	for range 32 {
		dial(t, running.address) // and some that ask nothing at all
	}
	connection := dial(t, running.address)
	sealed := seal(t, fishermanKey, newRequest())
	connection.send(t, sealed.Envelope)
	wantReply(t, open(t, connection.receive(t), sealed.BodyHash))
	running.wait(t)
}

func TestServeRefusesLargeHeaders(t *testing.T) {
	running := serve(t, newServicer(t, newChain(25), newHonest(t).URL))
	connection := dial(t, running.address)
	_, _ = io.WriteString(connection, "POST "+relay.Path+" HTTP/1.1\r\nHost: x\r\nX-Big: "+strings.Repeat("x", 1<<14)+"\r\n\r\n")
	response, err := http.ReadResponse(connection.reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", response.StatusCode)
	}
	running.wait(t)
}

func TestServeFailsWithItsListener(t *testing.T) {
	listener := listen(t)
	_ = listener.Close()
	err := newServicer(t, newChain(25), newHonest(t).URL).Serve(t.Context(), listener)
	if err == nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// A second servicer run after the first on the same port finds nothing left behind.
func TestServeAgain(t *testing.T) {
	s := newServicer(t, newChain(25), newHonest(t).URL)
	for range 2 {
		running := serve(t, s)
		connection := dial(t, running.address)
		sealed := seal(t, applicationKey, newRequest())
		connection.send(t, sealed.Envelope)
		wantReply(t, open(t, connection.receive(t), sealed.BodyHash))
		running.wait(t)
		listener, err := net.Listen("tcp", running.address)
		if err != nil {
			t.Fatalf("the port is still taken: %v", err)
		}
		_ = listener.Close()
	}
}
