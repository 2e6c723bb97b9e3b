// Package persistence keeps the chain's committed state: StateStore, versioned and Merkle-ised, on disk.
//
// The writer changes the working state (Get, Iterate, Set, Delete) and makes it the next version with Commit; version H
// is the state after block H, and its hash is the application hash. Readers take a Snapshot of any committed version
// with At, concurrently with the writer. Uncommitted changes are lost after Rollback or a restart.
//
// The tree is cosmos/iavl over goleveldb. Four properties of iavl shape this package:
//   - It flushes a commit in pieces of 100 kB, without syncing them; a crash between two leaves a version without a
//     root, which can never be opened again. Here a commit is one synced batch (see database).
//   - Its committed nodes are written to while the working tree changes, which races with readers that share them. Here
//     readers have a tree object, and so a node cache, of their own.
//   - Its "fast nodes" answer reads of the latest version from the live database, which races with a commit. They are
//     off. So is asynchronous pruning, for which iavl starts a goroutine: Prune removes versions with a tree object of its
//     own, because iavl renames nodes that it shares with later versions.
//   - Its iterators end early without an error when a node cannot be read. Here entries are visited by index, which
//     reports it.
//
// Prune removes old versions, in small steps. Pin keeps one from being removed, for as long as Export reads it. Restore
// takes the state of another node in an empty store's place, once it has the hash that it must have.
package persistence
