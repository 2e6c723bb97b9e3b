package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// ExitCode is what the process ends with. The table is part of the command line's contract: a code never changes its
// meaning.
type ExitCode int

// Exit codes; what they mean is in meanings.
const (
	ExitOK           ExitCode = 0
	ExitFailure      ExitCode = 1
	ExitUsage        ExitCode = 2
	ExitUnreachable  ExitCode = 3
	ExitNotFound     ExitCode = 4
	ExitHome         ExitCode = 5
	ExitHomeInUse    ExitCode = 6
	ExitAddressInUse ExitCode = 7
	ExitGenesis      ExitCode = 8
	ExitUntrusted    ExitCode = 9
	ExitKeys         ExitCode = 10
	ExitTransaction  ExitCode = 11
	ExitEvidence     ExitCode = 12
	ExitCheckFailed  ExitCode = 13
	ExitCompared     ExitCode = 14
	ExitUnfit        ExitCode = 15
	ExitNotDelivered ExitCode = 16
	ExitInterrupted  ExitCode = 130
)

// meaning is a code with what it means in a few words.
type meaning struct {
	code ExitCode
	text string
}

// meanings is the one table of exit codes: the help is made from it, and documents are checked against it.
var meanings = []meaning{
	{ExitOK, "done"}, // also the end of an endless LocalNet by Ctrl-C
	{ExitFailure, "internal failure"},
	{ExitUsage, "usage: unknown command or flag, bad value, malformed address, chain or payload"},
	{ExitUnreachable, "node unreachable or not ready"},
	{ExitNotFound, "not found: session, actor, relay chain, height or transaction at the node, or key of an address"},
	{ExitHome, "home directory unusable or foreign"},
	{ExitHomeInUse, "home directory in use by another instance"},
	{ExitAddressInUse, "address to listen on in use"},
	{ExitGenesis, "bad genesis, or options that conflict with those recorded in the home directory"},
	{ExitUntrusted, "relay refused, or its answer cannot be trusted; evidence without signatures"},
	{ExitKeys, "wrong passphrase; key exists already; key file or directory of keys unusable"},
	{ExitTransaction, "transaction refused, or failed in its block"},
	{ExitEvidence, "evidence does not hold: a signature, binding or digest in it is wrong"},
	{ExitCheckFailed, "the servicer failed a check on demand"},
	{ExitCompared, "a compared target has a verdict that is to fail (compare --fail-on)"},
	{ExitUnfit, "something keeps a fisherman from sampling an application's sessions (shannon doctor)"},
	{ExitNotDelivered, "a receiver did not take the test message (fisherman alerts test)"},
	{ExitInterrupted, "interrupted before it was done"},
}

// ExitCodesHelp returns the table of exit codes for the help text.
func ExitCodesHelp() string {
	lines := []string{"Exit codes:"}
	for _, known := range meanings {
		lines = append(lines, fmt.Sprintf("  %-4d %s", known.code, known.text))
	}
	return strings.Join(lines, "\n")
}

// exitError is an error that knows its exit code.
type exitError struct {
	code ExitCode
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// Fail makes an error that ends the process with code.
func Fail(code ExitCode, format string, args ...any) error {
	return &exitError{code, fmt.Errorf(format, args...)}
}

// Code returns the code that an error ends the process with.
func Code(err error) ExitCode {
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
		{keystore.ErrOtherType, ExitUsage},
		{keystore.ErrAmbiguous, ExitUsage},
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
