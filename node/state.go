package node

import (
	"github.com/pocket-fisherman/fisherman/consensus"
	"github.com/pocket-fisherman/fisherman/persistence"
	"github.com/pocket-fisherman/fisherman/utility"
)

// versions shows the state store to the utility module.
type versions struct {
	*persistence.StateStore
}

func (v versions) At(height int64) (utility.Reader, error) {
	snapshot, err := v.StateStore.At(height)
	if err != nil {
		return nil, err // not a nil *Snapshot in a non-nil interface
	}
	return snapshot, nil
}

// archive shows the state store to consensus.
type archive struct {
	*persistence.StateStore
}

func (a archive) Restore(version int64) (consensus.Restore, error) {
	restore, err := a.StateStore.Restore(version)
	if err != nil {
		return nil, err // not a nil *Restore in a non-nil interface
	}
	return restore, nil
}
