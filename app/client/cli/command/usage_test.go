package command

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		err  error
		want ExitCode
	}{
		{nil, ExitOK},
		{errors.New("anything"), ExitFailure},
		{fmt.Errorf("wrapped: %w", Fail(ExitUntrusted, "refused")), ExitUntrusted},
		{fmt.Errorf("wrapped: %w", context.Canceled), ExitInterrupted},
		{fmt.Errorf("wrapped: %w", client.ErrUnreachable), ExitUnreachable},
		{client.ErrNotANode, ExitUnreachable},
		{&client.Error{Status: 503, Code: "not_ready"}, ExitUnreachable},
		{&client.Error{Status: 404, Code: "unknown_session"}, ExitNotFound},
		{&client.Error{Status: 400, Code: "bad_parameter"}, ExitUsage},
		{&client.Error{Status: 421, Code: "bad_host"}, ExitUsage},
		{&client.Error{Status: 500, Code: "internal"}, ExitFailure},
		{fmt.Errorf("%w: x", localnet.ErrBadOption), ExitUsage},
		{fmt.Errorf("%w: x", localnet.ErrForeignHome), ExitHome},
		{fmt.Errorf("%w: x", localnet.ErrHomeUnusable), ExitHome},
		{fmt.Errorf("%w: x", localnet.ErrHomeInUse), ExitHomeInUse},
		{fmt.Errorf("%w: x", localnet.ErrAddressInUse), ExitAddressInUse},
		{fmt.Errorf("%w: x", localnet.ErrRecordedOption), ExitGenesis},
		{fmt.Errorf("x: %w", keystore.ErrUnknownKey), ExitNotFound},
		{fmt.Errorf("x: %w", keystore.ErrKeyExists), ExitKeys},
		{fmt.Errorf("x: %w", keystore.ErrWrongPassphrase), ExitKeys},
		{fmt.Errorf("x: %w", keystore.ErrUnusable), ExitKeys},
		{fmt.Errorf("x: %w", keystore.ErrBadLabel), ExitUsage},
		{fmt.Errorf("x: %w", &genesis.FieldError{Field: "a"}), ExitGenesis},
	} {
		if got := Code(test.err); got != test.want {
			t.Errorf("exit code of %v is %d, want %d", test.err, got, test.want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"servicers", "slow", "down", "seed"}
	for name, want := range map[string]string{
		"servicer": "servicers", "serv": "servicers", "SLOW": "slow", "sede": "seed", "lying": "", "x": "", "": "",
	} {
		if got := nearest(name, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
