package client

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
)

// Readiness is the answer of a node that is level with its chain.
type Readiness struct {
	Status string `json:"status"`
	Height int64  `json:"height"`
}

// Version is how a node was built. Texts are empty where its toolchain was told nothing.
type Version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Modified bool   `json:"modified"`
	Time     string `json:"time"`
	Go       string `json:"go"`
}

// Params are the governed parameters in the state after the block of a height.
type Params struct {
	Height int64 `json:"height"`
	// Params are written as in the genesis file.
	Params json.RawMessage `json:"params"`
}

// Block is what is shown of a committed block.
type Block struct {
	Height int64  `json:"height"`
	Hash   string `json:"hash"`
	// Time is the block's own, agreed on by the validators.
	Time time.Time `json:"time"`
	// Proposer is the address of the validator that proposed it.
	Proposer string `json:"proposer"`
	// Transactions is how many it has.
	Transactions int `json:"transactions"`
	// AppHash is the hash of the state that the block begins with: that after the block before it.
	AppHash string `json:"app_hash"`
}

// Blocks are committed blocks, ordered by height.
type Blocks struct {
	// Height is the newest one of the chain.
	Height int64 `json:"height"`
	// Next is where the following page begins; nil when there is no block behind them yet.
	Next   *int64  `json:"next"`
	Blocks []Block `json:"blocks"`
}

// Transaction is a transaction in a block.
type Transaction struct {
	// Hash is SHA-256 of the transaction, in hex.
	Hash   string `json:"hash"`
	Height int64  `json:"height"`
	// Index within the block, from 0.
	Index int `json:"index"`
	// Code of its result; 0 when it was carried out. Result is the code's name.
	Code   int32  `json:"code"`
	Result string `json:"result"`
	// Log explains a code other than 0. It is the node's text: clean it before a terminal sees it.
	Log    string `json:"log"`
	Signer string `json:"signer"`
	// Sequence of the signer's account that it was signed for.
	Sequence uint64 `json:"sequence"`
	// FeeUPOKT is a decimal number in uPOKT.
	FeeUPOKT string `json:"fee_upokt"`
	// Message is an object with one key, which names the kind of the transaction.
	Message json.RawMessage `json:"message"`
}

// Health is nil when the node's process answers.
func (c *Client) Health(ctx context.Context) error {
	_, err := get[struct{}](ctx, c, "/v1/health", url.Values{})
	return err
}

// Ready tells that the node is level with its chain. When it is not, the error is an Error with the code "not_ready".
func (c *Client) Ready(ctx context.Context) (Readiness, error) {
	return get[Readiness](ctx, c, "/v1/ready", url.Values{})
}

// Version reads how the node was built.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return get[Version](ctx, c, "/v1/version", url.Values{})
}

// Params reads the governed parameters at a height; height 0 means the latest.
func (c *Client) Params(ctx context.Context, height int64) (Params, error) {
	parameters := url.Values{}
	addHeight(parameters, height)
	return get[Params](ctx, c, "/v1/params", parameters)
}

// Block reads the block of a height; height 0 means the latest.
func (c *Client) Block(ctx context.Context, height int64) (Block, error) {
	parameters := url.Values{}
	addHeight(parameters, height)
	return get[Block](ctx, c, "/v1/block", parameters)
}

// Blocks reads blocks from a height on, at most so many; height 0 means the newest ones, a limit of 0 leaves that to the
// node.
func (c *Client) Blocks(ctx context.Context, from int64, limit int) (Blocks, error) {
	parameters := url.Values{}
	if from != 0 {
		parameters.Set("from", strconv.FormatInt(from, 10))
	}
	if limit != 0 {
		parameters.Set("limit", strconv.Itoa(limit))
	}
	return get[Blocks](ctx, c, "/v1/blocks", parameters)
}

// Transaction reads the transaction of a hash, 64 hex digits, in the block of a height; with height 0 the node looks into
// its newest 1000 blocks.
func (c *Client) Transaction(ctx context.Context, hash string, height int64) (Transaction, error) {
	parameters := url.Values{"hash": {hash}}
	addHeight(parameters, height)
	return get[Transaction](ctx, c, "/v1/transaction", parameters)
}
