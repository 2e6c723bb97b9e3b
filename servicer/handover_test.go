package servicer_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// sendOther sends a relay that package net/http reads: its lines end without CR.
func (c *client) sendOther(t *testing.T, sealed *relay.SealedRequest) {
	t.Helper()
	if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\nHost: x\nContent-Length: %d\n\n%s", relay.Path, len(sealed.Envelope), sealed.Envelope); err != nil {
		t.Fatal(err)
	}
}

// Connections that package net/http serves are counted as others are, and make room when they are idle.
func TestHandedConnectionsMakeRoom(t *testing.T) {
	running := serve(t, newServicer(t, newChain(25), newHonest(t).URL, func(c *servicer.Config) { c.MaxConnections = 2 }))
	for range 6 {
		connection, sealed := dial(t, running.address), seal(t, applicationKey, newRequest())
		connection.sendOther(t, sealed)
		wantReply(t, open(t, connection.receive(t), sealed.BodyHash))
	}
	if took := running.wait(t); took > time.Second {
		t.Errorf("idle connections held the shutdown up for %s", took)
	}
}

// A relay that package net/http read is cancelled as others are when the servicer stops.
func TestHandedRelaysAreCancelled(t *testing.T) {
	node, asked, _ := newHeld(t)
	running := serve(t, newServicer(t, newChain(25), node.URL, func(c *servicer.Config) { c.UpstreamTimeout = time.Minute }))
	connection, sealed := dial(t, running.address), seal(t, applicationKey, newRequest())
	connection.sendOther(t, sealed)
	<-asked
	if took := running.wait(t); took > 2*time.Second {
		t.Errorf("shutdown took %s", took)
	}
	wantCode(t, open(t, connection.receive(t), sealed.BodyHash), types.RelayErrorCode_RELAY_ERROR_CODE_BUSY)
}

// A connection that was handed over goes on with plain requests and others.
func TestHandedConnectionsStayHanded(t *testing.T) {
	running := serve(t, newServicer(t, newChain(25), newHonest(t).URL))
	connection := dial(t, running.address)
	for range 3 {
		plain, other := seal(t, applicationKey, newRequest()), seal(t, applicationKey, newRequest())
		connection.send(t, plain.Envelope)
		wantReply(t, open(t, connection.receive(t), plain.BodyHash))
		connection.sendOther(t, other)
		wantReply(t, open(t, connection.receive(t), other.BodyHash))
	}
	_, _ = io.WriteString(connection, "\r\n") // an empty line, which is passed over here too
	plain := seal(t, applicationKey, newRequest())
	connection.send(t, plain.Envelope)
	wantReply(t, open(t, connection.receive(t), plain.BodyHash))
	running.wait(t)
}
