package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// ExitCode is what the process ends with. The table is part of the command line's contract: a code never changes its
// meaning.
type ExitCode int

// Exit codes.
const (
	// ExitOK: done. Also the end of a LocalNet by Ctrl-C when it was to run without end.
	ExitOK ExitCode = 0
	// ExitFailure: something failed that the user did not cause.
	ExitFailure ExitCode = 1
	// ExitUsage: unknown command or flag, bad value, malformed address, chain or payload.
	ExitUsage ExitCode = 2
	// ExitUnreachable: the node is not there, is no pocket node, or has no block yet.
	ExitUnreachable ExitCode = 3
	// ExitNotFound: the node does not know the session, actor, relay chain, height or transaction; there is no key of the address.
	ExitNotFound ExitCode = 4
	// ExitHome: the home directory cannot be used or belongs to something else.
	ExitHome ExitCode = 5
	// ExitHomeInUse: another instance runs on the home directory.
	ExitHomeInUse ExitCode = 6
	// ExitAddressInUse: an address to listen on is taken.
	ExitAddressInUse ExitCode = 7
	// ExitGenesis: a bad genesis, or options that conflict with those that the home directory was made with.
	ExitGenesis ExitCode = 8
	// ExitUntrusted: the servicer refused the relay, failed, or its answer cannot be trusted.
	ExitUntrusted ExitCode = 9
	// ExitKeys: wrong passphrase, or a key, its file or the directory of keys cannot be used.
	ExitKeys ExitCode = 10
	// ExitTransaction: the chain refused a transaction, or it failed in its block.
	ExitTransaction ExitCode = 11
	// ExitEvidence: a file is evidence, but a signature, binding or digest in it does not hold.
	ExitEvidence ExitCode = 12
	// ExitCheckFailed: a servicer failed a check on demand: no valid answer, or not that of the majority.
	ExitCheckFailed ExitCode = 13
	// ExitInterrupted: stopped by a signal before it was done.
	ExitInterrupted ExitCode = 130
)

// exitTable says each code in a few words, for the help text.
const exitTable = `Exit codes:
  0    done
  1    internal failure
  2    usage: unknown command or flag, bad value, malformed address, chain or payload
  3    node unreachable or not ready
  4    not found: session, actor, relay chain or height at the node, or key of an address
  5    home directory unusable or foreign
  6    home directory in use by another instance
  7    address to listen on in use
  8    bad genesis, or options that conflict with those recorded in the home directory
  9    relay refused, or its answer cannot be trusted
  10   wrong passphrase; key exists already; key file or directory of keys unusable
  11   transaction refused, or failed in its block
  12   evidence does not hold: a signature, binding or digest in it is wrong
  13   the servicer failed a check on demand
  130  interrupted before it was done`

// exitError is an error that knows its exit code.
type exitError struct {
	code ExitCode
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// fail makes an error that ends the process with code.
func fail(code ExitCode, format string, args ...any) error {
	return &exitError{code, fmt.Errorf(format, args...)}
}

// exitCode finds the code that an error ends the process with.
func exitCode(err error) ExitCode {
	if known, is := errors.AsType[*exitError](err); is {
		return known.code
	}
	if refused, is := errors.AsType[*client.Error](err); is {
		return refusalCode(refused)
	}
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.Is(err, client.ErrUnreachable), errors.Is(err, client.ErrNotANode):
		return ExitUnreachable
	}
	return sentinelCode(err)
}

// sentinelCode finds the code of an error of the packages localnet, keystore and configs.
func sentinelCode(err error) ExitCode {
	for _, known := range []struct {
		err  error
		code ExitCode
	}{
		{localnet.ErrBadOption, ExitUsage},
		{localnet.ErrNoGeth, ExitUsage},
		{localnet.ErrForeignHome, ExitHome},
		{localnet.ErrHomeUnusable, ExitHome},
		{localnet.ErrHomeInUse, ExitHomeInUse},
		{localnet.ErrAddressInUse, ExitAddressInUse},
		{localnet.ErrRecordedOption, ExitGenesis},
		{configs.ErrInvalid, ExitUsage},
		{keystore.ErrUnknownKey, ExitNotFound},
		{keystore.ErrBadLabel, ExitUsage},
		{keystore.ErrNoPassphrase, ExitUsage},
		{keystore.ErrKeyExists, ExitKeys},
		{keystore.ErrWrongPassphrase, ExitKeys},
		{keystore.ErrForeign, ExitKeys},
		{keystore.ErrDamaged, ExitKeys},
		{keystore.ErrExposed, ExitKeys},
		{keystore.ErrUnusable, ExitKeys},
	} {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	if _, is := errors.AsType[*genesis.FieldError](err); is {
		return ExitGenesis
	}
	return ExitFailure
}

func refusalCode(refused *client.Error) ExitCode {
	switch refused.Status {
	case http.StatusBadRequest, http.StatusMisdirectedRequest: // the latter: --node names the node otherwise than it is known
		return ExitUsage
	case http.StatusUnprocessableEntity, http.StatusConflict:
		return ExitTransaction
	case http.StatusNotFound:
		return ExitNotFound
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return ExitUnreachable
	}
	return ExitFailure
}
