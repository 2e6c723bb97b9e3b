package fisherman

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// dialBare connects to a servicer that is reached by http.
func dialBare(b *testing.B, actor *types.Actor) net.Conn {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(actor.GetServiceUrl(), "http://"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return conn
}

// bareClient is the floor: it signs requests, writes them, reads the answers and verifies their signatures, and does
// nothing else. It signs and verifies by the library that the fisherman does it by (docs/adr/0022). Bytes that stay the same
// are laid out beforehand; answers are not parsed, for all have the same form.
type bareClient struct {
	b       *testing.B
	key     ed25519.PrivateKey
	nonce   uint64
	targets []*bareTarget
}

// bareTarget is one servicer of a bare client. Slices alias the wire, the signed message or the answer.
type bareTarget struct {
	conn net.Conn
	wire []byte
	// nonce and signature within the wire; message is what is signed, with the nonce once more.
	nonce, signature, message, messageNonce []byte
	publicKey                               ed25519.PublicKey
	answer                                  []byte
	// answered is what the servicer signed: domain, zero, body; body and value are within the answer.
	answered, body, value []byte
}

func newBareClient(b *testing.B, fleet *fleet) *bareClient {
	b.Helper()
	c := &bareClient{b: b, key: fishermanKey.Bytes()}
	session := sessionOf(10, 10, 12, fleet.actors...)
	for _, actor := range fleet.actors {
		sealed, err := fleet.ask(session, actor, testQuestion(b).Payload)
		if err != nil {
			b.Fatal(err)
		}
		c.targets = append(c.targets, newBareTarget(b, actor, sealed.Wire(), sealed.Evidence()))
	}
	return c
}

func newBareTarget(b *testing.B, actor *types.Actor, wire, envelope []byte) *bareTarget {
	b.Helper()
	opened, err := relay.OpenRequest(envelope)
	if err != nil {
		b.Fatal(err)
	}
	body := bodyOf(b, envelope)
	t := &bareTarget{conn: dialBare(b, actor), wire: wire, message: signed(crypto.DomainRelayRequest, body)}
	t.nonce = within(b, wire, opened.Request.GetNonce())
	t.messageNonce = within(b, t.message, opened.Request.GetNonce())
	t.signature = within(b, wire, opened.Signature.GetValue())
	t.learn(b)
	return t
}

// learn asks once, to see what an answer looks like.
func (t *bareTarget) learn(b *testing.B) {
	b.Helper()
	if _, err := t.conn.Write(t.wire); err != nil {
		b.Fatal(err)
	}
	seen := make([]byte, 4096)
	length := 0
	for headEnd := -1; ; {
		n, err := t.conn.Read(seen[length:])
		if err != nil {
			b.Fatal(err)
		}
		length += n
		if headEnd = bytes.Index(seen[:length], []byte("\r\n\r\n")); headEnd >= 0 && length >= headEnd+4+contentLength(b, seen[:headEnd]) {
			t.answer = seen[:length]
			t.dissect(b, seen[headEnd+4:length])
			return
		}
	}
}

// dissect finds body and signature in an answer.
func (t *bareTarget) dissect(b *testing.B, envelope []byte) {
	b.Helper()
	var outer types.Envelope
	if err := proto.Unmarshal(envelope, &outer); err != nil {
		b.Fatal(err)
	}
	t.publicKey = outer.GetSignature().GetPublicKey()
	t.body, t.value = within(b, t.answer, outer.GetBody()), within(b, t.answer, outer.GetSignature().GetValue())
	t.answered = signed(crypto.DomainRelayResponse, t.body)
}

func contentLength(b *testing.B, head []byte) int {
	b.Helper()
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(append(bytes.Clone(head), "\r\n\r\n"...))), nil)
	if err != nil {
		b.Fatal(err)
	}
	return int(response.ContentLength)
}

// rule is that of docs/adr/0022.
var rule = &ed25519.Options{Verify: ed25519.VerifyOptionsStdLib}

// ask signs all requests, writes them, then reads and verifies all answers.
func (c *bareClient) ask() {
	for _, target := range c.targets {
		c.nonce++
		binary.BigEndian.PutUint64(target.nonce, c.nonce)
		copy(target.messageNonce, target.nonce)
		copy(target.signature, ed25519.Sign(c.key, target.message))
	}
	for _, target := range c.targets {
		if _, err := target.conn.Write(target.wire); err != nil {
			c.b.Error(err)
			return
		}
	}
	for _, target := range c.targets {
		if _, err := io.ReadFull(target.conn, target.answer); err != nil {
			c.b.Error(err)
			return
		}
		copy(target.answered[len(target.answered)-len(target.body):], target.body)
		if !ed25519.VerifyWithOptions(target.publicKey, target.answered, target.value, rule) {
			c.b.Error("the signature does not fit the answer")
			return
		}
	}
}

// signed is what a signature over a body is made of: domain, zero, body.
func signed(domain crypto.Domain, body []byte) []byte {
	return append(append([]byte(domain), 0), body...)
}

func bodyOf(b *testing.B, envelope []byte) []byte {
	b.Helper()
	var outer types.Envelope
	if err := proto.Unmarshal(envelope, &outer); err != nil {
		b.Fatal(err)
	}
	return outer.GetBody()
}

// within is the part of a whole that equals some bytes.
func within(b *testing.B, whole, part []byte) []byte {
	b.Helper()
	at := bytes.Index(whole, part)
	if at < 0 {
		b.Fatal("the bytes are not there")
	}
	return whole[at : at+len(part)]
}
