package client

import (
	"errors"
	"fmt"
)

// Sentinels on which callers decide. Both are wrapped with the URL that was asked.
var (
	// ErrUnreachable: no answer came, for the node is not there, or did not answer in time.
	ErrUnreachable = errors.New("node is unreachable")
	// ErrNotANode: something answered, but not as this API does.
	ErrNotANode = errors.New("the answer is not that of a pocket node")
)

// Error is a refusal by the node.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is stable and meant for programs: "unknown_application", "not_ready", …
	Code string
	// Message is one sentence for a person. It is the node's text: clean it before a terminal sees it.
	Message string
}

// Error shows code and message.
func (e *Error) Error() string { return fmt.Sprintf("%s (%s)", e.Message, e.Code) }
