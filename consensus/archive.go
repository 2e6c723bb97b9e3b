package consensus

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
)

// Archive is the part of the state's store that old versions and snapshots belong to. Pin and Export are safe for concurrent
// use with the writer, which calls the others.
type Archive interface {
	// Prune removes the versions below keep, at most most of them; see persistence.StateStore.
	Prune(keep int64, most int) error
	// Pin keeps a version from being pruned until release is called.
	Pin(version int64) (release func(), err error)
	// Export calls visit with each node of a pinned version.
	Export(ctx context.Context, version int64, visit func(snapshot.Node) error) error
	// Restore begins to restore a version into an empty store.
	Restore(version int64) (Restore, error)
	// Clear removes the state.
	Clear() error
}

// Restore is a state that comes in. Install and Drop end it.
type Restore interface {
	// Add adds the next node. Errors: snapshot.ErrMalformed.
	Add(snapshot.Node) error
	// Install makes it the state if it has the hash. Errors: snapshot.ErrMalformed, and WrongState of History.
	Install(hash []byte) error
	// Drop forgets it.
	Drop() error
}

// History is what an engine keeps of the past, and how it begins without it. The zero value keeps all and begins with the
// genesis.
type History struct {
	// Keep is the number of newest heights whose state and block are kept; 0 keeps all. See LeastKept. Blocks are kept for
	// longer while evidence of double signing may name them, or while a snapshot that is kept needs those after it.
	Keep int64
	// Every is the number of blocks between snapshots; 0 takes none.
	Every int64
	// Archive is required if one of the others is set.
	Archive Archive
	// Snapshots is where snapshots are; required if Every is set.
	Snapshots *snapshot.Directory
	// WrongState is the error of Restore.Install for a state of another hash.
	WrongState error
	// Sync begins an empty home with a peer's snapshot; nil begins it with the genesis.
	Sync *Sync
}

// Sync says what is trusted when a node begins with a peer's snapshot. The snapshot comes from peers; the hash that it must
// have is what a light client verifies from the trusted block on, with headers of the servers.
type Sync struct {
	// Servers are URLs of the CometBFT JSON-RPC of at least two nodes.
	Servers []string
	// Height and Hash (32 bytes) of a block that is trusted.
	Height int64
	Hash   []byte
	// Period is how old the trusted block may be: less than validators take to unbond.
	Period time.Duration
}

// spareHeights is how many heights are kept beyond two sessions: for a reader that is a little late, and for a light
// client that verifies the next snapshot.
const spareHeights = 100

// LeastKept returns the smallest number of heights that a node can keep on a chain with sessions of that many blocks. Who
// is in a session, and whether a relay of the session before it is settled, is read from the states of their blocks.
func LeastKept(blocksPerSession int64) int64 { return 2*blocksPerSession + spareHeights }

func (h History) validate() error {
	switch {
	case h.Keep < 0:
		return fmt.Errorf("%d heights are to be kept; it is 0 for all, or more", h.Keep)
	case h.Every < 0:
		return fmt.Errorf("snapshots are to be taken every %d blocks; it is 0 for never, or more", h.Every)
	case h.Archive == nil && (h.Keep > 0 || h.Every > 0 || h.Sync != nil):
		return errors.New("history has no archive")
	case h.Snapshots == nil && h.Every > 0:
		return errors.New("there is no directory for snapshots")
	case h.Sync == nil:
		return nil
	case len(h.Sync.Servers) < 2:
		return fmt.Errorf("a snapshot is verified with the headers of two nodes or more; %d are named", len(h.Sync.Servers))
	case h.Sync.Height < 1 || len(h.Sync.Hash) != 32:
		return errors.New("a snapshot is verified from a trusted block, which has a height and a hash of 32 bytes")
	case h.Sync.Period <= 0:
		return errors.New("the period of trust is not positive")
	}
	for _, server := range h.Sync.Servers {
		if parsed, err := url.Parse(server); err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
			return errors.New("a server of headers is no http or https URL with a host")
		}
	}
	return nil
}
