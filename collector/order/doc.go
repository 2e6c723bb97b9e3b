// Package order decides which statements of a fisherman are taken, and in which order they have to be. Its central type is
// Chain, the statements of one fisherman about one relay chain of a network.
//
// Each statement has a sequence without holes and the hash of the statement before it. Judge looks at the next one that
// arrived and changes nothing; Take takes it. A publisher keeps a few statements in flight and sends again what was not
// acknowledged, so one may arrive late: the chain remembers its holes, and what arrives late has to fit between its
// neighbours. The package has no clock: the times are those that the server stored the statements at, so that a collector
// that was away decides as if it had been there.
package order
