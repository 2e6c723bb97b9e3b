package feed

import (
	"maps"

	"github.com/pocket-fisherman/fisherman/feed/outbox"
	"github.com/pocket-fisherman/fisherman/feed/protocol"
)

// statement is one item of a flight as it is published.
type statement struct {
	protocol.Sealed
	relayChain string
	sequence   uint64
	// missing is how many rounds it says are missing.
	missing uint64
	// stored is its place in the stream; 0 until it is acknowledged.
	stored uint64
	// sent is set once it was published by this process.
	sent bool
}

// seal signs the items of a flight, each after the one before of its relay chain. The same flight gives the same bytes.
func (p *Publisher) seal(flight *outbox.Flight) []*statement {
	positions := maps.Clone(flight.Positions)
	var statements []*statement
	for _, item := range flight.Items {
		position := positions[item.RelayChain]
		position.Sequence++
		content, missing, ok := contentOf(item, position.Sequence)
		if !ok {
			p.config.Logger.Error("feed: a session is too large to be published", "session", item.Session, "bytes", len(item.Encoded))
			continue
		}
		sealed := protocol.Seal(p.config.Key, protocol.Place{
			Network: p.config.Network(item.RelayChain), RelayChain: item.RelayChain, Name: flight.Place, Instance: flight.Instance,
			Sequence: position.Sequence, Previous: position.Digest, SignedUnixNano: flight.SignedUnixNano,
		}, content)
		position.Digest = sealed.Digest
		positions[item.RelayChain] = position
		statements = append(statements, &statement{Sealed: sealed, relayChain: item.RelayChain, sequence: position.Sequence, missing: missing})
	}
	return statements
}

// contentOf returns what an item says, and how many rounds it says are missing. A round that is too large is missing.
func contentOf(item outbox.Item, sequence uint64) (content protocol.Content, missing uint64, ok bool) {
	switch item.Kind {
	case outbox.Session:
		return protocol.SessionContent(item.Session, sequence, item.Encoded), 0, len(item.Encoded) <= protocol.MaxContent
	case outbox.Round:
		if content, ok := protocol.RoundContent(item.Session, item.Index, item.Encoded); ok {
			return content, 0, true
		}
		item.Rounds = 1
	}
	gap := &protocol.Gap{SessionId: item.Session, FromIndex: item.Index, Rounds: item.Rounds}
	return protocol.GapContent(gap, sequence), item.Rounds, true
}

// positionsAfter returns how far the feeds have come with a flight that is acknowledged.
func positionsAfter(flight *outbox.Flight, statements []*statement) map[string]outbox.Position {
	positions := maps.Clone(flight.Positions)
	for _, s := range statements {
		position := positions[s.relayChain]
		positions[s.relayChain] = outbox.Position{Sequence: s.sequence, Digest: s.Digest, Stored: max(position.Stored, s.stored)}
	}
	return positions
}
