// Package pocketd runs a private network of the live Pocket network's own software, as the far side of tests: one
// validator, an application with the gateway that it delegates to, and suppliers with their RelayMiners, all of them
// processes of the program pocketd (`make pocketd`) on loopback.
//
// Start brings a Network up and returns when its application has a session with every supplier. Each supplier has a
// Fault, and the network's methods are what can happen to it meanwhile: a supplier unstakes, a RelayMiner ends, the
// application takes its delegation back.
//
// The package knows nothing of network/shannon: it reads the chain over pocketd's REST API, so that tests can hold
// against it what network/shannon has read.
package pocketd
