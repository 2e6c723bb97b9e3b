// Package upstream asks the nodes behind servicers. Its central type is Client, which keeps connections to one node.
//
// Flow: NewRequest makes the request that a payload stands for, with the header fields that clients usually send, and Serialise
// writes it; a Template does both for JSON-RPC. Client.Do sends it, once more if a kept connection turns out to be closed;
// Decode takes the gzip coding off the answer, and ReadBody reads it within a bound. The fisherman's control probe asks in the
// same way, over connections of its own.
package upstream
