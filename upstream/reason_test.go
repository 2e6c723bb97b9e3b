package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

// Reasons name no host, address or path.
func TestReasons(t *testing.T) {
	const hidden = "KEY.node.example"
	address := &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 4321}
	for want, err := range map[string]error{
		"its host name cannot be resolved":    &net.DNSError{Err: "no such host", Name: hidden},
		"connection refused":                  &net.OpError{Op: "dial", Net: "tcp", Addr: address, Err: syscall.ECONNREFUSED},
		"no route to it":                      &net.OpError{Op: "dial", Net: "tcp", Addr: address, Err: syscall.EHOSTUNREACH},
		"it closed the connection":            &net.OpError{Op: "read", Net: "tcp", Addr: address, Err: syscall.ECONNRESET},
		"no answer in time":                   fmt.Errorf("ask %s: %w", hidden, context.DeadlineExceeded),
		"the request was cancelled":           context.Canceled,
		"the answer is too large":             ErrTooLarge,
		"HTTP status 401: it does not accept": &StatusError{Status: 401},
		"its answer cannot be read as HTTP":   errors.New("malformed HTTP response from " + hidden),
	} {
		for _, err := range []error{err, fmt.Errorf("ask: %w", err), &url.Error{Op: "Get", URL: "https://" + hidden + "/", Err: err}} {
			got := Reason(err)
			if !strings.HasPrefix(got, want) || strings.Contains(got, hidden) || strings.Contains(got, "10.1.2.3") {
				t.Errorf("%v: %q, want %q", err, got, want)
			}
		}
	}
	if got := Reason(io.ErrUnexpectedEOF); got != "it closed the connection" {
		t.Error(got)
	}
}
