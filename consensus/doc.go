// Package consensus runs the chain. Its central type is Engine: a CometBFT node inside this process whose state machine
// is package utility, reached over ABCI.
//
// The way of one block: CometBFT agrees on it → application.FinalizeBlock runs the state machine on the working state
// and answers with the hash that the state will have → application.Commit makes it durable → Heads tells every
// subscriber. Nothing that CometBFT decides depends on a subscriber: publishing never waits.
//
// Nodes that name each other as peers make one chain: those with a validator's key vote, the others follow. A head is
// marked as caught up with unless its block was agreed on just now; marked heads start nothing.
//
// A node runs a Chain, which runs one Engine after the other: when the disk is full, it halts until there is room.
//
// After a crash CometBFT hands over again whatever the state has not committed yet. That is safe because every block
// starts from the last committed version: leftovers of an unfinished block are rolled back first.
package consensus
