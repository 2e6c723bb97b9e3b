package utility

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// errNoGenesis is a state that InitGenesis has not written.
var errNoGenesis = errors.New("the state is empty: it was not initialised from a genesis")

// Params are the governed parameters.
func Params(r Reader) (*genesis.Params, error) {
	value, err := r.Get([]byte(paramsKey))
	if err != nil {
		return nil, fmt.Errorf("read parameters: %w", err)
	}
	if value == nil {
		return nil, fmt.Errorf("read parameters: %w", errNoGenesis)
	}
	params := new(genesis.Params)
	if err := proto.Unmarshal(value, params); err != nil {
		return nil, fmt.Errorf("decode parameters: %w", err)
	}
	return params, nil
}

// ChainID is the name of the chain.
func ChainID(r Reader) (string, error) {
	value, err := r.Get([]byte(chainIDKey))
	if err != nil {
		return "", fmt.Errorf("read chain id: %w", err)
	}
	if value == nil {
		return "", fmt.Errorf("read chain id: %w", errNoGenesis)
	}
	return string(value), nil
}
