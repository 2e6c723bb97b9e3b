package question

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

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
	Kind    types.RoundKind
	// Height that a TIP question asks about; 0 otherwise.
	Height int64
	// ReadHead finds the height in the answer to a HEAD question; nil otherwise.
	ReadHead func(answer []byte) (height int64, err error)
	// Form in which answers are compared.
	Form types.CompareForm
	// Unique says that no two chains have the same answer, as far as is known of the catalogue.
	Unique bool
	// Nothing can be the truth, and so can errors with these codes (JSON-RPC's, or HTTP statuses).
	Nothing bool
	Errors  []int64
	// Denials are the codes of errors that say that there is nothing, whatever they say elsewhere; Errors are among them.
	Denials []int64
}

// Kind makes questions that differ in the height only, and in what else they ask about it.
type Kind struct {
	// Call makes the question about a height, for a variant from 0 to below Variants; false when there is none. What it
	// takes from the source makes it another question still.
	Call func(source *rand.Rand, height, variant int64) (Call, bool)
	// Weight is how often the kind is asked, beside those of the catalogue's other kinds; 0 means 1.
	Weight int
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
	// Tip says that every node that has the block has the answer, so that a node without one lacks the block.
	Tip bool
	// Unique says that no two chains have the same answer. Where a catalogue says so of no kind, it is taken to hold for all.
	Unique bool
	// Form in which answers are compared.
	Form types.CompareForm
	// Nothing says that null, empty or not found can be the truth; Errors are codes of errors that can be.
	Nothing bool
	Errors  []int64
}

// Head is the question for the newest height of a relay chain.
type Head struct {
	Call Call
	// Read finds the height in the node's answer.
	Read func(answer []byte) (height int64, err error)
}

// Payload is the request as the control probe is sent it.
func (h *Head) Payload() types.Payload { return Client{}.write(h.Call) }

// Names of catalogues.
const (
	NameCometBFT    = "cometbft"
	NameCometBFTURI = "cometbft-uri"
	NameEVM         = "evm"
	NameEVMValues   = "evm-values"
	NameCosmos      = "cosmos"
	NameSolana      = "solana"
	NameCustom      = "custom"
)

// Catalogue is the questions that fit a relay chain.
type Catalogue struct {
	// Name of the catalogue, as in a configuration.
	Name  string
	Kinds []Kind
	// Styles are those of the clients that such questions seem to come from.
	Styles []Style
	// Depth is how many blocks below the head a height counts as settled.
	Depth int64
	// Head is the question for the newest height; nil when there is none, so that freshness cannot be judged.
	Head *Head
	// Own says that the chain's newest height is known without asking: it is the network's own.
	Own bool
	// MaxLag is how many blocks a node may be behind, unless the network or its user says otherwise.
	MaxLag int64
	// Denials are the codes of errors with which the chain's nodes say, among other things, that they do not have a block.
	Denials []int64
}

// Asked reports whether the chain's newest height has to be asked for.
func (c Catalogue) Asked() bool { return c.Head != nil && !c.Own }

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
	for _, place := range byWeight(source, kinds) {
		if call, found := kinds[place].draw(source, highest, asked); found {
			drawn := c.question(kinds[place], call, client)
			drawn.Unique = drawn.Unique || !slices.ContainsFunc(c.Kinds, func(k Kind) bool { return k.Unique })
			return drawn, nil
		}
	}
	return Question{}, fmt.Errorf("draw a question at head %d: %w", head, ErrAllAsked)
}

// byWeight puts the places of kinds in a random order by weight: each next one is drawn from those that are left.
func byWeight(source *rand.Rand, kinds []Kind) []int {
	places := source.Perm(len(kinds))
	if !slices.ContainsFunc(kinds, func(k Kind) bool { return k.Weight > 1 }) {
		return places
	}
	total := 0
	for _, kind := range kinds {
		total += max(1, kind.Weight)
	}
	for first := range places {
		drawn := source.IntN(total)
		at := first
		for ; drawn >= max(1, kinds[places[at]].Weight); at++ {
			drawn -= max(1, kinds[places[at]].Weight)
		}
		places[first], places[at] = places[at], places[first]
		total -= max(1, kinds[places[first]].Weight)
	}
	return places
}

// DrawHead asks for the newest height. Errors: ErrNothingToAsk.
func (c Catalogue) DrawHead(client Client) (Question, error) {
	if c.Head == nil {
		return Question{}, ErrNothingToAsk
	}
	return Question{Label: c.Head.Call.label, Payload: client.write(c.Head.Call), Kind: types.RoundKind_ROUND_KIND_HEAD, ReadHead: c.Head.Read}, nil
}

// DrawTip picks a question about the block at a height near the tip, one that was not asked. Errors: ErrNothingToAsk.
func (c Catalogue) DrawTip(seed [32]byte, client Client, height int64, asked map[string]bool) (Question, error) {
	source := rand.New(rand.NewChaCha8(seed))
	for _, place := range source.Perm(len(c.Kinds)) {
		kind := c.Kinds[place]
		if !kind.Tip || height < 1 {
			continue
		}
		kind.Recent = 1
		if call, found := kind.draw(source, height, asked); found {
			drawn := c.question(kind, call, client)
			drawn.Kind, drawn.Height = types.RoundKind_ROUND_KIND_TIP, height
			return drawn, nil
		}
	}
	return Question{}, fmt.Errorf("draw a question about height %d: %w", height, ErrNothingToAsk)
}

func (c Catalogue) question(kind Kind, call Call, client Client) Question {
	return Question{Label: call.label, Payload: client.write(call), Unique: kind.Unique, Form: kind.Form,
		Nothing: kind.Nothing, Errors: kind.Errors, Denials: slices.Concat(c.Denials, kind.Errors)}
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
