// Package pocket is our own chain as a fisherman sees it: the first implementation of fisherman.Network.
//
// The central type is Network. It takes heads from the node's chain, finds the fisherman's sessions and their policy in
// the chain's state, seals each question into an envelope addressed to one servicer, and verifies the signed answers.
package pocket
