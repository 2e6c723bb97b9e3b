package servicer_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func zipped(t testing.TB, plain []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if _, err := writer.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func deflated(t testing.TB, plain []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer := zlib.NewWriter(&packed)
	_, _ = writer.Write(plain)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// noise is a JSON string of that many bytes that does not get smaller by gzip.
func noise(size int) []byte {
	random, text := rand.New(rand.NewPCG(1, 2)), make([]byte, size)
	for i := range text {
		text[i] = byte('#' + random.IntN('['-'#'))
	}
	text[0], text[size-1] = '"', '"'
	return text
}

// Every coding of an answer, for both kinds of nodes.
func TestCodings(t *testing.T) {
	limit := relay.MaxResponsePayloadBytes
	corrupt := zipped(t, reply)
	corrupt[len(corrupt)-8] ^= 1 // of the checksum
	notFound := []byte(`{"code":5,"message":"not found"}`)
	for _, test := range []struct {
		name   string
		coding []string
		status int
		body   []byte
		// rpc is what a JSON-RPC request gets, rest what a REST one does.
		rpc, rest types.RelayErrorCode
		// payload is what both get; for another coding REST gets the body and its coding as they are.
		payload []byte
		asIs    bool
	}{
		{"gzip", []string{"gzip"}, 200, zipped(t, reply), 0, 0, reply, false},
		{"the old name", []string{"x-gzip"}, 200, zipped(t, reply), 0, 0, reply, false},
		{"in capitals", []string{"GZIP"}, 200, zipped(t, reply), 0, 0, reply, false},
		{"and no coding", []string{"identity, gzip"}, 200, zipped(t, reply), 0, 0, reply, false},
		{"in two lines", []string{"identity", "gzip"}, 200, zipped(t, reply), 0, 0, reply, false},
		{"no coding", []string{"identity"}, 200, reply, 0, 0, reply, true},
		{"two members", []string{"gzip"}, 200, append(zipped(t, reply[:9]), zipped(t, reply[9:])...), 0, 0, reply, false},
		{"an error", []string{"gzip"}, 404, zipped(t, notFound), 0, 0, notFound, false},
		{"a refusal", []string{"gzip"}, 429, zipped(t, []byte("slow down")), upstreamNotJSON, 0, []byte("slow down"), false},
		{"nothing", []string{"gzip"}, 200, nil, upstreamNotJSON, 0, nil, false},
		{"at the limit", []string{"gzip"}, 200, zipped(t, jsonOf(limit)), 0, 0, jsonOf(limit), false},
		{"at the limit, longer when coded", []string{"gzip"}, 200, zipped(t, noise(limit)), 0, 0, noise(limit), false},
		{"one over the limit", []string{"gzip"}, 200, zipped(t, jsonOf(limit+1)), upstreamTooLarge, upstreamTooLarge, nil, false},
		{"a bomb", []string{"gzip"}, 200, zipped(t, make([]byte, 64<<20)), upstreamTooLarge, upstreamTooLarge, nil, false},
		{"nothing, very often", []string{"gzip"}, 200, bytes.Repeat(zipped(t, nil), 100_000), upstreamTooLarge, upstreamTooLarge, nil, false},
		{"cut off", []string{"gzip"}, 200, zipped(t, reply)[:20], upstreamUnreachable, upstreamUnreachable, nil, false},
		{"without its end", []string{"gzip"}, 200, zipped(t, reply)[:len(zipped(t, reply))-8], upstreamUnreachable, upstreamUnreachable, nil, false},
		{"corrupt", []string{"gzip"}, 200, corrupt, upstreamUnreachable, upstreamUnreachable, nil, false},
		{"not gzip", []string{"gzip"}, 502, []byte("<html>"), upstreamUnreachable, upstreamUnreachable, nil, false},
		{"another", []string{"deflate"}, 200, deflated(t, reply), upstreamNotJSON, 0, deflated(t, reply), true},
		{"twice", []string{"gzip, gzip"}, 200, zipped(t, zipped(t, reply)), upstreamNotJSON, 0, zipped(t, zipped(t, reply)), true},
		{"another below", []string{"br", "gzip"}, 200, zipped(t, []byte{1}), upstreamNotJSON, 0, zipped(t, []byte{1}), true},
		{"a name that is none", []string{"utf-8"}, 200, reply, 0, 0, reply, true},
	} {
		node := newUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Encoding"] = test.coding
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(test.body)))
			w.WriteHeader(test.status)
			_, _ = w.Write(test.body)
		})
		s := newServicer(t, newChain(25), node.URL)
		check := func(t *testing.T, request *types.RelayRequest, code types.RelayErrorCode) *types.RelayResponse {
			t.Helper()
			response := ask(t, s, seal(t, applicationKey, request))
			wantCode(t, response, code)
			if want := test.payload; code == 0 && !bytes.Equal(response.GetPayload(), want) {
				t.Errorf("got %d bytes, want %d", len(response.GetPayload()), len(want))
			}
			if int(response.GetUpstreamStatus()) != test.status {
				t.Errorf("status %d, want %d", response.GetUpstreamStatus(), test.status)
			}
			return response
		}
		t.Run(test.name+"/JSON-RPC", func(t *testing.T) { check(t, newRequest(), test.rpc) })
		t.Run(test.name+"/REST", func(t *testing.T) {
			code := test.rest
			if len(test.payload) == limit {
				code = upstreamTooLarge // its headers take room too
			}
			response := check(t, newREST(restPayload("GET", "/")), code)
			want := "Content-Type=application/json"
			if test.asIs {
				want = "Content-Encoding=" + test.coding[0] + " " + want
			}
			if got := headerLines(response); code == 0 && got != want {
				t.Errorf("headers %s, want %s", got, want)
			}
		})
	}
}

// An answer to HEAD has no body, whatever its header says; the fields of the coded body are not those of the decoded one.
func TestCodingOfHead(t *testing.T) {
	node := newUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Length", "99999999")
		w.Header().Set("ETag", `"7"`)
	})
	response := ask(t, newServicer(t, newChain(25), node.URL), seal(t, applicationKey, newREST(restPayload("HEAD", "/"))))
	wantCode(t, response, 0)
	if got := headerLines(response); got != `Etag="7"` || len(response.GetPayload()) > 0 {
		t.Errorf("headers %s, %d bytes", got, len(response.GetPayload()))
	}
}

// A coded answer that never ends is left once it is too large, decoded or not.
func TestEndlessCoding(t *testing.T) {
	for name, part := range map[string][]byte{"bombs": zipped(t, make([]byte, 1<<20)), "nothing": zipped(t, nil)} {
		t.Run(name, func(t *testing.T) {
			node := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				for r.Context().Err() == nil {
					if _, err := w.Write(part); err != nil {
						return
					}
				}
			})
			response := ask(t, newServicer(t, newChain(25), node.URL), seal(t, applicationKey, newRequest()))
			wantCode(t, response, upstreamTooLarge)
		})
	}
}

// A header that announces more than is taken is not waited for.
func TestCodingThatAnnouncesTooMuch(t *testing.T) {
	node := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Length", strconv.Itoa(2*relay.MaxResponsePayloadBytes))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	s := newServicer(t, newChain(25), node.URL, func(c *servicer.Config) { c.UpstreamTimeout = time.Minute })
	wantCode(t, ask(t, s, seal(t, applicationKey, newRequest())), upstreamTooLarge)
}
