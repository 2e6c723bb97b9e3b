// Package fisherman is the heart: it samples every servicer of its sessions.
//
// The way of one sample:
//
//	head → watch (a session taken up) → schedule → round → samples → store
//
// Fisherman.Run is one loop that owns all state. It learns of sessions from its own subscription to heads: at each head
// it reads from the chain's state which sessions it belongs to, so that no notice can be lost or forged. Each session
// becomes a watch with a secret plan of checks. When a check falls due, the loop launches a round (round.go) in a
// goroutine of its own: seal, connect, wait for the moment, release all requests at once, time the answers, judge them,
// store them in one durable batch. Rounds may overlap; what they return goes back to the loop.
//
// The network is known only by the small interfaces in network.go.
package fisherman
