// Package utility is the state machine: what the chain's state holds and how it changes.
//
// InitGenesis writes the first state into a Store. A block changes it: Deliver runs each of its transactions, then
// EndBlock ends it. Check tells beforehand what would become of a transaction. Params, ChainID, Account, Unbondings,
// Actor, Actors, Session and ReadSupply read the state through a Reader. All are pure functions of the store: the same blocks give the same bytes on
// every node. Module puts them behind modules.UtilityModule, over the committed versions of the state.
//
// A transaction goes through admit (chain, sequence, fee) and then through the rules of its message (judge), which only
// read. What they admit is one effect, so a refused transaction leaves nothing behind but its fee and its sequence.
//
// The members of the session of block H follow from the state after block H-1, so that a session is known one block
// ahead and no block can change who serves in it. Nothing older than the state after block 1 is ever committed; block 1
// uses that.
package utility
