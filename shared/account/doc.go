// Package account holds the keys and addresses of accounts of the live Pocket network, Shannon: PrivateKey is a secp256k1
// key, which signs as accounts do, and Address the address of a public key, in Bech32. It does no I/O and has no clock.
package account
