// Package protocol holds what the live Pocket network, Shannon, has on the wire: its messages, how relays are sealed and
// their answers opened, keys and addresses, the arithmetic of sessions and prices. It does no I/O and has no clock.
//
// The central type is Request. A Signer, made once for each session from a key and the application's ring, signs; Seal
// addresses a payload to one supplier; Open verifies that an answer is the supplier's, of the session, and to the very
// request, and says whom a failure speaks against. The messages are defined in proto: those of the reference that a
// fisherman needs, in the same bytes (docs/adr/0057).
package protocol
