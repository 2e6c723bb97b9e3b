package client

import (
	"errors"
	"fmt"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Errors that callers decide on. Both are wrapped with the URL that was asked.
var (
	// ErrUnreachable is returned when no answer came: the node is not there, or did not answer in time.
	ErrUnreachable = errors.New("node is unreachable")
	// ErrNotANode is returned when something answered that does not speak this API.
	ErrNotANode = errors.New("the answer is not that of a pocket node")
)

// Error is a refusal by the node.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is stable and meant for programs: "unknown_application", "not_ready", …
	Code api.ErrorCode
	// Message is one printable sentence for a person.
	Message string
}

// Error shows code and message.
func (e *Error) Error() string { return fmt.Sprintf("%s (%s)", e.Message, e.Code) }
