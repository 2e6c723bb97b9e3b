package client

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// KeptRelays is what a node's servicers keep of relays, and what became of those that they wanted to keep.
type KeptRelays struct {
	// Servicers of the node.
	Servicers []ServicerRelays `json:"servicers"`
	Store     RelayStore       `json:"store"`
	// Sessions with kept relays, the newest ones, oldest first.
	Sessions []SessionRelays `json:"sessions"`
}

// ServicerRelays count what became of a servicer's volume-applicable relays since its node began to run.
type ServicerRelays struct {
	Address string `json:"address"`
	// Stored are on the disk; Dropped found the queue full; Failed were refused by the store.
	Stored  uint64 `json:"stored"`
	Dropped uint64 `json:"dropped"`
	Failed  uint64 `json:"failed"`
}

// RelayStore is what a node's store of relays holds.
type RelayStore struct {
	Sessions int   `json:"sessions"`
	Relays   int   `json:"relays"`
	Bytes    int64 `json:"bytes"`
	// EvictedSessions were removed by the store's caps, and Failures counts how often the disk failed it, since the node
	// began to run.
	EvictedSessions int64 `json:"evicted_sessions"`
	Failures        int64 `json:"failures"`
}

// SessionRelays is a session with kept relays.
type SessionRelays struct {
	ID          string `json:"id"`
	StartHeight int64  `json:"start_height"`
	RelayChain  string `json:"relay_chain"`
	GeoZone     string `json:"geo_zone"`
	Application string `json:"application"`
	// Relays is how many are kept.
	Relays int `json:"relays"`
}

// RelayPage are relays of a session in the order in which they came.
type RelayPage struct {
	Session string `json:"session"`
	// Kept is how many relays of the session there are in all.
	Kept int `json:"kept"`
	// Next is where the following page begins; nil on the last one.
	Next   *int64      `json:"next"`
	Relays []KeptRelay `json:"relays"`
}

// KeptRelay is one relay. Only what the envelopes say can be relied on: they are signed.
type KeptRelay struct {
	// Place within the session; the first is 0.
	Place int64 `json:"place"`
	// RequestHash is the SHA-256 of the request's body, in hex.
	RequestHash string `json:"request_hash"`
	Servicer    string `json:"servicer"`
	Application string `json:"application"`
	// Signer of the request: the application, or a fisherman of the session.
	Signer string `json:"signer"`
	// Received and Answered are the servicer's clock.
	Received time.Time `json:"received"`
	Answered time.Time `json:"answered"`
	// UpstreamStatus is the HTTP status of the node behind the servicer.
	UpstreamStatus uint32 `json:"upstream_status"`
	// Request and Response are the envelopes, each with its signature; base64 in JSON.
	Request  []byte `json:"request"`
	Response []byte `json:"response"`
}

// KeptRelays reads what the node's servicers keep of relays, with at most so many sessions; 0 leaves that to the node.
func (c *Client) KeptRelays(ctx context.Context, last int) (KeptRelays, error) {
	parameters := url.Values{}
	if last != 0 {
		parameters.Set("last", strconv.Itoa(last))
	}
	return get[KeptRelays](ctx, c, "/v1/relays", parameters)
}

// SessionRelays reads the kept relays of a session from a place on, at most so many; a limit of 0 leaves that to the node.
func (c *Client) SessionRelays(ctx context.Context, session string, from int64, limit int) (RelayPage, error) {
	parameters := url.Values{"session": {session}}
	if from != 0 {
		parameters.Set("from", strconv.FormatInt(from, 10))
	}
	if limit != 0 {
		parameters.Set("limit", strconv.Itoa(limit))
	}
	return get[RelayPage](ctx, c, "/v1/relays/session", parameters)
}
