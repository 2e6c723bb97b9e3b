package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withFeed returns a configuration whose fisherman has a feed that is written as JSON.
func withFeed(written string) (Node, error) {
	read, err := Parse(fmt.Appendf(nil, `{"format": 1, "fisherman": {"key": %q, "feed": %s}}`, second, written))
	if err == nil {
		err = read.Validate()
	}
	return read, err
}

// Each feed is refused on one line that says what would be right, and shows no password.
func TestFeedRefusals(t *testing.T) {
	for written, want := range map[string]string{
		`{}`: "fisherman.feed is without nats and embedded; allowed: either nats, as in nats://nats.example:4222, or embedded",
		`{"nats": "nats://a.example", "embedded": true}`:              "fisherman.feed is with nats and embedded",
		`{"nats": "http://u:` + planted + `@a.example"}`:              "fisherman.feed.nats has another scheme than nats and tls",
		`{"nats": ["nats://a.example", "nats://u:` + planted + `@"]}`: "fisherman.feed.nats has no host",
		`{"nats": 5}`: "nats is the URL of a server, or a list of them",
		`{"embedded": true, "listen": "0.0.0.0:4222"}`:          "fisherman.feed.listen is \"0.0.0.0:4222\"; allowed: a loopback address",
		`{"embedded": true, "credentials": "a.creds"}`:          "fisherman.feed is embedded, with credentials or tls",
		`{"embedded": true, "replicas": 3}`:                     "fisherman.feed.replicas is 3; allowed: 1 with embedded",
		`{"nats": "nats://a.example", "replicas": 9}`:           "fisherman.feed.replicas is 9; allowed: 1 to 5",
		`{"nats": "nats://a.example", "listen": "127.0.0.1:1"}`: "fisherman.feed.listen is for nats",
		`{"nats": "nats://a.example", "stream": "a b"}`:         "fisherman.feed.stream is \"a b\"; allowed: 1 to 255 letters",
		`{"nats": "nats://a.example", "tls": {"cert": "a"}}`:    "fisherman.feed.tls is cert or key alone",
		`{"nats": "nats://a.example", "max_age": "1s"}`:         "fisherman.feed.max_age is 1s; allowed: 1h to 3660d",
		`{"nats": "nats://a.example", "max_bytes": 3}`:          "fisherman.feed.max_bytes is 3",
		`{"nats": "nats://a.example", "discard": "all"}`:        "fisherman.feed.discard is \"all\"; allowed: old or new",
		`{"nats": "nats://a.example", "place": "a\u001b[2J"}`:   "fisherman.feed.place is",
		`{"nats": "nats://a.example", "server": "b"}`:           "unknown field",
	} {
		_, err := withFeed(written)
		wantInvalid(t, err, want)
		if err != nil && (strings.Contains(err.Error(), planted) || strings.ContainsAny(err.Error(), "\n\x1b")) {
			t.Errorf("%s: %q", written, err)
		}
	}
}

// A feed comes back from its encoding, its URLs are opened, and are not shown.
func TestFeed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "url"), []byte("tls://b.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := withFeed(`{"nats": ["nats://${KEY}@a.example:4222", {"file": "url"}, "nats://u:` + planted + `@c.example"], "credentials": "a.creds", "max_age": "2d", "replicas": 3}`)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := read.Open(dir, environment)
	if err != nil {
		t.Fatal(err)
	}
	var urls []string
	for _, url := range opened.Fisherman.Feed.NATS {
		urls = append(urls, url.Reveal())
	}
	if got, want := strings.Join(urls, " "), "nats://"+planted+"@a.example:4222 tls://b.example nats://u:"+planted+"@c.example"; got != want {
		t.Errorf("opened %s", got)
	}
	for _, n := range []Node{read.Shown(), opened.Shown(), opened} {
		encoded, err := n.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(encoded)+fmt.Sprintf("%+v", *n.Fisherman.Feed), planted) {
			t.Errorf("shown as %s", encoded)
		}
	}
	if got := read.Fisherman.Feed.Within("/home").Credentials; got != "/home/a.creds" || read.Fisherman.Feed.Credentials != "a.creds" {
		t.Errorf("credentials %s", got)
	}
	if _, err := read.Open(t.TempDir(), environment); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("opened without its file: %v", err)
	}
}
