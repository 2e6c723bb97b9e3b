package collector

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Problem is why nothing is read.
type Problem int

// Problems.
const (
	// NoProblem: the stream is read.
	NoProblem Problem = iota
	// Unreachable: there is no connection to a server.
	Unreachable
	// Refused: the server takes no credentials of ours, or does not let them do what has to be done.
	Refused
	// NoStream: there is no such stream, or no JetStream.
	NoStream
	// ForeignConsumer: the consumer belongs to the data directory of another collector.
	ForeignConsumer
	// Unstorable: what was read cannot be made durable.
	Unstorable
	// OtherProblem is none of these.
	OtherProblem
)

var problemLabels = []string{"none", "unreachable", "refused", "no_stream", "foreign_consumer", "unstorable", "other"}

// Label returns the problem's name in metrics and in JSON.
func (p Problem) Label() string { return problemLabels[p] }

// errForeignConsumer is returned when a consumer belongs to another data directory.
var errForeignConsumer = errors.New("the consumer belongs to the data directory of another collector")

// unconnected is why there is no use in the connection.
type unconnected struct {
	problem Problem
	reason  string
}

// Error returns the reason.
func (e *unconnected) Error() string { return e.reason }

// unstorable marks an error of the disk.
type unstorable struct{ error }

func (e unstorable) Unwrap() error { return e.error }

// problemOf returns which problem an error is.
func problemOf(err error) Problem {
	_, disk := errors.AsType[unstorable](err)
	lost, is := errors.AsType[*unconnected](err)
	switch {
	case err == nil:
		return NoProblem
	case is:
		return lost.problem
	case disk:
		return Unstorable
	case errors.Is(err, errForeignConsumer):
		return ForeignConsumer
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrJetStreamNotEnabled),
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return NoStream
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, jetstream.ErrConnectionClosed), errors.Is(err, nats.ErrTimeout),
		errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, context.DeadlineExceeded):
		return Unreachable
	}
	return OtherProblem
}

// foreignConsumer says whose consumer it is, and what to do.
func foreignConsumer(durable string) error {
	return fmt.Errorf("%w: consumer %s. Each collector has its own: give this one other relay_chains or another 'durable', or, if the other one "+
		"is gone for good, remove its consumer ('nats consumer rm')", errForeignConsumer, durable)
}
