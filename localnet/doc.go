// Package localnet is a whole network on one machine: a validator, an application, servicers and a fisherman, all staked
// in genesis, in one process or (crew) each in one of its own. Relay chain 0001 is the chain itself, served by the node's
// own CometBFT JSON-RPC. On demand there is relay chain 0021, an Ethereum chain served by a geth in developer mode
// (geth.go), which ends with this process.
//
// The central type is LocalNet. New opens the home directory, takes its lock and opens every socket, so that whatever
// is wrong shows before anything starts; Run runs the node with the faults around it until its context ends, and
// leaves neither process nor port. A fault is a real one of the network: a proxy that delays bytes (slow), a port that
// refuses connections (down), a proxy that alters the chain's answers before the servicer signs them (lying).
//
// A home directory that is kept can be run again: its marker localnet.json records options and addresses, genesis.json
// the chain's first state. The keys are derived from a seed and are public knowledge.
//
// A Fleet is the same network, without the faults, for nodes that run apart, as in Kubernetes: it writes their homes.
package localnet
