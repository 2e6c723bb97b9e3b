// Package broker reaches NATS JetStream, for those who publish the feed and for those who read it (docs/feed.md).
//
// The central type is Connection: it connects again whenever it has lost the server, and says in an enum what is wrong. Stream is
// what the stream has to be: Ensure makes it, or checks that it is so and says how to mend it. Embedded is a server within the
// process, for one machine.
package broker
