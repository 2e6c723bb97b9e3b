package consensus

import "github.com/pocket-fisherman/fisherman/utility"

// State is the chain's state as consensus drives it: a working set on top of the last committed version.
type State interface {
	utility.Store
	// Version is the last committed height; 0 before the first block.
	Version() int64
	// Hash is the Merkle root of the last committed version.
	Hash() []byte
	// WorkingHash is the Merkle root that Commit would produce now.
	WorkingHash() []byte
	// Commit makes the working set durable as the next version and returns that version and its hash.
	Commit() (version int64, hash []byte, err error)
	// Rollback drops the working set: later reads see the last committed version.
	Rollback()
}
