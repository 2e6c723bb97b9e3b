// Package types holds the network's wire types (Actor, Session, Relay, QoSSample, Head), generated from proto/*.proto,
// with pure methods: parsing, validation, labels. It imports nothing of this module.
package types
