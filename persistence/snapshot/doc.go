// Package snapshot is the form in which a node hands the state of one height to a node that joins: a list of chunks with
// their hashes, and the directory that holds them. Its central types are Manifest, which names and proves the chunks, and
// Directory.
//
// Format 1. The state's tree is written node by node, children before parents, left before right; inner nodes belong to
// it, because the hash of the state depends on their versions. A node is
//
//	height of its subtree   1 byte, 0 for a leaf
//	version                 uvarint: the block that wrote it, 1 to the height of the snapshot
//	key                     uvarint length, bytes: at least 1
//	value                   uvarint length, bytes; leaves only
//
// Numbers are written as short as possible. A chunk is a sequence of whole nodes of at most ChunkBytes; a chunk ends where
// the next node would not fit. So every node of the network writes the same chunks of the same height, and chunks from
// several peers make one snapshot. Nothing is compressed: no chunk grows when it is read.
//
// What is read comes from strangers. A chunk is checked against the manifest's hash before it is decoded, the manifest's
// size is bounded, the decoder keeps nothing but the heights of unfinished subtrees, and the tree that comes of it has to
// have the hash that the light client verified.
package snapshot
