package wire_test

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/wire"
)

var update = flag.Bool("update-wire", false, "write the golden requests anew")

func TestRequestIsGolden(t *testing.T) {
	for name, test := range map[string]struct {
		method, address string
		header          http.Header
		body            string
	}{
		"request_post.golden":  {"POST", "http://node.example:8080/v1?key=1", http.Header{"Content-Type": {"application/json"}}, `{"id":1}`},
		"request_get.golden":   {"GET", "https://node.example/blocks/%37?height=7", http.Header{"Accept": {"application/json"}, "X-Two": {"a", "b"}}, ""},
		"request_empty.golden": {"POST", "http://user:password@[2001:db8::1]:9", nil, ""},
	} {
		got, err := wire.Request(test.method, test.address, test.header, []byte(test.body))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
	}
}

// TestTemplateIsRequest: requests of a template are those that would be serialised one by one.
func TestTemplateIsRequest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.SampledFrom([]string{
			"http://node.example:8080/v1?key=1", "https://node.example/blocks/%37?height=7", "http://user:password@[2001:db8::1]:9",
			"http://node.example/%0d%0aContent-Length:%201%0d%0a", "http://xn--a\u00ad\u0301.example",
		}).Draw(t, "address")
		method := rapid.SampledFrom([]string{"POST", "PUT", "GET", "\r\n"}).Draw(t, "method")
		header := http.Header{"X": {rapid.SampledFrom([]string{"1", "\r\nContent-Length: 1\r\n", "a\r\n"}).Draw(t, "value")}, "Content-Length": {"1"}}
		template, err := wire.NewTemplate(method, address, header)
		for _, body := range rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 300), 1, 3).Draw(t, "bodies") {
			want, wantErr := wire.Request(method, address, header, body)
			if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
				t.Fatalf("error %v, want %v", err, wantErr)
			}
			if err != nil {
				continue
			}
			head := template.Head(len(body))
			if cap(head)-len(head) < len(body) {
				t.Fatalf("room for %d bytes, not %d", cap(head)-len(head), len(body))
			}
			if got := append(head, body...); !bytes.Equal(got, want) {
				t.Fatalf("\n got %q\nwant %q", got, want)
			}
		}
	})
}

// A header value cannot begin another header, nor end the request.
func TestRequestIsNotSplit(t *testing.T) {
	got, err := wire.Request("GET", "http://node.example/", http.Header{"X": {"a\r\nY: b\r\n\r\nGET / HTTP/1.1"}}, nil)
	if err == nil && (strings.Count(string(got), "\r\n\r\n") != 1 || strings.Contains(string(got), "\r\nY:")) {
		t.Errorf("%q", got)
	}
}

// URLs may hold passwords and access tokens, which are in no error, whichever part of a bad URL they are in.
func TestErrorsHoldNoSecret(t *testing.T) {
	const secret = "HUSH"
	dialer := &wire.Dialer{}
	for name, address := range map[string]string{
		"path of no host":      "http://[::1/HUSH",
		"query of no host":     "http://[::1?key=HUSH",
		"password, no host":    "http://user:HUSH@[::1",
		"password with slash":  "http://user:HUSH/1@node.example",
		"password with query":  "http://user:HUSH?1@node.example/",
		"no number as port":    "http://node.example:HUSH/",
		"bad escape in path":   "http://node.example/%zz/HUSH",
		"bad escape in user":   "http://HUSH%zz:HUSH@node.example/",
		"bad escape in host":   "http://node%zz.example/HUSH",
		"blank in host":        "http://a%20b/HUSH?HUSH#HUSH",
		"control character":    "http://node.example/HUSH\x7f",
		"no scheme":            "://HUSH",
		"user for a scheme":    "HUSH:HUSH@node.example",
		"another scheme":       "ftp://HUSH:HUSH@node.example/HUSH?HUSH",
		"private address":      "http://HUSH:HUSH@127.0.0.1/HUSH?HUSH",
		"private, with TLS":    "https://HUSH:HUSH@127.0.0.1/HUSH?HUSH",
		"no such port":         "http://HUSH:HUSH@127.0.0.1:65536/HUSH?HUSH",
		"host that is no host": "http://HUSH:HUSH@xn--a\u00ad\u0301.example/HUSH?HUSH",
		"empty host":           "http:///HUSH?HUSH",
	} {
		conn, failure := dial(t, dialer, address, 5*time.Second)
		if failure == nil || conn != nil || strings.Contains(strings.ToUpper(failure.Error()), secret) || strings.ContainsAny(failure.Error(), "\n\x7f") {
			t.Errorf("%s: dial: %v", name, failure)
		}
		if _, err := wire.Request("GET", address, nil, nil); err != nil && strings.Contains(strings.ToUpper(err.Error()), secret) {
			t.Errorf("%s: request: %v", name, err)
		}
	}
	if _, err := wire.Request("no method", "http://node.example/HUSH", nil, nil); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("bad method: %v", err)
	}
}
