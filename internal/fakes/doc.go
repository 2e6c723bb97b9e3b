// Package fakes holds servicers for tests, named by their fault: Honest, Sleepy, Down, Lying, …
//
// The central type is Servicer. Start gives it a loopback listener and a key; it reads relays from real sockets and
// behaves as its Fault says, mostly with answers that relay.SealResponse properly sealed. An honest answer depends on
// the question only, so that any two honest servicers agree.
package fakes
