package wire

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// plainIsParsed fails if a response is read as plain that net/http reads in another way, or not at all.
func plainIsParsed(t interface {
	Helper()
	Fatalf(string, ...any)
}, response []byte) (plain bool) {
	t.Helper()
	answer, size, plain := plainAnswer(response)
	if !plain {
		return false
	}
	reader := bufio.NewReader(bytes.NewReader(response))
	want, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatalf("%q is plain, and net/http says: %v", response, err)
	}
	body, err := io.ReadAll(want.Body)
	if err != nil {
		t.Fatalf("%q is plain, and net/http says of its body: %v", response, err)
	}
	rest, err := io.ReadAll(reader)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if want.StatusCode != answer.Status || !reflect.DeepEqual(want.Header, answer.Header) || !bytes.Equal(body, answer.Body) {
		t.Fatalf("%q:\n got %d %v %q\nwant %d %v %q", response, answer.Status, answer.Header, answer.Body, want.StatusCode, want.Header, body)
	}
	if want.Close || !want.ProtoAtLeast(1, 1) || want.ProtoMajor != answer.major || len(rest) != len(response)-size {
		t.Fatalf("%q: closed %v, version %s, %d bytes left, not %d", response, want.Close, want.Proto, len(rest), len(response)-size)
	}
	return true
}

var plainResponses = []string{
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK",
	"HTTP/1.1 500\r\ncontent-length:0\r\n\r\n",
	"HTTP/1.1 999 Odd: \"one\"\r\ncONTENT-length: \t 3\t \r\nA: b\r\na: c\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nA:\r\n\r\nabc",
	"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0003\r\n\r\nabc",
}

var otherResponses = []string{
	"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", // not all of it
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r",
	"HTTP/1.1 200 OK\r\n\r\nok",
	"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nPragma: no-cache\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTrailer: A\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n A: b\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA : b\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n: b\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\x00\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nok",
	"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok",
	"\r\n\r\n",
	"",
}

func TestPlainAnswers(t *testing.T) {
	for _, response := range plainResponses {
		if !plainIsParsed(t, []byte(response)) {
			t.Errorf("%q is not plain", response)
		}
	}
	for _, response := range otherResponses {
		if plainIsParsed(t, []byte(response)) {
			t.Errorf("%q is plain", response)
		}
	}
}

// TestPlainAnswersAreThoseOfNetHTTP puts responses together from parts, most of which are plain.
func TestPlainAnswersAreThoseOfNetHTTP(t *testing.T) {
	plain := 0
	rapid.Check(t, func(t *rapid.T) {
		lines := []string{rapid.SampledFrom([]string{"HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found", "HTTP/1.1 503", "HTTP/1.1 200 ", "HTTP/1.1 299\tx", "HTTP/1.1 204 x", "HTTP/2.0 200 OK"}).Draw(t, "status")}
		lines = append(lines, rapid.SliceOfN(rapid.SampledFrom([]string{
			"A: b", "a:c", "Content-Type: application/x-protobuf", "X-1:  d\t", "Date: now", "Set-Cookie: a=b", "Connection: keep-alive", "Keep-Alive: 5",
			"Connection: close", "B:", "C: \"\"", "E_F: g", "H: \x80", " I: j", "Cache-Control: no-store", "Upgrade: h2c", "Content-Length: 3", "Host: x",
		}), 0, 4).Draw(t, "lines")...)
		lines = append(lines, "Content-Length: "+rapid.SampledFrom([]string{"0", "3", "03", "12", "9999"}).Draw(t, "length"))
		response := strings.Join(lines, "\r\n") + "\r\n\r\n" + rapid.StringN(0, 20, 20).Draw(t, "body")
		if plainIsParsed(t, []byte(response)) {
			plain++
		}
	})
	if plain == 0 {
		t.Error("nothing was plain: the test says nothing")
	}
}

func FuzzPlainAnswer(f *testing.F) {
	for _, response := range append(plainResponses, otherResponses...) {
		f.Add([]byte(response))
	}
	f.Fuzz(func(t *testing.T, response []byte) { plainIsParsed(t, response) })
}

// TestPlainAnswerIsOneOfTwo: what follows an answer makes its connection unfit, as it does for one that net/http reads.
func TestPlainAnswerIsOneOfTwo(t *testing.T) {
	for _, ending := range []string{"", "\r\nHTTP/1.1 200 OK"} {
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		go func() { _, _ = io.WriteString(far, plainResponses[0]+ending) }()
		conn := Over(near)
		answer, err := conn.Receive()
		if err != nil || answer.Status != http.StatusOK || string(answer.Body) != "ok" || answer.FirstByte.IsZero() || answer.LastByte.IsZero() {
			t.Fatalf("answer %+v, error %v", answer, err)
		}
		if conn.Reusable() != (ending == "") {
			t.Errorf("reusable %v with %q left", conn.Reusable(), ending)
		}
	}
}
