package types

import "fmt"

// Failure is why a request has no usable answer: how it ended, and whom that speaks against.
type Failure struct {
	Outcome Outcome
	Blame   Blame
	// Attempt is what was being done.
	Attempt Attempt
	// Refusal is what the servicer said instead of an answer; nil when it said nothing of the kind.
	Refusal *Refusal
	Err     error
}

// Refusal is an error of a servicer, signed where its network has that, in terms that do not depend on it.
type Refusal struct {
	// Code and Label are the network's own, as in 7 and "NOT_IN_SESSION". Code is above 0.
	Code  uint32
	Label string
	// DisputesRequest: the servicer says that the request itself is wrong (its session, its signer, its form). A
	// fisherman whose view of the network is wrong is told so by every servicer.
	DisputesRequest bool
	// Contradicted: nothing proves who said it, and by what this fisherman sees of the network it cannot be.
	Contradicted bool
	// OverAllowance: the servicer says that more was asked than the session allows.
	OverAllowance bool
	// TooLarge: the servicer says that its node's answer is larger than the network's protocol carries.
	TooLarge bool
}

// Error says for a person what was attempted and how it failed.
func (f *Failure) Error() string { return fmt.Sprintf("%s: %v", f.Attempt.Phrase(), f.Err) }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }
