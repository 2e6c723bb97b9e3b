package wire

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ErrHTTP2Only is in the failure of a server that does not speak HTTP/1.1.
var ErrHTTP2Only = errors.New("it speaks HTTP/2 only")

// Parts of HTTP/2 (RFC 9113).
const (
	http2Preface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	http2FrameHeader = 9
	http2Settings    = 4
	http2GoAway      = 7
	// mostFrame is the longest frame before both sides have agreed on another length.
	mostFrame = 1 << 14
)

// HTTP2Only returns the failure of a server whose answer says that it does not speak HTTP/1.1, for those who would take it
// for an answer of the node; nil for any other.
func (a *Answer) HTTP2Only() *Failure {
	wanted := strings.FieldsFunc(strings.ToLower(strings.Join(a.Header.Values("Upgrade"), ",")), func(r rune) bool { return r == ',' || r == ' ' })
	switch {
	case a.major == 2, a.Status == http.StatusHTTPVersionNotSupported:
	case a.Status == http.StatusUpgradeRequired && (slices.Contains(wanted, "h2c") || slices.Contains(wanted, "h2")):
	default:
		return nil
	}
	return Fail(types.Outcome_OUTCOME_MALFORMED, types.Attempt_ATTEMPT_READ_RESPONSE_HEADER, ErrHTTP2Only)
}

// isHTTP2 reports whether a stream begins as that of an HTTP/2 server does: with its settings, or with a farewell.
func isHTTP2(opening []byte) bool {
	if len(opening) < http2FrameHeader {
		return false
	}
	length := int(opening[0])<<16 | int(opening[1])<<8 | int(opening[2])
	kind, flags, stream := opening[3], opening[4], binary.BigEndian.Uint32(opening[5:])
	switch {
	case stream != 0 || flags != 0:
		return false
	case kind == http2Settings:
		return length%6 == 0 && length <= mostFrame
	}
	return kind == http2GoAway && length >= 8 && length <= mostFrame
}

// Explain finds out whether a server that ended an exchange without a byte, or a handshake, speaks HTTP/2 only. Many of
// them hang up on a request of HTTP/1.1 without a word, so the server is connected to once or twice more, and asked. The
// failure comes back as it was, or with ErrHTTP2Only; one of another outcome than RESET and TLS, or of ours, as it was.
func (d *Dialer) Explain(ctx context.Context, serviceURL string, failure *Failure) *Failure {
	if failure == nil || failure.Blame != types.Blame_BLAME_SERVICER || errors.Is(failure, ErrHTTP2Only) {
		return failure
	}
	explained := *failure
	explained.Err = ErrHTTP2Only
	switch failure.Outcome {
	case types.Outcome_OUTCOME_TLS:
	case types.Outcome_OUTCOME_RESET:
		explained.Outcome = types.Outcome_OUTCOME_MALFORMED
	default:
		return failure
	}
	if !d.speaksHTTP2Only(ctx, serviceURL) {
		return failure
	}
	return &explained
}

func (d *Dialer) speaksHTTP2Only(ctx context.Context, serviceURL string) bool {
	if strings.HasPrefix(strings.ToLower(serviceURL), "https:") {
		return d.negotiated(ctx, serviceURL, "http/1.1") != "http/1.1" && d.negotiated(ctx, serviceURL, "h2") == "h2"
	}
	_, socket, err := d.reach(ctx, serviceURL, &Phases{})
	if err != nil {
		return false
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { _ = socket.Close() })()
	if _, err := io.WriteString(socket, http2Preface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil {
		return false
	}
	opening := make([]byte, http2FrameHeader)
	_, err = io.ReadFull(socket, opening)
	return err == nil && isHTTP2(opening)
}

// negotiated is what a server takes when one protocol is offered to it (RFC 7301); "" for none, or without a handshake.
func (d *Dialer) negotiated(ctx context.Context, serviceURL, protocol string) string {
	target, socket, err := d.reach(ctx, serviceURL, &Phases{})
	if err != nil {
		return ""
	}
	defer socket.Close()
	config := d.tlsConfig(target.Hostname())
	config.NextProtos = []string{protocol}
	secured := tls.Client(socket, config)
	if secured.HandshakeContext(ctx) != nil {
		return ""
	}
	return secured.ConnectionState().NegotiatedProtocol
}
