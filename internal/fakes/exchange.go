package fakes

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// exchange is one request and what answering it takes.
type exchange struct {
	servicer *Servicer
	socket   net.Conn // the TCP connection
	stream   net.Conn // the socket, or TLS over it
	opened   *relay.OpenedRequest
	// served counts the requests of the connection.
	served int
}

// handle shakes hands on one connection and serves it until the fault or the far side ends it.
func (s *Servicer) handle(socket net.Conn) {
	if s.fault.mute {
		_, _ = io.Copy(io.Discard, socket) // until it is closed
		return
	}
	if !s.wait(s.fault.dawdle) {
		return
	}
	stream := socket
	if s.secure != nil {
		secured := tls.Server(socket, s.secure)
		if secured.Handshake() != nil {
			return
		}
		stream = secured
	}
	if s.fault.slam {
		reset(socket)
		return
	}
	s.serve(socket, stream)
}

// serve answers on a connection that stands.
func (s *Servicer) serve(socket, stream net.Conn) {
	if _, err := io.WriteString(stream, s.fault.greeting); err != nil {
		return
	}
	reader := bufio.NewReader(stream)
	exchange := &exchange{servicer: s, socket: socket, stream: stream}
	for {
		exchange.opened = s.read(reader)
		if exchange.opened == nil || !s.wait(s.distance) || !s.fault.answer(exchange) {
			return
		}
	}
}

// read reads one relay; nil when there is none.
func (s *Servicer) read(reader *bufio.Reader) *relay.OpenedRequest {
	request, err := http.ReadRequest(reader)
	if err != nil {
		return nil
	}
	envelope, err := io.ReadAll(io.LimitReader(request.Body, relay.MaxRequestBytes))
	if err != nil {
		return nil
	}
	opened, err := relay.OpenRequest(envelope)
	if err != nil || request.URL.Path != relay.Path || !opened.VerifySignature() {
		return nil
	}
	s.mu.Lock()
	s.requests++
	s.changed.Broadcast()
	s.mu.Unlock()
	return opened
}

// wait lets time pass; false when the test ended first.
func (e *exchange) wait(d time.Duration) bool { return e.servicer.wait(d) }

func (s *Servicer) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ended:
		return false
	}
}

// reset makes the end of a connection a RST instead of a FIN.
func reset(socket net.Conn) {
	if tcp, ok := socket.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// hang waits for the end of the connection.
func (e *exchange) hang() { _, _ = io.Copy(io.Discard, e.stream) }

// question is what the relay asks.
type question struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

func (e *exchange) question() question {
	var asked question
	_ = json.Unmarshal(e.opened.Request.GetJsonRpc().GetBody(), &asked) // without a question the answer has no id
	return asked
}

// result is the node's answer with one member more, if any: `{"hash":"…"}` follows from method and parameters, or from
// method and path. Asked for its status, the node says that its newest height is 1000.
func (e *exchange) result(member string) []byte {
	if rest := e.opened.Request.GetRest(); rest != nil {
		sum := sha256.Sum256([]byte(rest.GetMethod() + " " + rest.GetPath()))
		return fmt.Appendf(nil, `{"hash":"%s"%s}`, hex.EncodeToString(sum[:]), member)
	}
	asked := e.question()
	sum := sha256.Sum256(append([]byte(asked.Method+"\x00"), asked.Params...))
	if asked.Method == "status" {
		member += `,"sync_info":{"latest_block_height":"1000"}`
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":{"hash":"%s"%s}}`, asked.ID, hex.EncodeToString(sum[:]), member)
}

// response is a response to this request, before it is sealed.
func (e *exchange) response(payload []byte) *types.RelayResponse {
	now := time.Now().UnixNano()
	return &types.RelayResponse{
		RequestHash:      e.opened.BodyHash[:],
		Servicer:         e.servicer.key.Address(),
		ReceivedUnixNano: now,
		AnsweredUnixNano: now,
		UpstreamStatus:   http.StatusOK,
		Payload:          payload,
	}
}

// seal signs a response by the servicer's key.
func (e *exchange) seal(response *types.RelayResponse) []byte {
	return sealBy(e.servicer.key, response)
}

func sealBy(key crypto.PrivateKey, response *types.RelayResponse) []byte {
	envelope, err := relay.SealResponse(key, response)
	if err != nil {
		panic(err) // the fakes' own responses are well-formed
	}
	return envelope
}

// write sends a whole HTTP response; false when the connection is gone.
func (e *exchange) write(status int, body []byte, headers ...string) bool {
	return e.say(head(status, len(body), headers...) + string(body))
}

// say sends bytes as they are.
func (e *exchange) say(wire string) bool {
	_, err := io.WriteString(e.stream, wire)
	return err == nil
}

func head(status, length int, headers ...string) string {
	var text bytes.Buffer
	fmt.Fprintf(&text, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), relay.ContentType, length)
	for _, header := range headers {
		text.WriteString(header + "\r\n")
	}
	return text.String() + "\r\n"
}

func zipped(body []byte) []byte {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write(body) // into memory
	_ = writer.Close()
	return packed.Bytes()
}
