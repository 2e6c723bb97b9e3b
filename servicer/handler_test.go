package servicer_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// serveHandler serves a servicer's handler on a socket.
func serveHandler(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// post sends a body and reads the whole answer.
func post(t *testing.T, client *http.Client, target string, body io.Reader) (*http.Response, []byte) {
	t.Helper()
	response, err := client.Post(target, relay.ContentType, body)
	if err != nil {
		t.Fatalf("post: %v", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	return response, answer
}

func checkHead(t *testing.T, response *http.Response, answer []byte) {
	t.Helper()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != relay.ContentType {
		t.Errorf("status %d, type %q", response.StatusCode, response.Header.Get("Content-Type"))
	}
	if response.ContentLength != int64(len(answer)) || len(response.TransferEncoding) != 0 {
		t.Errorf("length %d of %d, encoding %v", response.ContentLength, len(answer), response.TransferEncoding)
	}
}

func TestHandlerAnswers(t *testing.T) {
	node := newUpstream(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(jsonOf(relay.MaxResponsePayloadBytes)) })
	server := serveHandler(t, newServicer(t, newChain(25), node.URL).Handler())
	sealed := seal(t, applicationKey, newRequest())
	for _, want := range []types.RelayErrorCode{0, replayedCode} {
		response, answer := post(t, server.Client(), server.URL+relay.Path, bytes.NewReader(sealed.Envelope))
		checkHead(t, response, answer)
		wantCode(t, open(t, answer, sealed.BodyHash), want)
	}
}

// padded returns a good request whose envelope has that many bytes: white space around JSON has no meaning.
func padded(t *testing.T, size int) *relay.SealedRequest {
	t.Helper()
	request := newRequest()
	pad := func(n int) {
		request.GetJsonRpc().Body = append(bytes.Clone(question), bytes.Repeat([]byte(" "), n)...)
	}
	pad(size - 1024)
	over := size - len(seal(t, applicationKey, request).Envelope)
	pad(size - 1024 + over)
	sealed := seal(t, applicationKey, request)
	if len(sealed.Envelope) != size {
		t.Fatalf("padded to %d bytes, want %d", len(sealed.Envelope), size)
	}
	return sealed
}

func TestHandlerSizeLimit(t *testing.T) {
	server := serveHandler(t, newServicer(t, newChain(25), newHonest(t).URL).Handler())
	hidden := func(body []byte) io.Reader { return io.MultiReader(bytes.NewReader(body)) } // no length: chunked
	for _, announced := range []bool{true, false} {
		send := func(body []byte) (*http.Response, []byte) {
			if announced {
				return post(t, server.Client(), server.URL+relay.Path, bytes.NewReader(body))
			}
			return post(t, server.Client(), server.URL+relay.Path, hidden(body))
		}
		sealed := padded(t, relay.MaxRequestBytes)
		response, answer := send(sealed.Envelope)
		checkHead(t, response, answer)
		wantReply(t, open(t, answer, sealed.BodyHash))

		response, answer = send(append(bytes.Clone(sealed.Envelope), 0))
		checkHead(t, response, answer)
		wantCode(t, open(t, answer, [32]byte{}), types.RelayErrorCode_RELAY_ERROR_CODE_TOO_LARGE)
		if !response.Close {
			t.Error("the connection is kept although the body was not read")
		}
	}
}

func TestHandlerRefusesOtherRequests(t *testing.T) {
	node := newHonest(t)
	server := serveHandler(t, newServicer(t, newChain(25), node.URL).Handler())
	envelope := seal(t, applicationKey, newRequest()).Envelope
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, relay.Path, http.StatusMethodNotAllowed},
		{http.MethodHead, relay.Path, http.StatusMethodNotAllowed},
		{http.MethodPut, relay.Path, http.StatusMethodNotAllowed},
		{http.MethodOptions, relay.Path, http.StatusMethodNotAllowed},
		{http.MethodPost, "/", http.StatusNotFound},
		{http.MethodPost, relay.Path + "/", http.StatusNotFound},
		{http.MethodPost, "/x/.." + relay.Path, http.StatusNotFound},
		{http.MethodGet, "/debug/pprof/", http.StatusNotFound},
	} {
		request, err := http.NewRequest(test.method, server.URL+test.path, bytes.NewReader(envelope))
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatalf("%s %s: %v", test.method, test.path, err)
		}
		response.Body.Close()
		if response.StatusCode != test.want {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, response.StatusCode, test.want)
		}
		if allow := response.Header.Get("Allow"); (test.want == http.StatusMethodNotAllowed) != (allow == http.MethodPost) {
			t.Errorf("%s %s: Allow %q", test.method, test.path, allow)
		}
	}
	if node.asked.Load() != 0 {
		t.Error("the upstream was asked")
	}
}

// Clients that break off or do not speak HTTP are refused; the next one is served.
func TestHandlerOutlivesGarbage(t *testing.T) {
	server := serveHandler(t, newServicer(t, newChain(25), newHonest(t).URL).Handler())
	for _, wire := range []string{
		"\x16\x03\x01\x00garbage\r\n\r\n",
		"POST " + relay.Path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort",
		"POST " + relay.Path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"POST " + relay.Path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
	} {
		connection, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.WriteString(connection, wire)
		_ = connection.(*net.TCPConn).CloseWrite()
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Errorf("%q: %v", wire, err)
		} else if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: status %d", wire, response.StatusCode)
		}
		connection.Close()
	}
	for _, body := range []string{"", "garbage", strings.Repeat("\xff", 1000)} {
		response, answer := post(t, server.Client(), server.URL+relay.Path, strings.NewReader(body))
		checkHead(t, response, answer)
		wantCode(t, open(t, answer, [32]byte{}), types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED)
	}
	sealed := seal(t, applicationKey, newRequest())
	_, answer := post(t, server.Client(), server.URL+relay.Path, bytes.NewReader(sealed.Envelope))
	wantReply(t, open(t, answer, sealed.BodyHash))
}
