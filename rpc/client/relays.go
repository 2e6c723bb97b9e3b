package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// KeptRelays reads what the node's servicers keep of relays, with the last sessions; 0 means the node's default.
func (c *Client) KeptRelays(ctx context.Context, last int) (api.KeptRelays, error) {
	parameters := url.Values{}
	if last != 0 {
		parameters.Set("last", strconv.Itoa(last))
	}
	return get[api.KeptRelays](ctx, c, "/v1/relays", parameters)
}

// SessionRelays reads the kept relays of a session from a place on; limit 0 means the node's default.
func (c *Client) SessionRelays(ctx context.Context, session string, from int64, limit int) (api.RelayPage, error) {
	parameters := url.Values{"session": {session}}
	if from != 0 {
		parameters.Set("from", strconv.FormatInt(from, 10))
	}
	if limit != 0 {
		parameters.Set("limit", strconv.Itoa(limit))
	}
	return get[api.RelayPage](ctx, c, "/v1/relays/session", parameters)
}
