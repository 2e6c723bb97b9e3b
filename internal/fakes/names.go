package fakes

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Names is a name server on loopback, for as long as its test. The first label of a name says what becomes of it:
// "missing" does not exist, "failing" gets SERVFAIL, "silent" gets no answer; every other name is 127.0.0.1.
type Names struct {
	conn    net.PacketConn
	serving sync.WaitGroup

	mu      sync.Mutex
	clients []net.Conn
	stopped bool
}

// StartNames starts a name server.
func StartNames(t testing.TB) *Names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start name server: %v", err)
	}
	n := &Names{conn: conn}
	n.serving.Go(n.serve)
	t.Cleanup(n.Stop)
	return n
}

// Stop ends the name server, and what still waits for an answer of it.
func (n *Names) Stop() {
	n.conn.Close()
	n.serving.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopped = true
	for _, client := range n.clients {
		client.Close()
	}
}

// Resolver asks this name server and no other.
func (n *Names) Resolver() *net.Resolver {
	address := n.conn.LocalAddr().String()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.stopped {
			return nil, errors.New("the name server has ended")
		}
		client, err := new(net.Dialer).DialContext(ctx, "udp", address) // does not wait: UDP has no handshake
		if err == nil {
			n.clients = append(n.clients, client)
		}
		return client, err
	}}
}

func (n *Names) serve() {
	packet := make([]byte, 512)
	for {
		size, from, err := n.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		var asked dnsmessage.Message
		if asked.Unpack(packet[:size]) != nil || len(asked.Questions) != 1 {
			continue
		}
		if reply := replyTo(asked); reply != nil {
			_, _ = n.conn.WriteTo(reply, from)
		}
	}
}

// replyTo is the answer to a query; nil for none.
func replyTo(asked dnsmessage.Message) []byte {
	question := asked.Questions[0]
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: asked.ID, Response: true, RecursionAvailable: true},
		Questions: asked.Questions,
	}
	switch label, _, _ := strings.Cut(question.Name.String(), "."); {
	case label == "silent":
		return nil
	case label == "missing":
		reply.RCode = dnsmessage.RCodeNameError
	case label == "failing":
		reply.RCode = dnsmessage.RCodeServerFailure
	case question.Type == dnsmessage.TypeA:
		reply.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 1},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	packed, err := reply.Pack()
	if err != nil {
		panic(err) // the reply is well-formed
	}
	return packed
}
