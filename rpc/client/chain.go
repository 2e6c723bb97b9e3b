package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Health is nil when the node's process answers.
func (c *Client) Health(ctx context.Context) error {
	_, err := get[struct{}](ctx, c, "/v1/health", url.Values{})
	return err
}

// Ready reports that the node is level with its chain. When it is not, the error is an Error with the code "not_ready".
func (c *Client) Ready(ctx context.Context) (api.Ready, error) {
	return get[api.Ready](ctx, c, "/v1/ready", url.Values{})
}

// Version reads how the node was built.
func (c *Client) Version(ctx context.Context) (api.Version, error) {
	return get[api.Version](ctx, c, "/v1/version", url.Values{})
}

// Params reads the governed parameters at a height; height 0 means the latest.
func (c *Client) Params(ctx context.Context, height int64) (api.ParamsAt, error) {
	parameters := url.Values{}
	addHeight(parameters, height)
	return get[api.ParamsAt](ctx, c, "/v1/params", parameters)
}

// Block reads the block of a height; height 0 means the latest.
func (c *Client) Block(ctx context.Context, height int64) (api.Block, error) {
	parameters := url.Values{}
	addHeight(parameters, height)
	return get[api.Block](ctx, c, "/v1/block", parameters)
}

// Blocks reads at most limit blocks from a height on; height 0 means the newest ones, limit 0 the node's default.
func (c *Client) Blocks(ctx context.Context, from int64, limit int) (api.Blocks, error) {
	parameters := url.Values{}
	if from != 0 {
		parameters.Set("from", strconv.FormatInt(from, 10))
	}
	if limit != 0 {
		parameters.Set("limit", strconv.Itoa(limit))
	}
	return get[api.Blocks](ctx, c, "/v1/blocks", parameters)
}

// Transaction reads the transaction of a hash, 64 hex digits, in the block of a height; with height 0 the node looks into
// its newest 1000 blocks.
func (c *Client) Transaction(ctx context.Context, hash string, height int64) (api.Transaction, error) {
	parameters := url.Values{"hash": {hash}}
	addHeight(parameters, height)
	return get[api.Transaction](ctx, c, "/v1/transaction", parameters)
}

// Addresses reads which addresses begin with a prefix, at most limit: those of a role, or of any with an empty one.
func (c *Client) Addresses(ctx context.Context, prefix string, role api.AddressRole, limit int) (api.Addresses, error) {
	parameters := url.Values{"limit": {strconv.Itoa(limit)}}
	if prefix != "" {
		parameters.Set("prefix", prefix)
	}
	if role != "" {
		parameters.Set("role", string(role))
	}
	return get[api.Addresses](ctx, c, "/v1/addresses", parameters)
}
