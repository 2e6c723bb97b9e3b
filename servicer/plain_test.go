package servicer

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/relay"
)

const plainRequest = requestLine + "Host: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 5\r\n\r\n"

// TestPlainHeaderInParts: as long as the header of a plain request is not complete, it may become one.
func TestPlainHeaderInParts(t *testing.T) {
	whole := plainRequest + "hello"
	for end := range len(whole) + 1 {
		found, size, length := plainHeader([]byte(whole[:end]))
		if end < len(plainRequest) && found != unfinished || end >= len(plainRequest) && (found != plain || size != len(plainRequest) || length != 5) {
			t.Fatalf("after %d bytes: %d, header of %d, body of %d", end, found, size, length)
		}
	}
}

// TestPlainHeaderTakesNoMemory: clients do not make a servicer allocate before their bodies come.
func TestPlainHeaderTakesNoMemory(t *testing.T) {
	read := []byte(plainRequest)
	if allocations := testing.AllocsPerRun(100, func() { plainHeader(read) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// FuzzPlainHeader: a header that is taken is read by package net/http as the same request, to the byte.
func FuzzPlainHeader(f *testing.F) {
	f.Add([]byte(plainRequest))
	for _, line := range []string{
		"content-length: 5", "Content-Length: 05", "Content-Length: 65536", "Content-Length: 65537", "Transfer-Encoding: chunked",
		"Transfer-encoding:\tidentity", "TRANSFER-ENCODING : chunked", "Expect: 100-continue", "Connection: keep-alive", "Connection: close",
		"Host: y", "Host: a b", "Trailer: X", "Upgrade: h2c", " folded: x", "X:\x00", "X: \xff", "X", ": x", "X:", "X : y", "Content-Length:5,5",
		"Host: [::1%25eth0]:80", "Host: é", "Proxy-Connection: close", "X:\r y", "X: \x7f",
	} {
		f.Add([]byte(requestLine + line + "\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"))
		f.Add([]byte(requestLine + "Host: x\r\n" + line + "\r\n\r\n"))
	}
	f.Add([]byte(strings.ReplaceAll(plainRequest, "\r\n", "\n")))
	f.Fuzz(func(t *testing.T, read []byte) {
		found, size, length := plainHeader(read)
		if found != plain {
			return
		}
		rest := bufio.NewReader(bytes.NewReader(append(bytes.Clone(read), make([]byte, relay.MaxRequestBytes)...)))
		request, err := http.ReadRequest(rest)
		if err != nil {
			t.Fatalf("package net/http: %v", err)
		}
		got := fmt.Sprint(request.Method, request.RequestURI, request.URL.Path, request.Proto, request.ContentLength, request.TransferEncoding,
			request.Close, request.Trailer, request.Header["Expect"], request.Header["Upgrade"])
		want := fmt.Sprint("POST", relay.Path, relay.Path, "HTTP/1.1", length, []string(nil), false, http.Header(nil), []string(nil), []string(nil))
		if got != want || request.Host == "" {
			t.Errorf("got %s, want %s", got, want)
		}
		if body, err := io.ReadAll(request.Body); err != nil || len(body) != length {
			t.Errorf("a body of %d bytes, error %v, want %d", len(body), err, length)
		}
		left, _ := io.ReadAll(rest)
		if used := len(read) + relay.MaxRequestBytes - len(left); used != size+length {
			t.Errorf("package net/http used %d bytes, want %d", used, size+length)
		}
		for end := range min(size, 200) {
			if found, _, _ := plainHeader(read[:end]); found != unfinished {
				t.Fatalf("after %d bytes of %d: %d", end, size, found)
			}
		}
	})
}
