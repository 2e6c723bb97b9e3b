// Package memory is a network that exists in one program only, for tests in which it does not matter which network it is.
//
// The central type is Network. A test publishes heads and sets the sessions; Ask seals a question in a small format of
// its own (one JSON object, answered by one signed line). Servicers answer over pipes, by a Fault: Honest, Lying,
// Refusing, Silent. Everything works in virtual time (testing/synctest). The package does not import package fisherman,
// so that the tests inside of it can use this one; they add the Policy.
package memory
