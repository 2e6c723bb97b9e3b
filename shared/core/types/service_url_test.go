package types

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Every spelling of a socket is folded into one, and only that may be staked.
func TestServiceURLHasOneSpelling(t *testing.T) {
	for canonical, others := range map[string][]string{
		"http://a.example": {
			"HTTP://a.example", "http://A.example", "http://a.example.", "http://a.example..", "http://a.example/", "http://a.example//",
			"http://a.example:80", "http://a.example:080", "http://a.example:", "http://a.example.:80/",
		},
		"https://a.example":           {"https://a.example:443", "https://a.example:00443", "https://A.EXAMPLE."},
		"https://a.example:80":        {"https://a.example:080"},
		"http://a.example:443":        {"http://a.example:0443/"},
		"http://a_b.x-y.example:8545": {"http://a_b.x-y.example:08545", "http://a_b.x-y.example:008545"},
		"http://a.example/rpc/V1":     {"http://a.example/rpc/V1/", "http://a.example:80/rpc/V1"},
		"http://127.0.0.1:8545": {
			"http://127.1:8545", "http://127.0.1:8545", "http://2130706433:8545", "http://0x7f000001:8545", "http://0x7F.1:8545",
			"http://0177.0.0.1:8545", "http://017700000001:8545", "http://127.0.0.01:8545", "http://127.0.0.1.:8545", "http://127.0.0.0x1:8545",
			"http://[::ffff:127.0.0.1]:8545", "http://[::FFFF:7f00:1]:8545", "http://[64:ff9b::127.0.0.1]:8545",
		},
		"http://0.0.0.0":                    {"http://0", "http://0x", "http://0.0"},
		"http://[2001:db8::1]:8545":         {"http://[2001:DB8::1]:8545", "http://[2001:db8:0:0:0:0:0:1]:8545", "http://[2001:0db8::0001]:08545", "http://[2001:db8::0.0.0.1]:8545"},
		"http://[2001:db8::1]":              {"http://[2001:db8::1]:80", "http://[2001:db8::1]:"},
		"http://servicer:65535":             {"http://servicer:065535"},
		"http://xn--bcher-kva.example":      {"http://XN--bcher-kva.example"},
		"http://" + strings.Repeat("a", 63): nil,
	} {
		if got, err := ServiceURL(canonical); err != nil || got != canonical {
			t.Errorf("%s: %s, %v", canonical, got, err)
		}
		if err := ValidateServiceURL(canonical); err != nil {
			t.Error(err)
		}
		for _, other := range others {
			if got, err := ServiceURL(other); err != nil || got != canonical {
				t.Errorf("%s: %s, %v, want %s", other, got, err, canonical)
			}
			if err := ValidateServiceURL(other); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("write %q", canonical)) {
				t.Errorf("%s: %v", other, err)
			}
			if got := ServiceOrigin(other); got != ServiceOrigin(canonical) {
				t.Errorf("%s: %s, want %s", other, got, ServiceOrigin(canonical))
			}
		}
	}
}

// What has no spelling is refused.
func TestServiceURLsThatAreNone(t *testing.T) {
	for _, raw := range []string{
		"", "a.example", "//a.example", "ftp://a.example", "http:", "http://", "http://:80", "http://.", "http:/a.example", "http:a.example",
		"http://a.example:0", "http://a.example:65536", "http://a.example:-1", "http://a.example:+80", "http://a.example:8_0", "http://a.example:x", "http://a.example:８０",
		"http://u@a.example", "http://u:p@a.example", "http://a.example?x", "http://a.example?", "http://a.example#x", "http://a.example/?",
		"http://a..example", "http://bücher.example", "http://a example", "http://a%2e.example", "http://a\u00ad.example", "http://１２７.0.0.1",
		"http://1.2.3.4.5", "http://256.1.1.1", "http://1.2.3.08", "http://4294967296", "http://a.example.7", "http://a.0x7f", "http://1.2.3.+4",
		"http://[::1", "http://::1", "http://[::1%25eth0]", "http://[::1%eth0]", "http://[127.0.0.1]", "http://[a.example]", "http://[::1]x", "http://[::1]]:80",
		"http://a.example/x y", "http://a.example/%61", "http://a.example/./x", "http://a.example/x/../y", "http://a.example/x//y", "http://a.example/ü",
		`http://a.example\x`, "http://a.example/\x00", "http://a.example\n", " http://a.example", "http://" + strings.Repeat("a", 64),
		"http://" + strings.Repeat("a.", 130), "http://a.example/" + strings.Repeat("x", 240),
	} {
		if got, err := ServiceURL(raw); err == nil {
			t.Errorf("%q is %s", raw, got)
		}
		if ValidateServiceURL(raw) == nil {
			t.Errorf("%q is accepted", raw)
		}
	}
}

// A staked URL is its own spelling, is read by the library's parser as it is written, and differs from every other staked
// URL of the same socket.
func TestServiceURLProperty(t *testing.T) {
	host := rapid.OneOf(
		rapid.StringMatching(`[a-cA-C0-3x.-]{1,8}`), rapid.StringMatching(`\[[0-3a-f:.]{2,12}\]`), rapid.StringMatching(`0?x?[0-9a-f]{1,4}(\.[0-9]{1,3}){0,3}`),
	)
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SampledFrom([]string{"http", "https", "HTTP"}).Draw(t, "scheme") + "://" + host.Draw(t, "host") +
			rapid.StringMatching(`(:0{0,2}[0-9]{0,3})?(/[ab.]{0,2}){0,2}`).Draw(t, "rest")
		canonical, err := ServiceURL(raw)
		if err != nil {
			return
		}
		accepted++
		again, err := ServiceURL(canonical)
		if err != nil || again != canonical || ServiceOrigin(raw) != ServiceOrigin(canonical) {
			t.Fatalf("%s: %s, then %s, %v", raw, canonical, again, err)
		}
		if ValidateHTTPURL(canonical) != nil {
			t.Fatalf("%s is no URL", canonical)
		}
		parsed, err := url.Parse(canonical)
		if err != nil || parsed.String() != canonical || strings.HasSuffix(parsed.Hostname(), ".") || parsed.Port() == "0" {
			t.Fatalf("%s: %v, %v", canonical, parsed, err)
		}
		if address, err := netip.ParseAddr(parsed.Hostname()); err == nil && address.String() != parsed.Hostname() {
			t.Fatalf("%s: address %s", canonical, address)
		}
	})
	if accepted == 0 {
		t.Error("none is accepted: the test says nothing")
	}
}

func FuzzServiceURL(f *testing.F) {
	for _, seed := range []string{"http://a.example:08545/", "http://[::ffff:1.2.3.4]:1", "http://0x7f.1", "https://a/../b", "http://a.:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		ServiceOrigin(raw)
		canonical, err := ServiceURL(raw)
		if err == nil && ValidateServiceURL(canonical) != nil {
			t.Errorf("%q: %q is not its own spelling", raw, canonical)
		}
		if (ValidateServiceURL(raw) == nil) != (err == nil && canonical == raw) {
			t.Errorf("%q, %q, %v", raw, canonical, err)
		}
	})
}
