// Package crypto holds the network's keys: ed25519 key pairs, the addresses that follow from them, and signatures over
// a domain tag and received bytes. It imports nothing of this module.
package crypto
