// Package shannon has the commands 'pocket shannon': who is in an application's session of the live Pocket network and what
// sampling it costs, one relay by hand, and what keeps a fisherman from sampling. New makes them.
//
// The chain is read from full nodes' RPC, whose URLs may hold keys: they are shown nowhere.
package shannon
