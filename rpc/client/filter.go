package client

import (
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// QoSFilter narrows a report; its zero value admits the newest sessions, as many as the node answers by itself.
type QoSFilter struct {
	// SessionID admits this session only; empty admits all.
	SessionID string
	// Servicer admits only this servicer's rows; empty admits all.
	Servicer string
	// Last admits the newest N sessions; 0 leaves the number to the node.
	Last int
	// Rolling is how far back rolling verdicts reach; the zero value leaves that to the node.
	Rolling RollingSpan
}

// WindowFilter says what is merged and shown.
type WindowFilter struct {
	Span Span
	// Servicer shows only this servicer's rows; empty shows all.
	Servicer string
}

// EvidenceFilter narrows evidence; its zero value admits the newest checks in which servicers disagreed, as many as the
// node answers by itself.
type EvidenceFilter struct {
	// SessionID admits this session only; empty admits all.
	SessionID string
	// Servicer admits only checks in which this address is on a side; empty admits all.
	Servicer string
	// Check admits only this place in a session's plan; nil admits all.
	Check *uint32
	// Before admits only checks that are older than the place; nil admits all.
	Before *api.EvidencePlace
	// Limit is the most checks of the page, 1 to 100; 0 leaves the number to the node.
	Limit int
}

// RoundFilter says which rounds are read.
type RoundFilter struct {
	SessionID string
	// Servicer narrows the samples to those of this address; empty admits all.
	Servicer string
	// From is the least index.
	From uint32
	// Limit is the most rounds; 0 leaves that to the node.
	Limit int
	// Vantage is the place whose rounds are read, of a collector; empty for the first that has the session.
	Vantage string
}

// Span says how far a window reaches back.
type Span = qos.Span

// RollingSpan says how far back rolling verdicts reach.
type RollingSpan = qos.RollingSpan

// ParseRolling reads a number of checks within one hour ("30"), a duration in Go's form of which the newest 100 checks
// count ("90m"), or both ("50,2h").
func ParseRolling(text string) (RollingSpan, error) { return qos.ParseRolling(text) }

// ParseSpan reads a number of sessions ("10") or a duration in Go's form ("24h", "90m").
func ParseSpan(text string) (Span, error) { return qos.ParseSpan(text) }
