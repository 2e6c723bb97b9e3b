// Package local stores a fisherman's samples: the ephemeral store, on this machine only and never consensus state. Its
// central type is Store.
//
// Flow: PutAll stores sessions that the fisherman took up and rounds of them in one batch with one sync; PutSession and
// PutRound store one. A nil error means that the record is on the disk and survives a crash. The first round of a session
// and index stays, a second one is refused. Sessions and Rounds read back what is durable. The store is bounded: a write
// that would exceed a cap removes the oldest sessions in the same batch (transaction.go), and Prune keeps the newest n.
//
// List says of each session what is stored of it without reading it, by a stamp that changes with what is stored, and Added reads
// the rounds that a reader does not know (listed.go). Notes keep in which rounds there are disagreements (note.go).
//
// Samples is what a fisherman uses: a Store, and one in memory that takes over while the disk fails (fallback.go). What is
// on the disk stays readable as far as possible (view.go), a damaged store is set aside (aside.go), and what was held in
// memory moves to the disk when that works again (move.go). Health reports all of it.
//
// RelayStore stores a servicer's volume-applicable relays in the same way, in a directory of its own: it is a Store with
// another schema, whose sessions have relays in place of rounds, and which numbers them itself.
//
// Records are in a pebble database under ordered keys (key.go), each with a checksum over key and content (record.go). All
// writes of the database go through a failStop (failstop.go): the first one that fails freezes the directory in the state
// in which a crash would have left it. The caller gets an error, and the next call opens the directory again. An error of
// the disk therefore costs records that were never acknowledged, and never the process.
package local
