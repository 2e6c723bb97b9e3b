// Package broker reaches NATS JetStream, for those who publish the feed and for those who read it.
package broker
