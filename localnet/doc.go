// Package localnet is a whole network on one machine: a validator, an application, servicers and a fisherman, all
// staked in genesis, in one process or each in a process of its own (actorProcesses). Relay chain 0001 is the chain
// itself, served by the node's own CometBFT JSON-RPC. Optionally there is relay chain 0021, an Ethereum chain served by
// a geth in developer mode (geth.go), which ends with this process.
//
// The central type is LocalNet. New opens the home directory, takes its lock and opens every socket, so that problems
// show before anything starts; Run runs the node with the faults around it until its context ends, and leaves neither
// process nor port. A fault is a real fault of the network: a proxy that delays bytes (slow), a port that refuses
// connections (down), a proxy that alters the chain's answers before the servicer signs them (lying), a proxy
// behind which the chain stands still (behind).
//
// A home directory can be reused by a later run: its marker localnet.json records options and addresses, genesis.json
// the chain's first state. The keys are derived from a seed and are public knowledge.
//
// A Fleet is the same network, without the faults, for nodes on separate machines, as in Kubernetes: it writes their
// homes.
package localnet
