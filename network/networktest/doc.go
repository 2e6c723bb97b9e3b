// Package networktest is the contract of fisherman.Network as a test: what every network must do.
//
// The central type is Subject: a network under test with its far side in the test's hands. Run carries out every check of
// the contract on a fresh Subject, each concern in a file of its own: heads, sessions, requests, answers, refusals,
// evidence. In all of them no secret of the network may show in any text, and what strangers wrote must be printable. Two
// flags say where a network cannot keep a part: Unsigned and Heightless.
package networktest
