// Package evidence makes and checks evidence that suppliers of the live Pocket network gave different answers to one
// question. Its central type is api.Evidence, one check in which suppliers disagreed. A supplier signs its answer and the
// session, but neither the request nor the time: package doc of protocol, and docs/adr/0057.
//
// Flow: a network keeps protocol.Request.Evidence of each question, and the body of the answer to it; Of makes a piece of a
// stored round. Somebody else reads it from a file and has Verify check the signatures offline, and say what they prove.
package evidence
