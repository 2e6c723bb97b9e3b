// Package protocol holds the messages of the feed, which a fisherman publishes and a collector reads (docs/feed.md): how
// statements are sealed and opened, their subjects and their message ids. It does no I/O and has no clock.
//
// The central type is Statement. Seal signs one, at its place in the fisherman's feed, over the bytes of a round or session as
// the store holds them; Open checks that a message is a statement of a fisherman that is trusted, unaltered and within bounds.
// What is between two statements (order, holes, repetitions) is for the reader to decide.
package protocol
