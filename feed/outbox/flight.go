package outbox

import "errors"

// ErrStale is returned when a flight is reported that is not, or no longer, the store's: for example because a damaged store was
// replaced.
var ErrStale = errors.New("the flight is not of this outbox")

// Kind is what an item is.
type Kind uint8

// Kinds of items.
const (
	// Session is a session as it was stored.
	Session Kind = iota + 1
	// Round is a round as it was stored.
	Round
	// Gap is rounds that were removed before they were published.
	Gap
)

// Item is one statement to publish.
type Item struct {
	Kind       Kind
	RelayChain string
	// Session is the session's id; empty for a gap over several sessions.
	Session string
	// Index of the round, or the lowest of a gap's; otherwise 0.
	Index uint32
	// Rounds of a gap, 1 at least; otherwise 0.
	Rounds uint64
	// Encoded is the session or round in protobuf, as it is stored; nil for a gap.
	Encoded []byte
}

// InstanceSize is the size of an outbox's name, in bytes.
const InstanceSize = 16

// Position is how far the feed of a relay chain has come.
type Position struct {
	// Sequence of the last statement that was acknowledged; 0 before the first.
	Sequence uint64
	// Digest of that statement.
	Digest [32]byte
	// Stored is its place in the stream; 0 when it is not known.
	Stored uint64
}

// Flight is items that are published together.
type Flight struct {
	// Instance names the outbox: random bytes that were made with it.
	Instance [InstanceSize]byte
	// Number counts the flights of the outbox, from 1.
	Number uint64
	// SignedUnixNano is when the flight was first taken.
	SignedUnixNano int64
	// Place is the name of the vantage point when it was taken.
	Place string
	// Items in the order in which they are published.
	Items []Item
	// Positions of the relay chains of the items, before the flight.
	Positions map[string]Position
	// Resumed reports whether the flight was taken before this process opened the store: some of it may be published.
	Resumed bool
}

// Order is what a new flight is to be: it has at most that many items, and encoded bytes unless it has one item.
type Order struct {
	Items, Bytes int
	// Place is the name of the vantage point.
	Place string
}

// Stats are what waits to be published.
type Stats struct {
	// Rounds, Sessions and Gaps that are not acknowledged.
	Rounds, Sessions, Gaps int
	// OldestUnixNano is when the oldest round of the oldest session among them was stored; 0 without a round.
	OldestUnixNano int64
	// EvictedRounds counts the rounds that were removed before they were published, since the outbox was made.
	EvictedRounds uint64
}
