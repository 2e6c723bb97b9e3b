package rpc

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

const (
	// defaultBlocks is how many blocks GET /v1/blocks answers when it is not told; maximumBlocks is the most.
	defaultBlocks = 20
	maximumBlocks = 100
)

// ErrUnknownTransaction is returned by a BlockReader that finds no transaction of a hash.
var ErrUnknownTransaction = errors.New("transaction is not known")

// BlockReader reads committed blocks. Errors on which the server decides: ErrNotReady, modules.ErrHeightUnavailable,
// ErrUnknownTransaction.
type BlockReader interface {
	// Block is the block of a height.
	Block(height int64) (Block, error)
	// Transaction is the transaction of a hash in the block of a height; with height 0, in one of the newest blocks up to
	// latest.
	Transaction(ctx context.Context, hash []byte, height, latest int64) (Transaction, error)
	// Ready is nil while the node is level with its chain; otherwise it is ErrNotReady and says why.
	Ready() error
}

// Block is what is shown of a committed block.
type Block struct {
	Height int64
	Hash   []byte
	// Time is the block's own, agreed on by the validators.
	Time time.Time
	// Proposer is the address of the validator that proposed it.
	Proposer string
	// Transactions is how many it has.
	Transactions int
	// AppHash is the hash of the state that the block begins with.
	AppHash []byte
}

// Transaction is a transaction in a block.
type Transaction struct {
	Raw    []byte
	Height int64
	// Index within the block, from 0.
	Index int
	// Code and Log of its result.
	Code types.TransactionCode
	Log  string
}

func (s *Server) health(context.Context, query) (any, error) {
	return api.Health{Status: api.HealthStatusOK}, nil
}

func (s *Server) ready(context.Context, query) (any, error) {
	view := api.Ready{Status: api.ReadyStatusReady, Controls: s.readers.Status.Controls()}
	if s.readers.Chain == nil {
		if err := s.network.Ready(); err != nil {
			return nil, &refusal{http.StatusServiceUnavailable, api.ErrorCodeNotReady, err.Error()}
		}
		return view, nil
	}
	if err := s.readers.Blocks.Ready(); err != nil {
		return nil, err
	}
	view.Height = s.readers.Chain.Height()
	return view, nil
}

func (s *Server) version(context.Context, query) (any, error) {
	return s.readers.Status.Build(), nil
}

func (s *Server) params(ctx context.Context, parameters query) (any, error) {
	height, err := s.height(parameters)
	if err != nil {
		return nil, err
	}
	params, err := s.readers.Params(ctx, height)
	if err != nil {
		return nil, err
	}
	view := api.ParamsAt{Height: height, Params: params}
	if s.readers.NextParams != nil {
		next, err := s.readers.NextParams(ctx, height)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(next, params) {
			view.Next = next
		}
	}
	return view, nil
}

func (s *Server) block(_ context.Context, parameters query) (any, error) {
	height, err := s.committed(parameters)
	if err != nil {
		return nil, err
	}
	block, err := s.readers.Blocks.Block(height)
	if err != nil {
		return nil, err
	}
	return viewBlock(block), nil
}

// committed is the height that a request asks for, of a block that the node's state has too.
func (s *Server) committed(parameters query) (int64, error) {
	height, err := s.height(parameters)
	if latest := s.readers.Chain.Height(); err == nil && height > latest {
		return 0, fmt.Errorf("block %d: %w; the newest is %d", height, modules.ErrHeightUnavailable, latest)
	}
	return height, err
}

func (s *Server) blocks(ctx context.Context, parameters query) (any, error) {
	limit, err := parameters.integer("limit", 1, maximumBlocks, defaultBlocks)
	if err != nil {
		return nil, err
	}
	from, err := parameters.integer("from", 1, math.MaxInt64, 0)
	if err != nil {
		return nil, err
	}
	latest := s.readers.Chain.Height()
	if latest == 0 {
		return nil, notReady()
	}
	if from == 0 {
		from = s.newestBlocks(latest, limit)
	}
	view := api.Blocks{Height: latest, Blocks: []api.Block{}}
	for height := from; height <= latest && height-from < limit && ctx.Err() == nil; height++ {
		block, err := s.readers.Blocks.Block(height)
		if err != nil {
			return nil, err
		}
		view.Blocks = append(view.Blocks, viewBlock(block))
	}
	if next := from + int64(len(view.Blocks)); next <= latest {
		view.Next = &next
	}
	return view, ctx.Err()
}

// newestBlocks returns the height of the first of the newest blocks, at most limit of them, that the node has.
func (s *Server) newestBlocks(latest, limit int64) int64 {
	from := max(1, latest-limit+1)
	_, err := s.readers.Blocks.Block(from)
	if gone, is := errors.AsType[*modules.HeightNotKept](err); is {
		return gone.Oldest
	}
	return from
}

func viewBlock(block Block) api.Block {
	return api.Block{Height: block.Height, Hash: hex.EncodeToString(block.Hash), Time: block.Time.UTC(), Proposer: block.Proposer,
		Transactions: block.Transactions, AppHash: hex.EncodeToString(block.AppHash)}
}

func (s *Server) oneTransaction(ctx context.Context, parameters query) (any, error) {
	text, err := parameters.required("hash", validateHash)
	if err != nil {
		return nil, err
	}
	hash, err := hex.DecodeString(text)
	if err != nil {
		return nil, badParameter("hash: %v", err)
	}
	height := int64(0)
	if _, given := parameters["height"]; given {
		height, err = s.committed(parameters)
	} else if s.readers.Chain.Height() == 0 {
		err = notReady()
	}
	if err != nil {
		return nil, err
	}
	found, err := s.readers.Blocks.Transaction(ctx, hash, height, s.readers.Chain.Height())
	if errors.Is(err, ErrUnknownTransaction) {
		return nil, &refusal{http.StatusNotFound, api.ErrorCodeUnknownTransaction, err.Error()}
	}
	if err != nil {
		return nil, err
	}
	return viewTransaction(text, found)
}

// validateHash reports what is wrong with the hash of a transaction: it has the form of a session's id.
func validateHash(hash string) error { return short(types.ValidateSessionID)(hash) }

func viewTransaction(hash string, found Transaction) (api.Transaction, error) {
	opened, err := transaction.Open(found.Raw)
	if err != nil { // no honest validator lets it into a block
		return api.Transaction{}, fmt.Errorf("open transaction %s of block %d: %s", hash, found.Height, err)
	}
	body := opened.Transaction
	return api.Transaction{
		Hash: hash, Height: found.Height, Index: found.Index,
		Code: int32(found.Code), Result: api.TransactionResult(found.Code.Label()), ResultWord: api.WordOf(found.Code.Label()), Log: found.Log,
		Signer: opened.Signer, Sequence: body.GetSequence(), FeeUPOKT: strconv.FormatUint(body.GetFeeUpokt(), 10),
		Message: viewMessage(body),
	}, nil
}
