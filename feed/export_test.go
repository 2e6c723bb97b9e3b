package feed

import "github.com/pocket-fisherman/fisherman/feed/outbox"

// Sealed seals a flight and returns how many statements it makes.
func (p *Publisher) Sealed(flight *outbox.Flight) int { return len(p.seal(flight)) }
