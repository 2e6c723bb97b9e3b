// Package utility is the state machine: what the chain's state holds and how it changes.
//
// InitGenesis writes the first state into a Store. A block changes it: Deliver runs each of its transactions, then
// EndBlock ends it. Pool has the transactions that wait for a block, and proposes one. Params, ChainID, Account,
// Unbondings, Actor, Actors, Session and ReadSupply read the state through a Reader. All are pure functions of the
// store: the same blocks give the same bytes on every node. Module implements modules.UtilityModule with them, over the
// committed versions of the state.
//
// A transaction goes through admit (chain, sequence, fee) and then through the rules of its message (judge), which only
// read. They return one effect, so a refused transaction changes nothing but its signer's fee and sequence.
//
// The members of the session of block H follow from the state after block H-1, so that a session is known one block
// ahead and no block can change who serves in it. The state after block 1 is the oldest that is ever committed; block 1
// uses that.
package utility
