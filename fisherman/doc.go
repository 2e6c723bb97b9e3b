// Package fisherman is the heart: it samples every servicer of its sessions.
//
// The way of one sample:
//
//	head → session followed → schedule → round → judge → writer → store
//
// Fisherman.Run is one loop that owns all state and does no I/O. It learns of sessions from its own subscription to heads:
// at each head it has the network say which sessions it belongs to, so that no notice can be lost or forged. Each session
// is followed by a secret plan of checks. When a check falls due, the loop starts a round in a goroutine of its own, which
// asks all servicers at once and returns an observation; judging makes it a record; the writer stores what waits in one
// durable batch. Rounds may overlap.
//
// The fisherman knows a network by the interfaces Network and Request only (network.go).
package fisherman
