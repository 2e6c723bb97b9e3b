package wire_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// serverOf is a real server of net/http that speaks some protocols, by http or https.
func serverOf(t *testing.T, secured bool, speak func(*http.Protocols), handler http.HandlerFunc) (string, *wire.Dialer) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	speak(server.Config.Protocols)
	dialer := &wire.Dialer{AllowPrivate: true}
	if secured {
		server.EnableHTTP2 = server.Config.Protocols.HTTP2()
		if server.Config.Protocols.HTTP1() && server.EnableHTTP2 {
			server.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
		}
		server.StartTLS()
		dialer.RootCAs = x509.NewCertPool()
		dialer.RootCAs.AddCert(server.Certificate())
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL, dialer
}

// reached is the failure of one exchange with a server, explained.
func reached(t *testing.T, url string, dialer *wire.Dialer) *wire.Failure {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := dialer.Dial(ctx, url)
	if failure, is := errors.AsType[*wire.Failure](err); is {
		return dialer.Explain(ctx, url, failure)
	}
	defer conn.Close()
	return dialer.Explain(ctx, url, exchange(t, conn, 10*time.Second).failure)
}

func hi(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestServersOfHTTP2Only(t *testing.T) {
	const malformed, reset = types.Outcome_OUTCOME_MALFORMED, types.Outcome_OUTCOME_RESET
	one := func(p *http.Protocols) { p.SetHTTP1(true) }
	two := func(p *http.Protocols) { p.SetHTTP2(true) }
	both := func(p *http.Protocols) { p.SetHTTP1(true); p.SetHTTP2(true) }
	clear := func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }
	for name, test := range map[string]struct {
		secured bool
		speak   func(*http.Protocols)
		handler http.HandlerFunc
		want    types.Outcome // unspecified for an answer
		only    bool
	}{
		"HTTP/2, TLS":             {true, two, hi, malformed, true},
		"HTTP/2":                  {false, clear, hi, malformed, true},
		"both, TLS":               {true, both, hi, 0, false},
		"HTTP/1.1, TLS":           {true, one, hi, 0, false},
		"HTTP/1.1":                {false, one, hi, 0, false},
		"both, TLS, hanging up":   {true, both, hangUp, reset, false},
		"HTTP/1.1, hanging up":    {false, one, hangUp, reset, false},
		"HTTP/1.1, TLS, likewise": {true, one, hangUp, reset, false},
	} {
		url, dialer := serverOf(t, test.secured, test.speak, test.handler)
		failure := reached(t, url, dialer)
		switch {
		case test.want == 0 && failure != nil:
			t.Errorf("%s: %v", name, failure)
		case test.want == 0:
		case failure == nil || failure.Outcome != test.want || failure.Blame != types.Blame_BLAME_SERVICER || errors.Is(failure, wire.ErrHTTP2Only) != test.only:
			t.Errorf("%s: %+v", name, failure)
		case test.only && !strings.Contains(failure.Error(), "it speaks HTTP/2 only"):
			t.Errorf("%s: %v", name, failure)
		}
	}
}

// A server that shakes hands with nobody but those who offer HTTP/2 keeps its outcome, and is named.
func TestHandshakeOfHTTP2Only(t *testing.T) {
	for name, protocol := range map[string]string{"HTTP/2": "h2", "another": "imap"} {
		config, roots := certificate(t, []string{"127.0.0.1"}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		config.NextProtos = []string{protocol}
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if !slices.Contains(hello.SupportedProtos, protocol) {
				return nil, errors.New("no protocol in common")
			}
			return nil, nil
		}
		listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan struct{})
		go func() {
			defer close(served)
			for {
				socket, err := listener.Accept()
				if err != nil {
					return
				}
				_ = socket.(*tls.Conn).HandshakeContext(t.Context())
				socket.Close()
			}
		}()
		failure := reached(t, "https://"+listener.Addr().String(), &wire.Dialer{AllowPrivate: true, RootCAs: roots})
		if failure == nil || failure.Outcome != types.Outcome_OUTCOME_TLS || errors.Is(failure, wire.ErrHTTP2Only) != (protocol == "h2") {
			t.Errorf("%s: %+v", name, failure)
		}
		listener.Close()
		<-served
	}
}

