package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"syscall"
	"time"
)

// Cause is why a message was not taken.
type Cause int

// Causes.
const (
	// CauseOther is anything else.
	CauseOther Cause = iota
	// CauseTimeout is that the receiver was not done in time.
	CauseTimeout
	// CauseCanceled is that the program is ending.
	CauseCanceled
	// CauseName is that the host's name was not found.
	CauseName
	// CauseConnect is that the host did not accept a connection.
	CauseConnect
	// CauseTLS is that the host did not prove who it is, or does not speak TLS.
	CauseTLS
	// CauseClosed is that the connection was closed before the answer.
	CauseClosed
	// CauseStatus is an HTTP status that does not mean success: Code.
	CauseStatus
	// CauseReply is a reply of a mail server that does not mean success: Code.
	CauseReply
	// CauseRefused is that the receiver answered, and said that it did not take the message.
	CauseRefused
	// CauseInsecure is that a password would have been sent without TLS.
	CauseInsecure
)

// Error is returned when a message was not taken. It shows no URL and nothing that the receiver said.
type Error struct {
	Cause Cause
	// Code is the HTTP status or the reply code of the mail server; 0 for other causes.
	Code int
	// Permanent is true if sending the same message again is pointless.
	Permanent bool
	// After is how long the receiver asks to be left alone; 0 if it does not say.
	After time.Duration
}

// Error returns one line.
func (e *Error) Error() string {
	switch e.Cause {
	case CauseTimeout:
		return "it was not done in time"
	case CauseCanceled:
		return "it was interrupted"
	case CauseName:
		return "the name of its host was not found"
	case CauseConnect:
		return "its host did not accept a connection"
	case CauseTLS:
		return "its certificate is not valid, or it does not speak TLS"
	case CauseClosed:
		return "it closed the connection before it answered"
	case CauseStatus:
		return fmt.Sprintf("it answered with HTTP status %d", e.Code)
	case CauseReply:
		return fmt.Sprintf("the mail server answered with code %d", e.Code)
	case CauseRefused:
		return "it answered that it did not take the message"
	case CauseInsecure:
		return "the mail server offers no TLS, without which no password is sent"
	default:
		return "it could not be sent"
	}
}

// failed returns an Error for an error of a library.
func failed(ctx context.Context, err error) *Error {
	if known, is := errors.AsType[*Error](err); is {
		return known
	}
	if reply, is := errors.AsType[*textproto.Error](err); is {
		return &Error{Cause: CauseReply, Code: reply.Code, Permanent: reply.Code >= 500}
	}
	return &Error{Cause: causeOf(ctx, err)}
}

func causeOf(ctx context.Context, err error) Cause {
	if cause := endOf(ctx); cause != CauseOther {
		return cause
	}
	if unresolved, is := errors.AsType[*net.DNSError](err); is && !unresolved.IsTimeout {
		return CauseName
	}
	if timed, is := errors.AsType[net.Error](err); is && timed.Timeout() || errors.Is(err, os.ErrDeadlineExceeded) {
		return CauseTimeout
	}
	if isTLS(err) {
		return CauseTLS
	}
	if dial, is := errors.AsType[*net.OpError](err); is && dial.Op == "dial" || errors.Is(err, syscall.ECONNREFUSED) {
		return CauseConnect
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return CauseClosed
	}
	return CauseOther
}

// endOf returns why a context ended; CauseOther if it has not.
func endOf(ctx context.Context) Cause {
	switch ctx.Err() {
	case nil:
		return CauseOther
	case context.DeadlineExceeded:
		return CauseTimeout
	default:
		return CauseCanceled
	}
}

func isTLS(err error) bool {
	if _, is := errors.AsType[*tls.CertificateVerificationError](err); is {
		return true
	}
	if _, is := errors.AsType[tls.RecordHeaderError](err); is {
		return true
	}
	if _, is := errors.AsType[x509.HostnameError](err); is {
		return true
	}
	_, is := errors.AsType[tls.AlertError](err)
	return is
}
