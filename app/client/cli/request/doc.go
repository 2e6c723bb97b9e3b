// Package request makes the relay that a command sends itself: its payload from a flag (ReadBody, ReadJSONRPC), its
// Servicer from a session that a node told of, Seal for the envelope, and Carry for the way there and back. The node is
// not trusted with any of it.
package request
