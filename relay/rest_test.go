package relay_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

var restPaths = []struct{ base, path, want string }{
	{"http://node:1317", "/", "http://node:1317/"},
	{"http://node:1317", "/a/b", "http://node:1317/a/b"},
	{"http://node:1317/", "/a/b/", "http://node:1317/a/b/"},
	{"http://node/base/v1", "/a?x=1&y", "http://node/base/v1/a?x=1&y"},
	{"http://node/base/v1/", "/a%2Fb/%25", "http://node/base/v1/a%2Fb/%25"},
	{"http://node/base?token=t", "/a", "http://node/base/a?token=t"},
	{"http://node/base?token=t", "/a?x=1", "http://node/base/a?token=t&x=1"},
	{"http://node/b%20c", "/d", "http://node/b%20c/d"},
	{"http://node", "/a/...", "http://node/a/..."},
	{"http://node", "/a;v=1/b", "http://node/a;v=1/b"},
	{"http://node", "/@user:1,2!$&'()*+=", "http://node/@user:1,2!$&'()*+="},
	{"http://node", "/a?redirect=http://x/../y", "http://node/a?redirect=http://x/../y"},
	{"http://node/base?token=t", "/a?token=u", "names a parameter"},
	{"http://node/base?token=t", "/a?%74oken=u", "names a parameter"},
	{"http://node", "", "does not begin"},
	{"http://node", "a", "does not begin"},
	{"http://node", "http://evil/", "does not begin"},
	{"http://node", "//evil/a", "does not begin"},
	{"http://node", "@evil", "does not begin"},
	{"http://node", "/..", "leads out"},
	{"http://node", "/a/../b", "leads out"},
	{"http://node", "/a/./b", "leads out"},
	{"http://node", "/a/%2e%2E/b", "leads out"},
	{"http://node", "/a/.%2e", "leads out"},
	{"http://node", "/a%2f..%2fb", "leads out"},
	{"http://node", "/a%5c..%5cb", "leads out"},
	{"http://node", "/%252e%252e/b", "leads out"},
	{"http://node", "/%25252e%25252e/b", "leads out"},
	{"http://node", "/a/..;x=1/b", "leads out"},
	{"http://node", "/a%00", "leads out"},
	{"http://node", "/a%0d%0aHost:%20evil", "leads out"},
	{"http://node", "/a%2", "broken"},
	{"http://node", "/a%zz", "broken"},
	{"http://node", "/a b", "percent-encoded"},
	{"http://node", "/a\\..\\b", "percent-encoded"},
	{"http://node", "/a#b", "percent-encoded"},
	{"http://node", "/a\r\nHost: evil", "percent-encoded"},
	{"http://node", "/ä", "percent-encoded"},
	{"http://node", "/a?b c", "percent-encoded"},
	{"http://node", "/a?b#c", "percent-encoded"},
	{"http://node", "/a?b=%zz", "query cannot be read"},
	{"http://node", "/" + strings.Repeat("a", relay.MaxPathBytes), "more than"},
}

func TestJoinREST(t *testing.T) {
	for _, test := range restPaths {
		base, err := url.Parse(test.base)
		if err != nil {
			t.Fatal(err)
		}
		joined, err := relay.JoinREST(base, test.path)
		if err != nil {
			if !errors.Is(err, relay.ErrMalformed) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s below %s: %v, want %s", test.path, test.base, err, test.want)
			}
			continue
		}
		if joined.String() != test.want {
			t.Errorf("%s below %s: %s, want %s", test.path, test.base, joined, test.want)
		}
	}
}

// Whatever the path, the request that is sent goes to the base's host and below its path.
func FuzzJoinREST(f *testing.F) {
	for _, test := range restPaths {
		f.Add(test.path)
	}
	base, err := url.Parse("http://node:1317/base/v1?token=t")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, asked string) {
		joined, err := relay.JoinREST(base, asked)
		if err != nil {
			if !errors.Is(err, relay.ErrMalformed) {
				t.Fatalf("not malformed: %v", err)
			}
			return
		}
		request, err := http.NewRequest(http.MethodGet, joined.String(), nil)
		if err != nil {
			t.Fatalf("%q cannot be sent: %v", joined, err)
		}
		target := request.URL.RequestURI()
		plain, query, _ := strings.Cut(asked, "?")
		if request.URL.Host != "node:1317" || request.URL.Scheme != "http" || !strings.HasPrefix(target, "/base/v1"+plain+"?token=t") ||
			!strings.HasSuffix(target, query) {
			t.Fatalf("%q became %q of %s", asked, target, request.URL.Host)
		}
		clean := path.Clean(strings.ReplaceAll(request.URL.Path, "\\", "/"))
		if clean != "/base/v1" && !strings.HasPrefix(clean, "/base/v1/") {
			t.Fatalf("%q leads to %q", asked, clean)
		}
	})
}

