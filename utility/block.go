package utility

import (
	"errors"
	"fmt"

	"github.com/pocket-fisherman/fisherman/utility/session"
)

// EndBlock makes the changes that end a block: it records the hash of the block at height when the next block starts a
// session, since that session's id follows from it. Recorded hashes are kept, so that past sessions stay known.
func EndBlock(store Store, height int64, blockHash []byte) error {
	if err := endBlock(store, height, blockHash); err != nil {
		return fmt.Errorf("end block %d: %w", height, err)
	}
	return nil
}

func endBlock(store Store, height int64, blockHash []byte) error {
	if height < 1 {
		return errors.New("heights start at 1")
	}
	if len(blockHash) == 0 {
		return errors.New("the block has no hash")
	}
	params, err := Params(store)
	if err != nil {
		return err
	}
	next := height + 1
	if session.StartHeight(next, params.GetSession().GetBlocksPerSession()) != next {
		return nil
	}
	return store.Set(blockHashKey(height), blockHash)
}
