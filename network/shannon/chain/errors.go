package chain

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Sentinels of queries. More than one may apply, as several endpoints are asked.
var (
	// ErrUnreachable is returned when no endpoint answers.
	ErrUnreachable = errors.New("the node does not answer")
	// ErrMalformed is returned when what an endpoint answers cannot be read, or is too large.
	ErrMalformed = errors.New("the node's answer cannot be read")
	// ErrNotSynced is returned when no endpoint has the state of the height yet, or when it is still catching up.
	ErrNotSynced = errors.New("the node does not have the state of the height: it is behind, or has pruned it")
	// ErrOtherChain is returned when an endpoint is a node of another chain than the others, or than before.
	ErrOtherChain = errors.New("the node is of another chain")
	// ErrNotFound is returned when the chain has nothing under the name that was asked for.
	ErrNotFound = errors.New("the chain knows no such thing")
	// ErrRefused is returned when the chain refuses a query for another reason, which the error says.
	ErrRefused = errors.New("the chain refuses the query")
)

// mostQuoted bounds a stranger's text in an error, in bytes.
const mostQuoted = 160

// Codes of the codespace "sdk" (cosmossdk.io/types/errors).
const (
	codespace         = "sdk"
	codeKeyNotFound   = 22
	codeInvalidHeight = 26
	codeNotFound      = 38
)

// refusal returns the error of a query that the chain has refused.
func refusal(space string, code uint32, log string) error {
	kind := ErrRefused
	if space == codespace {
		switch code {
		case codeKeyNotFound, codeNotFound:
			kind = ErrNotFound
		case codeInvalidHeight:
			kind = ErrNotSynced
		}
	}
	return fmt.Errorf("%w (%s %d: %s)", kind, text.Line(space, 32), code, text.Line(log, mostQuoted))
}

// Failures are errors of several who were asked.
type Failures []error

// Join returns the errors that are not nil as one error of one line; nil when all are.
func Join(errs ...error) error {
	var failures Failures
	for _, err := range errs {
		if err != nil {
			failures = append(failures, err)
		}
	}
	switch len(failures) {
	case 0:
		return nil
	case 1:
		return failures[0]
	}
	return failures
}

// Error implements error.
func (f Failures) Error() string {
	lines := make([]string, len(f))
	for i, err := range f {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "; ")
}

// Unwrap returns the errors.
func (f Failures) Unwrap() []error { return f }

// unreachable returns the error of an exchange that failed, without the URL or the address of the endpoint.
func unreachable(err error) error {
	return fmt.Errorf("%w: %s", ErrUnreachable, failureOf(err))
}

func failureOf(err error) string {
	if timeout, is := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || is && timeout.Timeout() {
		return "no answer in time"
	}
	if _, is := errors.AsType[*net.DNSError](err); is {
		return "its host name does not resolve"
	}
	if number, is := errors.AsType[syscall.Errno](err); is {
		return number.Error()
	}
	if isTLS(err) {
		return "the TLS handshake failed"
	}
	return "the connection failed"
}

func isTLS(err error) bool {
	_, alert := errors.AsType[tls.AlertError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	return alert || record || certificate || authority
}