func TestValidatePayloadOfREST(t *testing.T) {
	headers := func(n int) (lines []*types.HTTPHeader) {
		for range n {
			lines = append(lines, &types.HTTPHeader{Name: "A", Value: "b"})
		}
		return lines
	}
	line := func(name, value string) []*types.HTTPHeader { return []*types.HTTPHeader{{Name: name, Value: value}} }
	for name, test := range map[string]struct {
		payload *types.RESTPayload
		want    string
	}{
		"get":               {&types.RESTPayload{Method: "GET", Path: "/"}, ""},
		"post":              {&types.RESTPayload{Method: "POST", Path: "/a", Body: []byte("\x00")}, ""},
		"post without body": {&types.RESTPayload{Method: "POST", Path: "/a"}, ""},
		"most headers":      {&types.RESTPayload{Method: "GET", Path: "/", Headers: headers(relay.MaxHeaders)}, ""},
		"empty value":       {&types.RESTPayload{Method: "GET", Path: "/", Headers: line("A", "")}, ""},
		"get with body":     {&types.RESTPayload{Method: "GET", Path: "/", Body: []byte("x")}, "has no body"},
		"lower case":        {&types.RESTPayload{Method: "get", Path: "/"}, "method"},
		"trace":             {&types.RESTPayload{Method: "TRACE", Path: "/"}, "method"},
		"two lines":         {&types.RESTPayload{Method: "GET / HTTP/1.1\r\n\r\nGET", Path: "/"}, "method"},
		"path":              {&types.RESTPayload{Method: "GET", Path: "/.."}, "leads out"},
		"too many headers":  {&types.RESTPayload{Method: "GET", Path: "/", Headers: headers(relay.MaxHeaders + 1)}, "33 headers"},
		"no name":           {&types.RESTPayload{Method: "GET", Path: "/", Headers: line("", "x")}, "name"},
		"long name":         {&types.RESTPayload{Method: "GET", Path: "/", Headers: line(strings.Repeat("a", 65), "x")}, "name"},
		"name with colon":   {&types.RESTPayload{Method: "GET", Path: "/", Headers: line("A: b", "x")}, "name"},
		"value with lines":  {&types.RESTPayload{Method: "GET", Path: "/", Headers: line("A", "b\r\nC: d")}, "value"},
		"long value":        {&types.RESTPayload{Method: "GET", Path: "/", Headers: line("A", strings.Repeat("a", relay.MaxHeaderBytes+1))}, "value"},
	} {
		requests, err := relay.ValidatePayload(types.Payload{REST: test.payload})
		if test.want == "" && (err != nil || requests != 1) {
			t.Errorf("%s: %d, %v", name, requests, err)
		}
		if test.want != "" && (!errors.Is(err, relay.ErrMalformed) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %v, want malformed with %s", name, err, test.want)
		}
	}
	if requests, err := relay.ValidatePayload(types.PayloadOf(sampleRequest())); err != nil || requests != 1 {
		t.Errorf("JSON-RPC: %d, %v", requests, err)
	}
}

// A REST request survives sealing and opening, and what is not known in it is refused.
func TestRESTRequestRoundTrip(t *testing.T) {
	newRequest := func() (*types.RelayRequest, *types.RESTPayload) {
		request := sampleRequest()
		rest := &types.RESTPayload{Method: "GET", Path: "/a?b", Headers: []*types.HTTPHeader{{Name: "Accept", Value: "*/*"}}}
		request.Payload = &types.RelayRequest_Rest{Rest: rest}
		return request, rest
	}
	request, rest := newRequest()
	sealed, err := relay.SealRequest(askerKey, request)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := relay.OpenRequest(sealed.Envelope)
	if err != nil || fmt.Sprint(opened.Request.GetRest()) != fmt.Sprint(rest) || !opened.VerifySignature() {
		t.Errorf("opened %v, %v", opened, err)
	}
	for name, spoil := range map[string]func(rest *types.RESTPayload){
		"header with an unknown field":  func(rest *types.RESTPayload) { rest.Headers[0].ProtoReflect().SetUnknown([]byte{0x78, 1}) },
		"payload with an unknown field": func(rest *types.RESTPayload) { rest.ProtoReflect().SetUnknown([]byte{0x78, 1}) },
		"no path":                       func(rest *types.RESTPayload) { rest.Path = "" },
	} {
		request, rest := newRequest()
		spoil(rest)
		if _, err := relay.SealRequest(askerKey, request); !errors.Is(err, relay.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
