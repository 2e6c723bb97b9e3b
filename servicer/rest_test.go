package servicer_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func restPayload(method, path string, headers ...*types.HTTPHeader) *types.RelayRequest_Rest {
	return &types.RelayRequest_Rest{Rest: &types.RESTPayload{Method: method, Path: path, Headers: headers}}
}

func header(name, value string) *types.HTTPHeader { return &types.HTTPHeader{Name: name, Value: value} }

// newREST returns a request to the REST node.
func newREST(payload *types.RelayRequest_Rest) *types.RelayRequest {
	request := newRequest()
	request.Session, request.Payload = headerAt(20, restChain), payload
	return request
}

// echoing records its requests, and always answers with the same bytes.
func echoing(asked chan<- []byte, answer []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- body
		_, _ = w.Write(answer)
	}
}

// The node sees method, path, query, body and the headers on the list, and nothing else; the same holds for the client.
func TestREST(t *testing.T) {
	seen := make(chan string, 1)
	node := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen <- fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header, " ", string(body))
		for _, name := range []string{"Set-Cookie", "Server", "Via", "Location", "X-Forwarded-For", "Keep-Alive", "X-Internal"} {
			w.Header().Set(name, "secret")
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("ETag", `"7"`)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "<made>")
	})
	s := newServicer(t, newChain(25), node.URL)
	payload := restPayload("POST", "/tx/%2Fx?mode=a%20b&x",
		header("content-type", "text/plain"), header("Accept", "*/*"), header("Accept", "second"), header("X-Cosmos-Block-Height", "7"),
		header("Host", "evil"), header("Cookie", "a=b"), header("Authorization", "Bearer x"), header("Content-Length", "1"),
		header("Transfer-Encoding", "chunked"), header("Connection", "close"), header("X-Forwarded-For", "1.2.3.4"),
		header("Forwarded", "for=1.2.3.4"), header("Proxy-Authorization", "x"), header("Upgrade", "websocket"), header("Te", "trailers"),
		header("Expect", "100-continue"), header("User-Agent", "me"), header("X-Real-Ip", "1.2.3.4"), header("Accept-Encoding", "br"))
	payload.Rest.Body = []byte("hello")
	response := ask(t, s, seal(t, applicationKey, newREST(payload)))
	want := "POST " + restBase + "/tx/%2Fx?mode=a%20b&x map[Accept:[*/*] Accept-Encoding:[gzip] Content-Length:[5] " +
		"Content-Type:[text/plain] User-Agent:[Go-http-client/1.1] X-Cosmos-Block-Height:[7]] hello"
	if got := <-seen; got != want {
		t.Errorf("asked %s\nwant  %s", got, want)
	}
	if response.GetUpstreamStatus() != http.StatusCreated || string(response.GetPayload()) != "<made>" {
		t.Errorf("got %v", response)
	}
	if got := headerLines(response); got != `Content-Type=text/plain Etag="7"` {
		t.Errorf("headers %s", got)
	}
}

// headerLines are the headers of an answer, in their order.
func headerLines(response *types.RelayResponse) string {
	var lines []string
	for _, header := range response.GetHeaders() {
		lines = append(lines, header.GetName()+"="+header.GetValue())
	}
	return strings.Join(lines, " ")
}

func TestRESTAnswers(t *testing.T) {
	big := strings.Repeat("x", relay.MaxHeaderBytes)
	for _, test := range []struct {
		name, method string
		node         http.HandlerFunc
		code         types.RelayErrorCode
		status       uint32
		size         int
	}{
		{"empty", "DELETE", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, 0, 204, 0},
		{"head", "HEAD", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99999999") }, 0, 200, 0},
		{"not found", "GET", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusNotFound) }, 0, 404, 3},
		{"redirect", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusFound)
		}, 0, 302, 0},
		{"largest headers and body", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", big)
			w.Header().Set("Content-Type", "x")
			w.Header().Set("Cache-Control", big+"x") // too long to pass on
			_, _ = w.Write(bytes.Repeat([]byte("x"), relay.MaxResponsePayloadBytes-len(big)-4-13-2*16))
		}, 0, 200, relay.MaxResponsePayloadBytes - len(big) - 4 - 13 - 2*16},
		{"one more", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", big)
			w.Header().Set("Content-Type", "x")
			_, _ = w.Write(bytes.Repeat([]byte("x"), relay.MaxResponsePayloadBytes-len(big)-4-13-2*16+1))
		}, upstreamTooLarge, 200, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			node := newUpstream(t, test.node)
			response := ask(t, newServicer(t, newChain(25), node.URL), seal(t, applicationKey, newREST(restPayload(test.method, "/"))))
			wantCode(t, response, test.code)
			if response.GetUpstreamStatus() != test.status || len(response.GetPayload()) != test.size {
				t.Errorf("status %d, %d bytes; want %d, %d", response.GetUpstreamStatus(), len(response.GetPayload()), test.status, test.size)
			}
		})
	}
}
