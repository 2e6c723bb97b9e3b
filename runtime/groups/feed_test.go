package groups

import (
	"fmt"
	"strings"
	"testing"
)

// withFeed returns a configuration with lines of a feed.
func withFeed(lines ...string) string {
	return "feed:\n  " + strings.Join(lines, "\n  ") + "\n" + inGroup()
}

// Each feed has one problem, which says what would be right, and shows no password.
func TestFeedRefusals(t *testing.T) {
	for text, want := range map[string]string{
		withFeed("stream: qos"):                                         "feed: has to have either nats, as in nats: nats://nats.example:4222, or embedded: true",
		withFeed("nats: nats://a.example", "embedded: true"):            "feed: has to have either nats",
		withFeed("nats: http://u:" + planted + "@a.example"):            "feed.nats: has another scheme than nats and tls; allowed: nats://HOST:PORT",
		withFeed("nats: 'nats://u:" + planted + "@'"):                   "feed.nats: has no host",
		withFeed("nats: [nats://a.example, 'nats://b.example/x']"):      "feed.nats[1]: has something after the host",
		withFeed("nats: []"):                                            "feed.nats: is a list of 0; allowed: 1 to 16",
		withFeed("nats: nats://a.example", "listen: 127.0.0.1:4222"):    "feed.listen: is for the embedded server; remove it, or set embedded: true",
		withFeed("embedded: true", "listen: 0.0.0.0:4222"):              `feed.listen: is "0.0.0.0:4222"; allowed: a loopback address, as in 127.0.0.1:4222`,
		withFeed("embedded: true", "credentials: ./a.creds"):            "feed.credentials: is for nats, but the feed is embedded",
		withFeed("embedded: true", "tls: {ca: a.pem}"):                  "feed.tls: is for nats, but the feed is embedded",
		withFeed("embedded: true", "replicas: 3"):                       "feed.replicas: is 3, but the embedded server is one",
		withFeed("nats: nats://a.example", "replicas: 0"):               `feed.replicas: is "0"; allowed: a whole number from 1 to 5`,
		withFeed("nats: nats://a.example", "tls: {cert: a.pem}"):        "feed.tls: has cert or key alone; allowed: both or none",
		withFeed("nats: nats://a.example", "stream: a.b"):               `feed.stream: is "a.b"; allowed: 1 to 255 letters`,
		withFeed("nats: nats://a.example", "max_age: 5s"):               "feed.max_age: is \"5s\"; allowed: 1h to 3660d",
		withFeed("nats: nats://a.example", "max_bytes: 5"):              "feed.max_bytes: is",
		withFeed("nats: nats://a.example", "discard: all"):              `feed.discard: is "all"; allowed: old, new`,
		withFeed("nats: nats://a.example", "place: ''"):                 "feed.place: is not allowed; allowed: 1 to 64 bytes of printable text",
		withFeed("nats: nats://a.example", "servers: nats://b.example"): "feed.servers: unknown key; allowed: nats, credentials",
	} {
		lines := refused(t, text)
		if len(lines) != 1 || !strings.Contains(lines[0], want) {
			t.Errorf("%s\ngives %q\nwant %q", text, lines, want)
		}
	}
}

// A whole feed is read; its files are below the configuration's directory, and printing it shows no password.
func TestFeed(t *testing.T) {
	c := parse(t, withFeed("nats: ['nats://u:"+planted+"@a.example', tls://b.example:4222]", "credentials: ./a.creds", "tls: {ca: ca.pem, cert: c.pem, key: /k.pem}", "stream: other",
		"replicas: 3", "max_age: 2d", "max_bytes: 1GiB", "discard: new", "place: Frankfurt am Main"))
	f := c.Feed
	if len(f.NATS) != 2 || f.NATS[0].Reveal() != "nats://u:"+planted+"@a.example" || f.Credentials != "/etc/a.creds" || f.TLS.CA != "/etc/ca.pem" || f.TLS.Key != "/k.pem" ||
		f.Stream != "other" || f.Replicas != 3 || f.MaxAge.String() != "2d" || f.MaxBytes != 1<<30 || f.Discard != "new" || f.Place != "Frankfurt am Main" || f.Embedded {
		t.Errorf("%+v", f)
	}
	if shown := fmt.Sprintf("%v %+v %#v", c, f, f.NATS); strings.Contains(shown, planted) {
		t.Errorf("printed as %s", shown)
	}
}