// What begins with a frame of HTTP/2 is named without another connection, however it ends.
func TestFramesOfHTTP2(t *testing.T) {
	const settings, goAway = "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	const reset, malformed, timeout = types.Outcome_OUTCOME_RESET, types.Outcome_OUTCOME_MALFORMED, types.Outcome_OUTCOME_TIMEOUT
	ending := func(text string) answering {
		return func(_ *peer, _, stream net.Conn) bool { said(stream, text); return false }
	}
	holding := func(text string) answering {
		return func(_ *peer, _, stream net.Conn) bool {
			said(stream, text)
			_, _ = io.Copy(io.Discard, stream)
			return false
		}
	}
	for name, test := range map[string]struct {
		answer answering
		want   types.Outcome
		only   bool
	}{
		"settings":            {ending(settings + goAway), malformed, true},
		"empty settings":      {ending("\x00\x00\x00\x04\x00\x00\x00\x00\x00"), malformed, true},
		"a farewell":          {ending(goAway), malformed, true},
		"held open":           {holding(settings), malformed, true},
		"cut in the settings": {ending(settings[:9]), malformed, true},
		"cut before":          {ending(settings[:8]), reset, false},
		"of a stream":         {ending("\x00\x00\x06\x04\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"), reset, false},
		"of a strange length": {ending("\x00\x00\x07\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), reset, false},
		"acknowledged":        {ending("\x00\x00\x00\x04\x01\x00\x00\x00\x00"), reset, false},
		"other bytes":         {holding("\x16\x03\x01\x00\x02\x02\x46\x00\x00"), timeout, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := exchange(t, connect(t, startPeer(t, false, test.answer)), 200*time.Millisecond)
			if got.failure == nil || got.failure.Outcome != test.want || got.failure.Blame != types.Blame_BLAME_SERVICER || errors.Is(got.failure, wire.ErrHTTP2Only) != test.only {
				t.Errorf("%+v", got.failure)
			}
		})
	}
}

// Our own failures, and answers, are not explained: nothing is connected to.
func TestNothingToExplain(t *testing.T) {
	failure := &wire.Failure{Outcome: types.Outcome_OUTCOME_RESET, Blame: types.Blame_BLAME_SELF, Err: io.EOF}
	if got := new(wire.Dialer).Explain(t.Context(), "http://127.0.0.1:1", failure); got != failure {
		t.Errorf("%+v", got)
	}
	if got := new(wire.Dialer).Explain(t.Context(), "http://127.0.0.1:1", nil); got != nil {
		t.Errorf("%+v", got)
	}
}

func TestStatusesOfHTTP2Only(t *testing.T) {
	for name, test := range map[string]struct {
		head string
		only bool
	}{
		"HTTP/2.0":           {"HTTP/2.0 200 OK\r\n", true},
		"505":                {"HTTP/1.1 505 HTTP Version Not Supported\r\n", true},
		"426 to h2c":         {"HTTP/1.1 426 Upgrade Required\r\nUpgrade: HTTP/1.1, H2C\r\n", true},
		"426 to a websocket": {"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n", false},
		"426":                {"HTTP/1.1 426 Upgrade Required\r\n", false},
		"200":                {"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\n", false},
		"HTTP/1.0":           {"HTTP/1.0 200 OK\r\n", false},
	} {
		got := exchange(t, connect(t, startPeer(t, false, saying(test.head+"Content-Length: 2\r\n\r\nhi"))), 5*time.Second)
		if got.failure != nil {
			t.Errorf("%s: %v", name, got.failure)
			continue
		}
		failure := got.answer.HTTP2Only()
		if (failure != nil) != test.only {
			t.Errorf("%s: %v", name, failure)
		}
		if failure != nil && (failure.Outcome != types.Outcome_OUTCOME_MALFORMED || failure.Blame != types.Blame_BLAME_SERVICER || !errors.Is(failure, wire.ErrHTTP2Only)) {
			t.Errorf("%s: %+v", name, failure)
		}
	}
}
