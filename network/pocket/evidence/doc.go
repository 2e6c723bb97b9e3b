// Package evidence makes, reads and checks evidence that servicers gave different answers to one question. Its central
// type is api.Evidence, one check in which servicers disagreed.
//
// Flow: Of makes a piece of a stored round, Sign puts the fisherman's name under it. Somebody else reads a file of them
// with Decode, which takes nothing on trust, and checks each with Verify: from the signatures alone, without a node.
package evidence
