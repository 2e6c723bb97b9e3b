package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/consensus"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// shownError is an error of consensus as the API knows it, with what it says.
type shownError struct {
	said  error
	known error
}

// Error is what consensus said.
func (e shownError) Error() string { return e.said.Error() }

// Unwrap is what the API decides on.
func (e shownError) Unwrap() error { return e.known }

// shown is an error of consensus under the name that the API has for it.
func shown(err error) error {
	for ours, theirs := range map[error]error{
		consensus.ErrNotReady:           rpc.ErrNotReady,
		consensus.ErrKnownTransaction:   rpc.ErrKnownTransaction,
		consensus.ErrMempoolFull:        rpc.ErrMempoolFull,
		consensus.ErrUnknownTransaction: rpc.ErrUnknownTransaction,
	} {
		if errors.Is(err, ours) {
			return shownError{said: err, known: theirs}
		}
	}
	return err
}

// blockReader shows the chain's blocks to the API.
type blockReader struct {
	chain *consensus.Chain
}

// Block is the block of a height.
func (r blockReader) Block(height int64) (rpc.Block, error) {
	block, err := r.chain.Block(height)
	return rpc.Block(block), shown(err)
}

// Transaction is the transaction of a hash.
func (r blockReader) Transaction(ctx context.Context, hash []byte, height, latest int64) (rpc.Transaction, error) {
	found, err := r.chain.Transaction(ctx, hash, height, latest)
	return rpc.Transaction(found), shown(err)
}

// Ready is nil while the node is level with its chain.
func (r blockReader) Ready() error { return shown(r.chain.Ready()) }

// params are the governed parameters in the state after the block at a height, as the genesis file writes them.
func (n *Node) params(ctx context.Context, height int64) (json.RawMessage, error) {
	params, err := n.utility.Params(ctx, height)
	if err != nil {
		return nil, err
	}
	return encodeParams(params)
}

// nextParams are the governed parameters that the next session starts with, in the state after the block of a height.
func (n *Node) nextParams(ctx context.Context, height int64) (json.RawMessage, error) {
	params, err := n.utility.NextParams(ctx, height)
	if err != nil {
		return nil, err
	}
	return encodeParams(params)
}

// encodeParams encodes parameters with those that a state may lack because it is older.
func encodeParams(params *genesis.Params) (json.RawMessage, error) {
	params.Qos.ChecksPerColdCheck = proto.Uint32(params.GetQos().ColdShare())
	encoded, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(params)
	if err != nil {
		return nil, fmt.Errorf("encode parameters: %w", err)
	}
	return encoded, nil
}

// broadcast hands a transaction of the API's to the chain.
func (n *Node) broadcast(ctx context.Context, raw []byte, wait bool) (rpc.Receipt, error) {
	receipt, err := n.chain.Broadcast(ctx, raw, wait)
	return rpc.Receipt(receipt), shown(err)
}
