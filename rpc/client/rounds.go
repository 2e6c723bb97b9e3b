package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Rounds reads a page of a session's rounds.
func (c *Client) Rounds(ctx context.Context, filter RoundFilter) (api.RoundPage, error) {
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
	if filter.Vantage != "" {
		parameters.Set("vantage", filter.Vantage)
	}
	return get[api.RoundPage](ctx, c, "/v1/qos/rounds", parameters)
}
