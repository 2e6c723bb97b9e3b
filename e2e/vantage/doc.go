// Package vantage tests several vantage points as they are run: fishermen, a cluster of three NATS servers and a collector,
// each a process of its own on loopback, in front of a real node.
//
// A network has them all; its processes can be killed and started again. TestKills kills them at random moments and counts
// afterwards; TestLostRoute takes the route to one endpoint from one of three fishermen, each of which is in a network
// namespace of its own; BenchmarkFeed measures what the way through the feed costs.
//
// The package has tests only.
package vantage
