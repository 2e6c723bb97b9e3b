// Package feed publishes what a fisherman stores, signed, to NATS JetStream, for collectors (docs/feed.md).
//
// The central type is Publisher. Its one goroutine takes flights of rounds and sessions from the outbox of the local store, seals
// them (feed/protocol), publishes them (feed/broker), and has the store forget them once all are acknowledged. What is not
// acknowledged is sent again; after a restart as well, in the same bytes. Sampling never waits for it.
package feed
