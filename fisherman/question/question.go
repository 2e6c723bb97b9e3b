package question

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Sentinels of Draw.
var (
	// ErrNothingToAsk: the catalogue is empty, or the chain has no block yet.
	ErrNothingToAsk = errors.New("nothing to ask")
	// ErrAllAsked: the session has no question left. A repeated one would reward caches, not nodes.
	ErrAllAsked = errors.New("every question of the catalogue was asked in this session")
)

// Question is what is asked, and its name for people: "block height=12". Two questions of a catalogue have the same
// label if and only if their payloads are the same, but for the JSON-RPC id and the spelling of the client.
type Question struct {
	Label   string
	Payload types.Payload
}

// Kind makes questions that differ in the height only, and in what else they ask about it.
type Kind struct {
	// Call makes the question about a height, for a variant from 0 to below Variants; false when there is none. What it
	// takes from the source makes it another question still.
	Call func(source *rand.Rand, height, variant int64) (Call, bool)
	// Variants is how many different questions of the kind there are about one height; 0 means one.
	Variants int64
	// AtHead says that the answer is final as soon as the block is, so that it may be asked about the newest block
	// when the chain is too short for settled heights.
	AtHead bool
	// Recent bounds how far below the highest settled height the question may ask, for what honest nodes forget; 0 for
	// no bound.
	Recent int64
	// Timeless says that the question does not depend on the height, so that there is one for all heights.
	Timeless bool
}

// Head is how the newest height of a relay chain is learnt, where the chain is not the network's own.
type Head struct {
	// Payload is the request to a node of the chain.
	Payload types.Payload
	// Read finds the height in the node's answer.
	Read func(answer []byte) (height int64, err error)
}

// Catalogue is the questions that fit a relay chain.
type Catalogue struct {
	Kinds []Kind
	// Styles are those of the clients that such questions seem to come from.
	Styles []Style
	// Depth is how many blocks below the head a height counts as settled.
	Depth int64
	// Head is nil for a chain whose newest height is that of the network's own.
	Head *Head
}

// Limited is the catalogue with questions about the newest settled heights only, for nodes that forget older ones; 0
// leaves it as it is.
func (c Catalogue) Limited(recent int64) Catalogue {
	if recent == 0 {
		return c
	}
	kinds := make([]Kind, len(c.Kinds))
	for i, kind := range c.Kinds {
		if kind.Recent == 0 || kind.Recent > recent {
			kind.Recent = recent
		}
		kinds[i] = kind
	}
	c.Kinds = kinds
	return c
}

// Draw picks a question for a check: one of the kinds, at a random settled height of a chain with the given head, that
// has no label in asked. The same seed and arguments give the same question. Errors: ErrNothingToAsk, ErrAllAsked.
func (c Catalogue) Draw(seed [32]byte, client Client, head int64, asked map[string]bool) (Question, error) {
	kinds, highest := c.Kinds, head-c.Depth
	if highest < 1 {
		kinds, highest = c.atHead(), head
	}
	if highest < 1 || len(kinds) == 0 {
		return Question{}, fmt.Errorf("draw a question at head %d: %w", head, ErrNothingToAsk)
	}
	source := rand.New(rand.NewChaCha8(seed))
	for _, place := range source.Perm(len(kinds)) {
		if call, found := kinds[place].draw(source, highest, asked); found {
			return Question{Label: call.label, Payload: client.write(call)}, nil
		}
	}
	return Question{}, fmt.Errorf("draw a question at head %d: %w", head, ErrAllAsked)
}

// draw begins at a random question of the kind and goes round all of them to the first that was not asked. It finds one
// if there is one, and looks at hardly more questions than were asked.
func (k Kind) draw(source *rand.Rand, highest int64, asked map[string]bool) (Call, bool) {
	lowest := int64(1)
	switch {
	case k.Timeless:
		lowest = highest
	case k.Recent > 0:
		lowest = max(lowest, highest-k.Recent+1)
	}
	heights, variants := highest-lowest+1, max(1, k.Variants)
	firstHeight, firstVariant := source.Int64N(heights), source.Int64N(variants)
	for v := range variants {
		for h := range heights {
			call, is := k.Call(source, lowest+(firstHeight+h)%heights, (firstVariant+v)%variants)
			if is && !asked[call.label] {
				return call, true
			}
		}
	}
	return Call{}, false
}

func (c Catalogue) atHead() []Kind {
	var kinds []Kind
	for _, kind := range c.Kinds {
		if kind.AtHead || kind.Timeless {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}
