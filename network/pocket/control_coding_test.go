package pocket

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// coded is a body through a writer of a coding.
func coded(t *testing.T, plain []byte, coding func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer := coding(&packed)
	if _, err := writer.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func zip(w io.Writer) io.WriteCloser     { return gzip.NewWriter(w) }
func deflate(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }

// The control probe asks with the header fields that clients send, and reads gzip within its bound.
func TestProbeReadsCodings(t *testing.T) {
	plain := []byte(`{"jsonrpc":"2.0","id":1,"result":"fine"}`)
	packed, most := coded(t, plain, zip), make([]byte, maxProbeBytes)
	for _, test := range []struct {
		name, coding string
		body, want   []byte // no answer is wanted for nil
	}{
		{"plain", "", plain, plain},
		{"gzip", "gzip", packed, plain},
		{"gzip by its old name", "x-gzip", packed, plain},
		{"no coding", "identity", plain, plain},
		{"another", "deflate", coded(t, plain, deflate), coded(t, plain, deflate)},
		{"at the bound", "gzip", coded(t, most, zip), most},
		{"beyond the bound", "gzip", coded(t, append(most, 0), zip), nil},
		{"nothing, very often", "gzip", bytes.Repeat(coded(t, nil, zip), 100_000), nil},
		{"cut off", "gzip", packed[:len(packed)-9], nil},
		{"not gzip", "gzip", plain, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for name, want := range map[string]string{"Accept": "application/json", "Accept-Encoding": "gzip",
					"Content-Type": "application/json", "User-Agent": "Go-http-client/1.1"} {
					if got := r.Header.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				if test.coding != "" {
					w.Header().Set("Content-Encoding", test.coding)
				}
				_, _ = w.Write(test.body)
			}))
			defer server.Close()
			answer, err := Control(server.URL, nil)(t.Context(), types.Payload{JSONRPC: []byte("question")})
			if (err == nil) != (test.want != nil) || !bytes.Equal(answer.Body, test.want) {
				t.Errorf("%d bytes, error %v; want %d bytes", len(answer.Body), err, len(test.want))
			}
		})
	}
}

// A REST question says itself what it accepts, but not in which coding.
func TestProbeAcceptsWhatTheQuestionDoes(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Accept")+" "+r.Header.Get("Accept-Encoding"))
	}))
	defer server.Close()
	answer, err := Control(server.URL, nil)(t.Context(), types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/",
		Headers: []*types.HTTPHeader{{Name: "accept", Value: "text/plain"}, {Name: "Accept-Encoding", Value: "br"}}}})
	if err != nil || string(answer.Body) != "text/plain gzip" {
		t.Errorf("answer %q, error %v", answer.Body, err)
	}
}
