package consensus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/cometbft/cometbft/evidence"
	sm "github.com/cometbft/cometbft/state"

	"github.com/pocket-fisherman/fisherman/utility"
)

const (
	// pruneEvery is the number of blocks between two steps of pruning: each costs a write that is synced.
	pruneEvery = 10
	// statesAtOnce and blocksAtOnce bound a step. A node that kept everything before gets rid of it step by step, without
	// standing still for long.
	statesAtOnce = 200
	blocksAtOnce = 500
	// logFiles is the number of closed files of CometBFT's write-ahead log that are kept beside the open one, of 10 MB each.
	// What a restart needs, the block that was agreed on last, is at the end of them.
	logFiles = 2
)

// retention removes what is older than the heights that are kept. The application calls it between blocks.
type retention struct {
	History
	// blocks and params are CometBFT's stores; nil until it is open.
	blocks sm.BlockStore
	params sm.Store
	// log is the directory of CometBFT's write-ahead log.
	log string
}

// step prunes after the block at height was committed. It returns the height below which CometBFT may remove blocks and
// their results; 0 for none.
func (r *retention) step(state utility.Reader, height int64) (retain int64, err error) {
	if height%pruneEvery != 0 {
		return 0, nil
	}
	if err := r.trimLog(); err != nil {
		return 0, err
	}
	if r.Keep == 0 {
		return 0, nil
	}
	params, err := utility.Params(state)
	if err != nil {
		return 0, err
	}
	oldest := height + 1 - max(r.Keep, LeastKept(params.GetSession().GetBlocksPerSession()))
	if oldest <= 1 {
		return 0, nil
	}
	if err := r.Archive.Prune(oldest, statesAtOnce); err != nil {
		return 0, err
	}
	return r.oldestBlock(height, oldest)
}

// oldestBlock returns the height below which blocks may go, given that below which states do.
func (r *retention) oldestBlock(height, oldest int64) (int64, error) {
	if r.blocks == nil {
		return 0, nil
	}
	base := r.blocks.Base()
	if r.Snapshots != nil && r.Snapshots.Oldest() > 0 {
		oldest = min(oldest, r.Snapshots.Oldest()) // who begins with it fetches the blocks after it
	}
	oldest = min(oldest, base+blocksAtOnce)
	if base == 0 || oldest <= base {
		return 0, nil
	}
	oldest, err := r.pastEvidence(height, base, oldest)
	if err != nil || oldest <= base {
		return 0, err
	}
	return oldest, nil
}

// pastEvidence returns the first height from base to oldest that evidence of double signing may still name. CometBFT
// verifies that with the block's header, votes and validators. It would keep those itself, but then for good.
func (r *retention) pastEvidence(height, base, oldest int64) (int64, error) {
	params, err := r.params.LoadConsensusParams(height)
	if err != nil {
		return 0, fmt.Errorf("read consensus parameters of height %d: %w", height, err)
	}
	newest := r.blocks.LoadBlockMeta(height)
	if newest == nil {
		return 0, nil
	}
	first := sort.Search(int(oldest-base), func(i int) bool {
		meta := r.blocks.LoadBlockMeta(base + int64(i))
		return meta != nil && !evidence.IsEvidenceExpired(height, newest.Header.Time, base+int64(i), meta.Header.Time, params.Evidence)
	})
	return base + int64(first), nil
}

// trimLog removes the oldest closed files of the write-ahead log. CometBFT itself lets it grow to 1 GB.
func (r *retention) trimLog() error {
	if r.log == "" {
		return nil
	}
	entries, err := os.ReadDir(r.log)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at write-ahead log: %w", err)
	}
	var closed []string
	for _, entry := range entries {
		if number, is := strings.CutPrefix(entry.Name(), "wal."); is && number != "" && strings.Trim(number, "0123456789") == "" {
			closed = append(closed, entry.Name())
		}
	}
	// wal.1000 comes after wal.999.
	slices.SortFunc(closed, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	for len(closed) > logFiles {
		if err := os.Remove(filepath.Join(r.log, closed[0])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("trim write-ahead log: %w", err)
		}
		closed = closed[1:]
	}
	return nil
}
