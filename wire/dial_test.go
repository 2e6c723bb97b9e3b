package wire_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// dial connects within a time that is plenty on loopback.
func dial(t *testing.T, dialer *wire.Dialer, serviceURL string, within time.Duration) (*wire.Conn, *wire.Failure) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	conn, err := dialer.Dial(ctx, serviceURL)
	if err == nil {
		t.Cleanup(func() { conn.Close() })
		return conn, nil
	}
	failure, ok := errors.AsType[*wire.Failure](err)
	if !ok || conn != nil {
		t.Fatalf("%s: %v, %v", serviceURL, conn, err)
	}
	return nil, failure
}

func TestDialPhases(t *testing.T) {
	plain, secured := fakes.Start(t, fakes.Honest()), fakes.StartTLS(t, fakes.Honest(), nil)
	dialer := &wire.Dialer{AllowPrivate: true, RootCAs: secured.Roots()}
	for _, test := range []struct {
		url string
		tls bool
	}{
		{plain.URL(), false},
		{strings.Replace(plain.URL(), "127.0.0.1", "localhost", 1), false},
		{plain.URL() + "/base", false},
		{secured.URL(), true},
	} {
		conn, failure := dial(t, dialer, test.url, 5*time.Second)
		if failure != nil {
			t.Errorf("%s: %v", test.url, failure)
			continue
		}
		if phases := conn.Phases; phases.Connect <= 0 || phases.DNS < 0 || (phases.TLS > 0) != test.tls || !conn.Alive() || conn.Reusable() {
			t.Errorf("%s: phases %+v, alive %t, reusable %t", test.url, phases, conn.Alive(), conn.Reusable())
		}
	}
}

func TestDialFailures(t *testing.T) {
	dialer := &wire.Dialer{AllowPrivate: true, RootCAs: fakes.StartTLS(t, fakes.Honest(), nil).Roots()}
	plain := fakes.Start(t, fakes.Honest()).URL()
	for name, test := range map[string]struct {
		url    string
		within time.Duration
		want   types.Outcome
	}{
		"down":           {fakes.Start(t, fakes.Down()).URL(), 5 * time.Second, types.Outcome_OUTCOME_CONNECT},
		"mute":           {fakes.Start(t, fakes.Mute()).URL(), 100 * time.Millisecond, types.Outcome_OUTCOME_TIMEOUT},
		"not TLS":        {strings.Replace(fakes.Start(t, fakes.Chatty()).URL(), "http:", "https:", 1), 5 * time.Second, types.Outcome_OUTCOME_TLS},
		"silent TLS":     {strings.Replace(plain, "http:", "https:", 1), 5 * time.Second, types.Outcome_OUTCOME_TLS},
		"port 0":         {"http://127.0.0.1:0", 5 * time.Second, types.Outcome_OUTCOME_CONNECT},
		"no such port":   {"http://127.0.0.1:65536", 5 * time.Second, types.Outcome_OUTCOME_CONNECT},
		"not a URL":      {"http://[::1", 5 * time.Second, types.Outcome_OUTCOME_CONNECT},
		"not a host":     {"http://a..b.", 5 * time.Second, types.Outcome_OUTCOME_DNS},
		"another scheme": {strings.Replace(plain, "http:", "ftp:", 1), 5 * time.Second, types.Outcome_OUTCOME_CONNECT},
		"no scheme":      {strings.TrimPrefix(plain, "http:"), 5 * time.Second, types.Outcome_OUTCOME_CONNECT},
		"a file":         {"file:///etc/hosts", 5 * time.Second, types.Outcome_OUTCOME_CONNECT},
		"opaque":         {"http:127.0.0.1", 5 * time.Second, types.Outcome_OUTCOME_DNS},
		"blank in host":  {"http://a%20b", 5 * time.Second, types.Outcome_OUTCOME_CONNECT},
	} {
		_, failure := dial(t, dialer, test.url, test.within)
		if failure == nil || failure.Outcome != test.want || failure.Blame != types.Blame_BLAME_SERVICER {
			t.Errorf("%s: %+v", name, failure)
		}
	}
}

// certificate is one that its own authority vouches for.
func certificate(t *testing.T, hosts []string, from, until time.Time) (*tls.Config, *x509.CertPool) {
	t.Helper()
	secure, authority := fakes.Certificate(t, hosts, from, until)
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	return secure, pool
}

