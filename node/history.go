package node

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/pocket-fisherman/fisherman/consensus"
	"github.com/pocket-fisherman/fisherman/persistence"
	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// keptSnapshots is the number of snapshots that a node keeps: a joining node may still be fetching the older one.
const keptSnapshots = 2

// ErrFewHeights is returned when fewer heights are to be kept than the node needs itself.
var ErrFewHeights = errors.New("too few heights are to be kept")

// LeastKept returns the smallest number of heights that a node of a chain can keep.
func LeastKept(first *genesis.Genesis) int64 {
	return consensus.LeastKept(first.GetParams().GetSession().GetBlocksPerSession())
}

// history returns what the chain keeps of the past, and how an empty home begins.
func (n *Node) history() (consensus.History, error) {
	blocks := n.config.Genesis.GetParams().GetSession().GetBlocksPerSession()
	if least := LeastKept(n.config.Genesis); n.config.KeepHeights > 0 && n.config.KeepHeights < least {
		return consensus.History{}, fmt.Errorf("%w: chain.keep_heights is %d; sessions of %d blocks need at least %d "+
			"(two sessions, whose members are read from old states, and 100 for readers and joining nodes), or all",
			ErrFewHeights, n.config.KeepHeights, blocks, least)
	}
	snapshots, err := snapshot.OpenDirectory(filepath.Join(n.config.Home, "snapshots"), keptSnapshots)
	if err != nil {
		return consensus.History{}, err
	}
	return consensus.History{
		Keep:       n.config.KeepHeights,
		Every:      n.config.SnapshotInterval,
		Archive:    archive{n.state},
		Snapshots:  snapshots,
		WrongState: persistence.ErrWrongState,
		Sync:       n.config.StateSync,
	}, nil
}
