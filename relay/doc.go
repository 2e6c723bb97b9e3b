// Package relay holds the envelopes in which our own chain's questions and answers travel: how they are sealed, opened
// and verified.
//
// The central types are SealedRequest and OpenedRequest. A client seals a types.RelayRequest (SealRequest), posts the
// envelope to Path, and opens what comes back (OpenResponse) against the Binding that it expects: this request, this
// servicer, this key. A servicer opens a request (OpenRequest, which only parses, so that cheap checks can come before
// the signature) and seals its answer or refusal (SealResponse). Signatures stand over the bytes that travelled, never
// over a message marshalled again.
package relay
