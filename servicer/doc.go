// Package servicer answers relays: it admits, executes and signs.
//
// The central type is Servicer. A sealed request comes in by HTTP (Handler, Serve) or from within the process
// (HandleRelay); admit checks it against the sessions in the chain's state, cheapest check first; executor runs its
// payload, JSON-RPC or REST, against the configured upstream node of the relay chain, bounded in time, size and number;
// and the answer — or the refusal, with its own code — is sealed and bound to the request. Every readable request gets
// a signed answer, so that a servicer can be held to its answers.
//
// Serve reads requests of the plainest form itself (plain.go, connection.go), and hands a connection with any other to package
// net/http (front.go, handover.go).
//
// The relays of a session's members are counted together with its nonces (policy.go, nonces.go). Answered relays whose
// hash is low enough are queued for a store (volume.go).
//
// A request that cannot be read has no body to be bound to; its refusal carries a request hash of 32 zero bytes.
package servicer
