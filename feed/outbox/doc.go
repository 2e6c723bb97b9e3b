// Package outbox holds what a fisherman's store and the publisher of its feed say to each other. Its central type is Flight: the
// statements that are published together, in an order and with contents that a restart does not change.
package outbox
