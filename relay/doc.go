// Package relay is how a question reaches a servicer and how its answer is trusted: the sealed envelope, and the timed
// HTTP exchange that carries it.
//
// The central types are SealedRequest and OpenedRequest. An asker seals a types.RelayRequest (SealRequest), sends the
// envelope to Path, and opens what comes back (OpenResponse) against the Binding that it expects: this request, this
// servicer, this key. A servicer opens a request (OpenRequest, parse only, so that cheap checks can come before the
// signature) and seals its answer or refusal (SealResponse). Signatures stand over the bytes that travelled, never
// over a message marshalled again.
package relay
