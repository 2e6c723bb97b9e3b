// Package chaintest is a fake full node for tests: as much of CometBFT's RPC as the chain's client uses, with faults.
//
// The central type is Node. It stands still until Advance or Claim is called, so that tests decide what happens when.
package chaintest
