package servicer_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// contract is what clients send, byte by byte, and the statuses that they get; then the connection is "kept" or "closed".
// BODY stands for a sealed request, SIZE for its length.
var contract = []struct{ name, wire, want string }{
	{"plain", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"names in any case", "POST /v1/relay HTTP/1.1\r\nhOST: x\r\ncONTENT-lENGTH: SIZE\r\n\r\nBODY", "200 kept"},
	{"white space around values", "POST /v1/relay HTTP/1.1\r\nHost:\tx \r\nContent-Length:  SIZE\t\r\nX:\r\n\r\nBODY", "200 kept"},
	{"other fields", "POST /v1/relay HTTP/1.1\r\nHost: x:1\r\nUser-Agent: a (b; c)\r\nCookie: a=b\r\nAccept-Encoding: gzip\r\nContent-Type: x/y\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"two", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODYPOST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "200 200 kept"},
	{"then another method", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODYGET /v1/relay HTTP/1.1\r\nHost: x\r\n\r\n", "200 405 closed"},
	{"then what is none", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODYbody\r\n\r\n", "200 400 closed"},
	{"after an empty line", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY\r\nPOST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "200 200 kept"},
	{"after two empty lines", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY\r\n\r\nPOST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "200 200 kept"},
	{"after three empty lines", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY\r\n\r\n\r\nPOST /v1/relay HTTP/1.1\r\nHost: x\r\n\r\n", "200 400 closed"},
	{"an empty line first", "\r\nPOST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"no body", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "200 closed"},
	{"no length", "POST /v1/relay HTTP/1.1\r\nHost: x\r\n\r\n", "200 closed"},
	{"length twice", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"two lengths", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\nContent-Length: 5\r\n\r\nBODY", "400 closed"},
	{"two lengths in one field", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE, SIZE\r\n\r\nBODY", "400 closed"},
	{"length with a sign", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: +SIZE\r\n\r\nBODY", "400 closed"},
	{"negative length", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nBODY", "400 closed"},
	{"length in hexadecimal", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: 0x10\r\n\r\nBODY", "400 closed"},
	{"length with zeros", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: 000SIZE\r\n\r\nBODY", "200 kept"},
	{"length of no number", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\nBODY", "400 closed"},
	{"length beyond numbers", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nBODY", "400 closed"},
	{"length and chunks", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200 closed"},
	{"chunks", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "200 closed"},
	{"chunks with a trailer", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n", "200 closed"},
	{"broken chunks", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400 closed"},
	{"another transfer coding", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\nContent-Length: SIZE\r\n\r\nBODY", "501 closed"},
	{"a transfer coding twice", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\nBODY", "501 closed"},
	{"a transfer coding before a colon with a space", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"no host", "POST /v1/relay HTTP/1.1\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"empty host", "POST /v1/relay HTTP/1.1\r\nHost:\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"two hosts", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"host of two words", "POST /v1/relay HTTP/1.1\r\nHost: x y\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"host with a path", "POST /v1/relay HTTP/1.1\r\nHost: x/y\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"host of another alphabet", "POST /v1/relay HTTP/1.1\r\nHost: b\xc3\xbccher\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"host of IPv6", "POST /v1/relay HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"version 1.0", "POST /v1/relay HTTP/1.0\r\nContent-Length: SIZE\r\n\r\nBODY", "200 closed"},
	{"version 1.0, kept", "POST /v1/relay HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"version 1.2", "POST /v1/relay HTTP/1.2\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"version 2.0", "POST /v1/relay HTTP/2.0\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "505 closed"},
	{"preface of version 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "404 closed"},
	{"no version", "POST /v1/relay\r\nHost: x\r\n\r\n", "400 closed"},
	{"lines without CR", "POST /v1/relay HTTP/1.1\nHost: x\nContent-Length: SIZE\n\nBODY", "200 kept"},
	{"one line without CR", "POST /v1/relay HTTP/1.1\r\nHost: x\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"a CR within a line", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nX: a\rb\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"a folded line", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"a folded length", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n SIZE\r\n\r\nBODY", "200 kept"},
	{"a space before the first field", "POST /v1/relay HTTP/1.1\r\n Host: x\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"a line without a colon", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nX\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"a field without a name", "POST /v1/relay HTTP/1.1\r\nHost: x\r\n: a\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"a NUL in a value", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"another alphabet in a value", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nX: \xff\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"a sign in a name", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nX(Y): a\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"100-continue", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: SIZE\r\n\r\nBODY", "100 200 kept"},
	{"another expectation", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nExpect: more\r\nContent-Length: SIZE\r\n\r\nBODY", "417 closed"},
	{"close", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: SIZE\r\n\r\nBODY", "200 closed"},
	{"close among others", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nConnection: x, CLOSE\r\nContent-Length: SIZE\r\n\r\nBODY", "200 closed"},
	{"keep-alive", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"keep-alive and close", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nConnection: close\r\nContent-Length: SIZE\r\n\r\nBODY", "200 closed"},
	{"upgrade", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"absolute address", "POST http://y/v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"query", "POST /v1/relay?x=y HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"encoded path", "POST /v1/%72elay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"another path", "POST //v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "404 closed"},
	{"a longer path", "POST /v1/relays HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "404 closed"},
	{"two spaces", "POST  /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"a space at the end", "POST /v1/relay HTTP/1.1 \r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "400 closed"},
	{"GET", "GET /v1/relay HTTP/1.1\r\nHost: x\r\n\r\n", "405 closed"},
	{"OPTIONS of all", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "404 closed"},
	{"CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n", "404 closed"},
	{"post", "post /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: SIZE\r\n\r\nBODY", "405 closed"},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400 closed"},
	{"a large header", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 7<<10) + "\r\nContent-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"many fields", "POST /v1/relay HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 1000) + "Content-Length: SIZE\r\n\r\nBODY", "200 kept"},
	{"too large a header", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 14<<10) + "\r\nContent-Length: SIZE\r\n\r\nBODY", "431 closed"},
	{"the largest body", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n" + strings.Repeat("x", relay.MaxRequestBytes), "200 closed"},
	{"too large a body", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n" + strings.Repeat("x", relay.MaxRequestBytes+1), "200 closed"},
	{"half a header", "POST /v1/relay HTTP/1.1\r\nHost: END", "400 closed"},
	{"half a body", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalfEND", "400 closed"},
	{"no body at all", "POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nEND", "400 closed"},
	{"nothing", "END", "closed"},
}

// TestContract: what a servicer does with bytes of a client is what package net/http does, with the same limits, whether the
// bytes come at once or one by one.
func TestContract(t *testing.T) {
	s := newServicer(t, newChain(25), newHonest(t).URL)
	model := serveModel(t, s.Handler())
	running := serve(t, s)
	for _, test := range contract {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := transcript(t, model, test.wire, false)
			if statuses := statusesOf(want); statuses != test.want {
				t.Errorf("package net/http: %s, want %s", statuses, test.want)
			}
			if got := transcript(t, running.address, test.wire, false); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if len(test.wire) > 1<<10 {
				return
			}
			if got := transcript(t, running.address, test.wire, true); got != want {
				t.Errorf("byte by byte, got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// serveModel serves relays by package net/http alone.
func serveModel(t *testing.T, handler http.Handler) (address string) {
	t.Helper()
	listener := listen(t)
	server := &http.Server{
		Handler: handler, DisableGeneralOptionsHandler: true, ReadHeaderTimeout: 15 * time.Second, ReadTimeout: 20 * time.Second,
		MaxHeaderBytes: 8 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-served })
	return listener.Addr().String()
}

// transcript sends what a client says, and returns what it gets: of each answer the header but its date, and the body or the
// code of the envelope in it; and whether another relay is answered afterwards.
func transcript(t *testing.T, address, wire string, slowly bool) string {
	t.Helper()
	connection := dial(t, address)
	_ = connection.SetDeadline(time.Now().Add(30 * time.Second))
	wire, half := strings.CutSuffix(wire, "END")
	for strings.Contains(wire, "BODY") {
		envelope := string(seal(t, applicationKey, newRequest()).Envelope)
		wire = strings.Replace(strings.Replace(wire, "SIZE", fmt.Sprint(len(envelope)), 1), "BODY", envelope, 1)
		if strings.Contains(wire, "SIZE") && !strings.Contains(wire, "BODY") {
			wire = strings.ReplaceAll(wire, "SIZE", fmt.Sprint(len(envelope)))
		}
	}
	var lines []string
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		send(connection.Conn, wire, slowly)
		if half {
			_ = connection.Conn.(*net.TCPConn).CloseWrite()
		}
	}()
	answers := strings.Count(wire, "HTTP/1.")
	for range max(answers, 1) {
		line, ended := answer(connection.reader)
		lines = append(lines, line...)
		if ended {
			<-sent
			return strings.Join(append(lines, "closed"), "\n")
		}
		if slices.Contains(line, "HTTP/1.1 100 Continue") {
			line, _ = answer(connection.reader)
			lines = append(lines, line...)
		}
	}
	<-sent
	another := seal(t, applicationKey, newRequest()).Envelope
	send(connection.Conn, fmt.Sprintf("POST /v1/relay HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(another), another), false)
	if line, ended := answer(connection.reader); ended {
		return strings.Join(append(append(lines, line...), "closed"), "\n")
	}
	return strings.Join(append(lines, "kept"), "\n")
}

func send(to net.Conn, wire string, slowly bool) {
	size := len(wire)
	if slowly {
		size = 1
	}
	for part := range slices.Chunk([]byte(wire), max(size, 1)) {
		if _, err := to.Write(part); err != nil {
			return // it is closed: what was answered says why
		}
	}
}

// answer reads an answer; ended reports that there is none.
func answer(reader *bufio.Reader) (lines []string, ended bool) {
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return append(lines, strings.TrimSpace(line)), true
		}
		if line = strings.TrimSuffix(line, "\r\n"); line == "" {
			break
		}
		if !strings.HasPrefix(line, "Date: ") {
			lines = append(lines, line)
		}
	}
	length := -1
	for _, line := range lines {
		if _, err := fmt.Sscanf(line, "Content-Length: %d", &length); err == nil {
			break
		}
	}
	switch {
	case slices.Contains(lines, "HTTP/1.1 100 Continue"):
		return lines, false
	case length < 0: // up to the end
		rest, _ := io.ReadAll(reader)
		return append(lines, string(rest)), true
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(reader, body); err != nil {
		return append(lines, err.Error()), true
	}
	if !slices.Contains(lines, "Content-Type: "+relay.ContentType) {
		return append(lines, string(body)), false
	}
	for i, line := range lines {
		if strings.HasPrefix(line, "Content-Length: ") {
			lines[i] = "Content-Length" // depends on times
		}
	}
	return append(lines, codeOf(body)), false
}

// codeOf returns the code of a sealed answer.
func codeOf(envelope []byte) string {
	var outer types.Envelope
	var response types.RelayResponse
	if proto.Unmarshal(envelope, &outer) != nil || proto.Unmarshal(outer.GetBody(), &response) != nil {
		return "no envelope"
	}
	return response.GetError().GetCode().Label() + " " + string(response.GetPayload())
}

func statusesOf(transcript string) string {
	var statuses []string
	for line := range strings.SplitSeq(transcript, "\n") {
		if strings.HasPrefix(line, "HTTP/1.") {
			statuses = append(statuses, line[len("HTTP/1.1 "):][:3])
		}
	}
	return strings.Join(append(statuses, transcript[strings.LastIndexByte(transcript, '\n')+1:]), " ")
}
