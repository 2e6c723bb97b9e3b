package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/pocket-fisherman/fisherman/qos"
)

// What single checks are made of. They are the very types that the node makes them of.
type (
	// Round is one check, and Sample what one servicer did with its question.
	Round  = qos.RoundReport
	Sample = qos.SampleReport
	// SessionNotice is a session as the fisherman took it up.
	SessionNotice = qos.SessionNotice
)

// RoundFilter says which rounds are read.
type RoundFilter struct {
	SessionID string
	// Servicer narrows the samples to those of this address; empty admits all.
	Servicer string
	// From is the least index.
	From uint32
	// Limit is the most rounds; 0 leaves that to the node.
	Limit int
}

// RoundPage are rounds of a session, ordered by index.
type RoundPage struct {
	Session string `json:"session"`
	// Stored is how many rounds the session has in all.
	Stored int `json:"stored"`
	// Next is the index from which the following page begins; nil on the last one.
	Next   *uint32 `json:"next"`
	Rounds []Round `json:"rounds"`
}

// Rounds reads a page of a session's rounds.
func (c *Client) Rounds(ctx context.Context, filter RoundFilter) (RoundPage, error) {
	parameters := url.Values{"session": {filter.SessionID}}
	if filter.Servicer != "" {
		parameters.Set("servicer", filter.Servicer)
	}
	if filter.From != 0 {
		parameters.Set("from", strconv.FormatUint(uint64(filter.From), 10))
	}
	if filter.Limit != 0 {
		parameters.Set("limit", strconv.Itoa(filter.Limit))
	}
	return get[RoundPage](ctx, c, "/v1/qos/rounds", parameters)
}
