package utility

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// errNoGenesis is returned for a state that InitGenesis has not written.
var errNoGenesis = errors.New("the state is empty: it was not initialised from a genesis")

// Params returns the governed parameters in force.
func Params(r Reader) (*genesis.Params, error) {
	params, err := readParams(r, paramsKey)
	if err == nil && params == nil {
		err = fmt.Errorf("read parameters: %w", errNoGenesis)
	}
	return params, err
}

// NextParams returns the parameters that the next session starts with, unless they are changed before.
func NextParams(r Reader) (*genesis.Params, error) {
	next, err := readParams(r, nextParamsKey)
	if err != nil || next != nil {
		return next, err
	}
	return Params(r)
}

// readParams returns nil, nil if there are none.
func readParams(r Reader, key string) (*genesis.Params, error) {
	value, err := r.Get([]byte(key))
	if err != nil {
		return nil, fmt.Errorf("read parameters: %w", err)
	}
	if value == nil {
		return nil, nil
	}
	params := new(genesis.Params)
	if err := proto.Unmarshal(value, params); err != nil {
		return nil, fmt.Errorf("decode parameters: %w", err)
	}
	return params, nil
}

// ChainID returns the name of the chain.
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
