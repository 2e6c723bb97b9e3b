// Package fakes holds servicers for tests, named by their fault: Honest, Sleepy, Down, Lying, …
//
// The central type is Servicer. Start gives it a listener on loopback and a key; it reads relays from real sockets and
// does what its Fault says, mostly with answers that are properly sealed by relay.SealResponse. StartPiped does without
// the listener: its connections are pipes, for tests in virtual time. What an honest one answers follows from the
// question alone, so that any two of them agree.
package fakes
