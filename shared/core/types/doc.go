// Package types holds the network's own nouns — Actor, Session, Relay, QoSSample, Head — as wire types generated from
// proto/*.proto, with pure methods beside them: parsing, validation, labels. It imports nothing of this module.
package types
