package wire_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// encoded is a text through the writer of an encoding.
func encoded(t testing.TB, plain string, encoding func(io.Writer) io.WriteCloser) string {
	t.Helper()
	var packed bytes.Buffer
	writer := encoding(&packed)
	if _, err := io.WriteString(writer, plain); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func zip(w io.Writer) io.WriteCloser     { return gzip.NewWriter(w) }
func deflate(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }

func TestEncodings(t *testing.T) {
	const okay, malformed, tooLarge = types.Outcome_OUTCOME_OK, types.Outcome_OUTCOME_MALFORMED, types.Outcome_OUTCOME_TOO_LARGE
	const plain = `{"jsonrpc":"2.0","id":1,"result":"0x1"}`
	const most = 1 << 10
	full := strings.Repeat("x", most)
	packed := encoded(t, plain, zip)
	corrupt := []byte(packed)
	corrupt[len(corrupt)-6] ^= 1 // its checksum
	for name, test := range map[string]struct {
		encodings []string
		body      string
		want      string
		outcome   types.Outcome
		unencoded bool // nothing in its header fields speaks against reading it as it is
	}{
		"none":                      {nil, plain, plain, okay, true},
		"none, said so":             {[]string{"identity"}, plain, plain, okay, false},
		"an empty field":            {[]string{""}, plain, plain, okay, true},
		"gzip":                      {[]string{"gzip"}, packed, plain, okay, false},
		"its old name":              {[]string{" X-GZip "}, packed, plain, okay, false},
		"gzip and none":             {[]string{"identity", "gzip"}, packed, plain, okay, false},
		"an empty field and gzip":   {[]string{"", "gzip"}, packed, plain, okay, false},
		"nothing in it":             {[]string{"gzip"}, encoded(t, "", zip), "", okay, false},
		"no body":                   {[]string{"gzip"}, "", "", okay, false},
		"two members":               {[]string{"gzip"}, packed + packed, plain + plain, okay, false},
		"at the bound":              {[]string{"gzip"}, encoded(t, full, zip), full, okay, false},
		"beyond the bound":          {[]string{"gzip"}, encoded(t, full+"x", zip), "", tooLarge, false},
		"plain, at the bound":       {nil, full, full, okay, true},
		"plain, beyond the bound":   {nil, full + "x", "", tooLarge, true},
		"nothing, very often":       {[]string{"gzip"}, strings.Repeat(encoded(t, "", zip), 1000), "", okay, false},
		"twice":                     {[]string{"gzip, gzip"}, encoded(t, packed, zip), "", malformed, false},
		"twice, in two fields":      {[]string{"gzip", "gzip"}, encoded(t, packed, zip), "", malformed, false},
		"deflate":                   {[]string{"deflate"}, encoded(t, plain, deflate), "", malformed, false},
		"deflate in a second field": {[]string{"gzip", "deflate"}, packed, "", malformed, false},
		"brotli":                    {[]string{"br"}, plain, "", malformed, false},
		"unprintable":               {[]string{"\x1b[2J" + full}, plain, "", malformed, false},
		"not gzip":                  {[]string{"gzip"}, plain, "", malformed, false},
		"garbage behind it":         {[]string{"gzip"}, packed + "x", "", malformed, false},
		"much garbage behind it":    {[]string{"gzip"}, packed + full, "", malformed, false},
		"another checksum":          {[]string{"gzip"}, string(corrupt), "", malformed, false},
	} {
		answer := &wire.Answer{Status: 200, Header: http.Header{"Content-Encoding": test.encodings}, Body: []byte(test.body)}
		got, failure := answer.Decoded(most)
		outcome := okay
		if failure != nil {
			outcome = failure.Outcome
			shown(t, name, failure)
		}
		if outcome != test.outcome || string(got) != test.want {
			t.Errorf("%s: %v, %.60q; want %v", name, failure, got, test.outcome)
		}
		if failure := answer.Unencoded(); (failure == nil) != test.unencoded {
			t.Errorf("%s: unencoded: %v", name, failure)
		} else if failure != nil {
			if failure.Outcome != malformed {
				t.Errorf("%s: unencoded: %v", name, failure.Outcome)
			}
			shown(t, name, failure)
		}
	}
	for cut := 1; cut < len(packed); cut++ {
		answer := &wire.Answer{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: []byte(packed[:cut])}
		if got, failure := answer.Decoded(most); failure == nil || failure.Outcome != malformed {
			t.Errorf("cut at %d: %q, %v", cut, got, failure)
		}
	}
}

// shown checks a failure of a stranger's making.
func shown(t *testing.T, name string, failure *wire.Failure) {
	t.Helper()
	text := failure.Error()
	if failure.Blame != types.Blame_BLAME_SERVICER || failure.Attempt != types.Attempt_ATTEMPT_READ_RESPONSE || len(text) > 200 || strings.Contains(text, "\x1b") {
		t.Errorf("%s: %v, %v: %q", name, failure.Blame, failure.Attempt, text)
	}
}

// A bomb arrives as it is, is given up at the bound, and leaves the connection in order.
func TestBomb(t *testing.T) {
	bomb := encoded(t, string(make([]byte, 64<<20)), zip)
	p := startPeer(t, false, saying(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(bomb), bomb)))
	conn := connect(t, p)
	got := exchange(t, conn, 10*time.Second)
	if got.failure != nil || string(got.answer.Body) != bomb || !conn.Reusable() {
		t.Fatalf("%v, reusable %t", got.failure, conn.Reusable())
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, failure := got.answer.Decoded(wire.MaxBodyBytes)
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	if failure == nil || failure.Outcome != types.Outcome_OUTCOME_TOO_LARGE || allocated > 8*wire.MaxBodyBytes {
		t.Errorf("%v, with %d bytes allocated", failure, allocated)
	}
}

func FuzzDecoded(f *testing.F) {
	packed := encoded(f, "hello", zip)
	for _, body := range []string{"", "hello", packed, packed[:len(packed)-1], packed + packed, packed + "x"} {
		for _, encoding := range []string{"", "gzip", "gzip, gzip", "identity", "br"} {
			f.Add(encoding, encoding, []byte(body))
			f.Add(encoding, "", []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, first, second string, body []byte) {
		const most = 4 << 10
		answer := &wire.Answer{Header: http.Header{"Content-Encoding": {first, second}}, Body: body}
		decoded, failure := answer.Decoded(most)
		switch {
		case failure != nil:
			shown(t, "fuzzed", failure)
			if decoded != nil {
				t.Errorf("%q beside %v", decoded, failure)
			}
		case len(decoded) > most:
			t.Errorf("%d bytes", len(decoded))
		case answer.Unencoded() == nil && !bytes.Equal(decoded, body):
			t.Errorf("%q is read as %q", body, decoded)
		}
	})
}
