package endpoints

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// What is prepared once for a target is what net/http writes, byte for byte.
func TestPreparedRequests(t *testing.T) {
	for address, headers := range map[string]map[string]string{
		"http://127.0.0.1:8545":                      nil,
		"https://node.example/v2/KEY/?a=%20b&c":      {"Authorization": "Bearer TOKEN", "X-Last": "1"},
		"https://user:pass:word@node.example:8443/x": {"Accept": "text/plain", "Accept-Encoding": "br", "Content-Type": "x/y"},
		"http://[2001:db8::1]/%2F//":                 {"User-Agent": "me", "Host": "other", "Content-Length": "1"},
		"http://node.example/\u00fc":                 {"A": "Content-Length: 1"},
	} {
		configured := groups.Target{Name: "one", URL: groups.NewSecret(address), Headers: make(map[string]groups.Secret)}
		for name, value := range headers {
			configured.Headers[name] = groups.NewSecret(value)
		}
		made, err := newTarget(configured, newThrottle(1))
		if err != nil {
			t.Fatal(address, err)
		}
		for _, body := range []string{"?", "{}", strings.Repeat("\r\n\r\n", 5000)} {
			payload := types.Payload{JSONRPC: []byte(body)}
			got, err := made.ask(payload)
			if err != nil {
				t.Fatal(address, err)
			}
			want, err := newRequest(made, payload, made.header.Clone())
			if err != nil {
				t.Fatal(address, err)
			}
			if made.template.before == nil || !bytes.Equal(got.Wire(), want.Wire()) || !bytes.Equal(got.Evidence(), want.Evidence()) || got.rpc != want.rpc {
				t.Errorf("%s: %q, want %q", address, got.Wire(), want.Wire())
			}
		}
	}
}

// A header that net/http does not write is refused as before, when it is asked with.
func TestUnpreparedRequests(t *testing.T) {

	configured := groups.Target{Name: "one", URL: groups.NewSecret("http://node.example/"), Headers: map[string]groups.Secret{"X y": groups.NewSecret("a")}}
	made, err := newTarget(configured, newThrottle(1))
	if err != nil {
		t.Fatal(err)
	}
	payload := types.Payload{JSONRPC: []byte("{}")}
	got, gotErr := made.ask(payload)
	want, wantErr := newRequest(made, payload, made.header.Clone())
	if (gotErr == nil) != (wantErr == nil) || gotErr == nil && !bytes.Equal(got.Wire(), want.Wire()) {
		t.Errorf("%v, want %v", gotErr, wantErr)
	}
}
