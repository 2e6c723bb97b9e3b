// Package utility is the state machine: what the chain's state holds and how it changes.
//
// InitGenesis writes the first state into a Store, EndBlock changes it with each block; Params, ChainID, Actor, Actors
// and Session read it through a Reader. All are pure functions of the store: the same blocks give the same bytes on
// every node. Module puts them behind modules.UtilityModule, over the committed versions of the state.
//
// The members of the session of block H follow from the state after block H-1, so that a session is known one block
// ahead and no block can change who serves in it. Nothing older than the state after block 1 is ever committed; block 1
// uses that.
package utility
