package wire

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"syscall"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Failure is why an exchange gave no usable answer.
type Failure = types.Failure

// Fail returns a failure of the far side, unless the cause shows that the failure was ours or leaves that open.
func Fail(outcome types.Outcome, attempt types.Attempt, err error) *Failure {
	if unroutable(err) {
		return &Failure{Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_UNKNOWN, Attempt: attempt, Err: err}
	}
	if ours(err) {
		return &Failure{Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_SELF, Attempt: attempt, Err: err}
	}
	return &Failure{Outcome: outcome, Blame: types.Blame_BLAME_SERVICER, Attempt: attempt, Err: err}
}

// brokenStream classifies an error of an open connection.
func brokenStream(attempt types.Attempt, err error) *Failure {
	if timedOut(err) {
		return Fail(types.Outcome_OUTCOME_TIMEOUT, attempt, errors.New("no complete answer in time"))
	}
	return Fail(types.Outcome_OUTCOME_RESET, attempt, err)
}

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &network) && network.Timeout()
}

// unroutable tells that there is no way from here to an address. That may be our network's fault, or the address is one that
// nobody can reach: who chose it knows. A system without IPv6 may say that it has no address of its own to dial one from.
func unroutable(err error) bool {
	if errors.Is(err, syscall.ENETUNREACH) {
		return true
	}
	var operation *net.OpError
	if !errors.Is(err, syscall.EADDRNOTAVAIL) || !errors.As(err, &operation) {
		return false
	}
	target, ok := operation.Addr.(*net.TCPAddr)
	return ok && target.IP.To4() == nil
}

// errReadLate is of bytes that this machine read so long after the deadline that they may have arrived before it.
var errReadLate = errors.New("read late; the moment of its arrival is not known")

// ours reports whether the cause lies with this machine: we cancelled or closed, read too late, ran out of descriptors,
// watches (epoll_ctl(2): ENOSPC), memory or ports, may not send, or have our network down. Nobody else is blamed for those.
func ours(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed) || errors.Is(err, errReadLate) {
		return true
	}
	for _, local := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRNOTAVAIL,
		syscall.EACCES, syscall.EPERM, syscall.ENETDOWN, syscall.ENOSPC,
	} {
		if errors.Is(err, local) {
			return true
		}
	}
	return false
}

var errNotURL = errors.New("it is not a URL")

// withoutURL returns the cause of an error that repeats a URL. What a parser quotes of a URL that it cannot read may be
// any part of it, such as a password.
func withoutURL(err error) error {
	whole, is := errors.AsType[*url.Error](err)
	switch {
	case !is:
		return err
	case whole.Op == "parse":
		return errNotURL
	}
	return whole.Err
}
