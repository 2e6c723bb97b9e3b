package shannon

import (
	"errors"

	"github.com/pocket-fisherman/fisherman/network/shannon/chain"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// Problem is why a group has no session.
type Problem int

const (
	// ProblemNone: it has one, or was not looked at yet.
	ProblemNone Problem = iota
	// ProblemUnreachable: no RPC endpoint answers.
	ProblemUnreachable
	// ProblemNotSynced: no RPC endpoint has the height yet.
	ProblemNotSynced
	// ProblemOtherChain: an RPC endpoint is of another chain.
	ProblemOtherChain
	// ProblemMalformed: what an RPC endpoint answers cannot be.
	ProblemMalformed
	// ProblemNotStaked: the application is not staked.
	ProblemNotStaked
	// ProblemOtherService: the application is staked for another service.
	ProblemOtherService
	// ProblemUnknownService: the service does not exist.
	ProblemUnknownService
	// ProblemNoSuppliers: no supplier is active for the service, or the application is not active yet.
	ProblemNoSuppliers
	// ProblemNotDelegated: the signer is neither the application nor a gateway that it delegates to.
	ProblemNotDelegated
	// ProblemNoKey: the application's account has no public key on the chain.
	ProblemNoKey
	// ProblemParams: parameters by which no price can be computed.
	ProblemParams
	// ProblemRefused: the chain refuses a query for another reason.
	ProblemRefused
	// ProblemDisputed: no two RPC endpoints say the same about the session, or what it costs.
	ProblemDisputed
	// ProblemUnconfirmed: only one of several RPC endpoints says something about it.
	ProblemUnconfirmed
)

var problemLabels = [...]string{"none", "unreachable", "not_synced", "other_chain", "malformed", "not_staked", "other_service",
	"unknown_service", "no_suppliers", "not_delegated", "no_key", "params", "refused", "disputed", "unconfirmed"}

// Problems returns all that there are, without ProblemNone.
func Problems() []Problem {
	all := make([]Problem, 0, len(problemLabels)-1)
	for p := range problemLabels[1:] {
		all = append(all, Problem(p+1))
	}
	return all
}

// Label returns the problem's name in metrics and reports.
func (p Problem) Label() string {
	if p < 0 || int(p) >= len(problemLabels) {
		return problemLabels[ProblemRefused]
	}
	return problemLabels[p]
}

// errNoKeyOfApplication is why nobody can sign for an application.
var errNoKeyOfApplication = errors.New("the application's account has no public key on the chain: it has to send a transaction first")

// errNoSuppliers is returned for a session without anybody in it.
var errNoSuppliers = errors.New("the session has no suppliers")

// problems are the errors of reading a session, most telling first.
var problems = []struct {
	err error
	is  Problem
}{
	{chain.ErrDisputed, ProblemDisputed},
	{chain.ErrUnconfirmed, ProblemUnconfirmed},
	{chain.ErrUnknownService, ProblemUnknownService},
	{chain.ErrNotStaked, ProblemNotStaked},
	{chain.ErrOtherService, ProblemOtherService},
	{chain.ErrNoSession, ProblemNoSuppliers},
	{errNoSuppliers, ProblemNoSuppliers},
	{errNoKeyOfApplication, ProblemNoKey},
	{protocol.ErrNotInRing, ProblemNotDelegated},
	{protocol.ErrRing, ProblemNotDelegated},
	{protocol.ErrParams, ProblemParams},
	{chain.ErrNotSynced, ProblemNotSynced},
	{chain.ErrOtherChain, ProblemOtherChain},
	{chain.ErrMalformed, ProblemMalformed},
	{chain.ErrUnreachable, ProblemUnreachable},
}

// ProblemOf returns what kind of problem an error of reading a session is; ProblemNone for nil.
func ProblemOf(err error) Problem {
	if err == nil {
		return ProblemNone
	}
	for _, known := range problems {
		if errors.Is(err, known.err) {
			return known.is
		}
	}
	return ProblemRefused
}

// passes reports whether a problem is one of reading the chain, which says nothing about the group: it is an error, not the
// absence of a session.
func (p Problem) passes() bool {
	switch p {
	case ProblemUnreachable, ProblemNotSynced, ProblemOtherChain, ProblemMalformed, ProblemRefused, ProblemDisputed, ProblemUnconfirmed:
		return true
	}
	return false
}
