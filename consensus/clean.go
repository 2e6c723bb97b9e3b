package consensus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	cmtcfg "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/store"
)

// clean prepares a home for a peer's snapshot. One without a block may hold what an attempt left that was interrupted:
// CometBFT cannot go on from there, so that is removed. What the validator signed last is never removed.
func (c Config) clean(config *cmtcfg.Config, databases cmtcfg.DBProvider, version int64) error {
	blocks, err := databases(&cmtcfg.DBContext{ID: "blockstore", Config: config})
	if err != nil {
		return fmt.Errorf("open blockstore.db: %w", err)
	}
	var height int64
	err = guard("read the block store", func() error {
		height = store.NewBlockStore(blocks).Height()
		return nil
	})
	if err := errors.Join(err, blocks.Close()); err != nil || height > 0 {
		return err
	}
	for _, name := range []string{"blockstore.db", "state.db", "evidence.db", "cs.wal"} {
		if err := os.RemoveAll(filepath.Join(config.DBDir(), name)); err != nil {
			return fmt.Errorf("remove what an interrupted start left: %w", err)
		}
	}
	if version == 0 {
		return nil
	}
	return c.History.Archive.Clear()
}