func TestDialVerifiesTLS(t *testing.T) {
	now := time.Now()
	here := []string{"127.0.0.1", "localhost"}
	good, roots := certificate(t, here, now.Add(-time.Hour), now.Add(time.Hour))
	expired, expiredRoots := certificate(t, here, now.Add(-2*time.Hour), now.Add(-time.Hour))
	future, futureRoots := certificate(t, here, now.Add(time.Hour), now.Add(2*time.Hour))
	elsewhere, elsewhereRoots := certificate(t, []string{"10.1.2.3", "servicer.example"}, now.Add(-time.Hour), now.Add(time.Hour))
	const failed, void = types.Outcome_OUTCOME_TLS, types.Outcome_OUTCOME_VOID
	old := good.Clone()
	old.MaxVersion = tls.VersionTLS11
	old.MinVersion = tls.VersionTLS10
	for name, test := range map[string]struct {
		secure *tls.Config
		roots  *x509.CertPool
		want   types.Outcome
		blame  types.Blame
	}{
		"good":                 {good, roots, types.Outcome_OUTCOME_UNSPECIFIED, 0},
		"expired":              {expired, expiredRoots, failed, types.Blame_BLAME_SERVICER},
		"not valid yet":        {future, futureRoots, failed, types.Blame_BLAME_SERVICER},
		"another host's":       {elsewhere, elsewhereRoots, failed, types.Blame_BLAME_SERVICER},
		"another authority's":  {good, elsewhereRoots, failed, types.Blame_BLAME_SERVICER},
		"old version":          {old, roots, failed, types.Blame_BLAME_SERVICER},
		"we trust nobody":      {good, x509.NewCertPool(), void, types.Blame_BLAME_SELF},
		"expired, we no trust": {expired, expiredRoots, failed, types.Blame_BLAME_SERVICER},
	} {
		servicer := fakes.StartTLS(t, fakes.Honest(), test.secure)
		conn, failure := dial(t, &wire.Dialer{AllowPrivate: true, RootCAs: test.roots}, servicer.URL(), 5*time.Second)
		switch {
		case test.want == types.Outcome_OUTCOME_UNSPECIFIED && (failure != nil || conn.Phases.TLS <= 0):
			t.Errorf("%s: %v", name, failure)
		case test.want != types.Outcome_OUTCOME_UNSPECIFIED && (failure == nil || failure.Outcome != test.want || failure.Blame != test.blame):
			t.Errorf("%s: %+v", name, failure)
		}
	}
}

func TestPrivateAddressesAreNotDialled(t *testing.T) {
	servicer := fakes.Start(t, fakes.Honest())
	_, port, err := net.SplitHostPort(strings.TrimPrefix(servicer.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "0.0.0.0", "[::]", "127.1.2.3",
		"8.8.8.8@127.0.0.1", "8.8.8.8:80@127.0.0.1", "[::ffff:127.0.0.1%25eth0]", "[::127.0.0.1]", "[2002:7f00:1::]",
		"10.0.0.1", "192.168.0.1", "169.254.169.254", "[fe80::1%25lo]", "[fd00:ec2::254]", "[64:ff9b::127.0.0.1]",
	} {
		serviceURL := "http://" + host + ":" + port
		if _, err := url.Parse(serviceURL); err != nil {
			t.Fatal(err)
		}
		_, failure := dial(t, &wire.Dialer{}, serviceURL, 5*time.Second)
		if failure == nil || failure.Outcome != types.Outcome_OUTCOME_CONNECT || failure.Blame != types.Blame_BLAME_SERVICER ||
			!strings.Contains(failure.Error(), "no public address") {
			t.Errorf("%s: %+v", host, failure)
		}
	}
	if servicer.Accepted() > 0 {
		t.Errorf("%d connections to a private address", servicer.Accepted())
	}
}

// A name that does not exist is its owner's fault; whose it is that a resolver gives no verdict, nobody knows.
func TestDialUnknownName(t *testing.T) {
	_, failure := dial(t, &wire.Dialer{}, "http://x.invalid", 2*time.Second)
	if failure == nil {
		t.Fatal("connected to x.invalid")
	}
	dns, ok := errors.AsType[*net.DNSError](failure)
	if ok && dns.IsNotFound {
		if failure.Outcome != types.Outcome_OUTCOME_DNS || failure.Blame != types.Blame_BLAME_SERVICER {
			t.Errorf("not found: %+v", failure)
		}
	} else if failure.Outcome != types.Outcome_OUTCOME_VOID || failure.Blame != types.Blame_BLAME_UNKNOWN {
		t.Errorf("no verdict: %+v", failure)
	}
}
