// Package local keeps a fisherman's samples: the ephemeral store, on this machine only and never consensus state. Its
// central type is Store.
//
// Flow: PutSession records a session that the fisherman took up, PutRound each of its rounds; a nil error means that the
// record is on the disk and survives a crash. The first round of a session and index stays, a second one is refused.
// Sessions and Rounds read back. The store is bounded: a write that would pass a cap removes the oldest sessions in the
// same atomic batch, and Prune keeps the newest.
//
// Samples is what a fisherman uses: a Store, with one in memory that takes over while the disk fails (fallback.go). What is
// on the disk stays readable as far as it can be (view.go), a damaged store is set aside (aside.go), and what was held in
// memory moves to the disk when that works again (move.go). Health tells all of it.
//
// RelayStore keeps a servicer's volume-applicable relays in the same way, in a directory of its own: it is a Store with
// another schema, whose sessions hold relays in the place of rounds, and which numbers them itself.
//
// Records lie in a pebble database under ordered keys (key.go), each with a checksum over key and content (record.go).
// All writes of the database pass a failStop (failstop.go): the first failed one freezes the directory as a crash would
// have left it. The caller gets an error, and the next call opens the directory anew. An error of the disk thus costs
// records that were never acknowledged, and never the process.
package local
