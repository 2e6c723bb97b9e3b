package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
)

// Reason says in a few words why a node could not be asked. It names no host and no address, which are a part of the URL and
// may be secret.
func Reason(err error) string {
	var network net.Error
	var status *StatusError
	switch {
	case errors.As(err, new(*net.DNSError)):
		return "its host name cannot be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to it"
	case isCertificate(err):
		return "its TLS certificate is not accepted"
	case errors.As(err, new(tls.RecordHeaderError)):
		return "it does not speak TLS"
	case errors.As(err, new(tls.AlertError)):
		return "the TLS handshake failed"
	case errors.Is(err, ErrTooLarge):
		return ErrTooLarge.Error()
	case errors.Is(err, context.Canceled):
		return "the request was cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, net.ErrClosed):
		return "it closed the connection"
	case errors.As(err, &status):
		return status.Error()
	}
	return "its answer cannot be read as HTTP"
}

// isCertificate reports whether a certificate was not accepted.
func isCertificate(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(x509.UnknownAuthorityError)) ||
		errors.As(err, new(x509.HostnameError)) || errors.As(err, new(x509.CertificateInvalidError))
}

// StatusError is an answer whose HTTP status says that it is none.
type StatusError struct{ Status int }

// Error names the status, and what it means for the node's operator.
func (e *StatusError) Error() string {
	line := "HTTP status " + strconv.Itoa(e.Status)
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return line + ": it does not accept our credentials"
	case http.StatusTooManyRequests:
		return line + ": we ask too often for it"
	}
	return line
}
