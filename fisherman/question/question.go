package question

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
)

// ErrNothingToAsk: the catalogue is empty, or the chain has no block yet.
var ErrNothingToAsk = errors.New("nothing to ask")

// mostDraws bounds the search for a question that was not asked before.
const mostDraws = 256

// Question is one JSON-RPC request, and its name for people: "block height=12".
type Question struct {
	Label   string
	Payload []byte
}

// Param is one parameter of a question. Parameters keep their order, as clients send them.
type Param struct {
	Name string
	// Value is a string, a bool, or []Param for an object.
	Value any
}

// Kind makes questions of one method.
type Kind struct {
	Method string
	// Params of the method for a height, drawn from the source.
	Params func(source *rand.Rand, height int64) []Param
	// AtHead says that the answer is final as soon as the block is, so that it may be asked about the newest block
	// when the chain is too short for settled heights.
	AtHead bool
	// Recent bounds how far below the highest settled height the question may ask, for what honest nodes forget; 0 for
	// no bound.
	Recent int64
}

// Head is how the newest height of a relay chain is learnt, where the chain is not the network's own.
type Head struct {
	// Payload is the JSON-RPC request to a node of the chain.
	Payload []byte
	// Read finds the height in the node's answer.
	Read func(answer []byte) (height int64, err error)
}

// Catalogue is the questions that fit a relay chain.
type Catalogue struct {
	Kinds []Kind
	// Positional says that nodes take parameters as a list, not by name.
	Positional bool
	// Depth is how many blocks below the head a height counts as settled.
	Depth int64
	// Head is nil for a chain whose newest height is that of the network's own.
	Head *Head
}

// Draw picks a question for a check: one of the kinds, at a random settled height of a chain with the given head.
// The same seed and arguments give the same question. A question whose label is in asked is avoided, unless the
// catalogue has no other within a bounded search. Errors: ErrNothingToAsk.
func (c Catalogue) Draw(seed [32]byte, head int64, asked map[string]bool) (Question, error) {
	kinds, highest := c.Kinds, head-c.Depth
	if highest < 1 {
		kinds, highest = c.atHead(), head
	}
	if highest < 1 || len(kinds) == 0 {
		return Question{}, fmt.Errorf("draw a question at head %d: %w", head, ErrNothingToAsk)
	}
	source := rand.New(rand.NewChaCha8(seed))
	for draw := 1; ; draw++ {
		kind := kinds[source.IntN(len(kinds))]
		params := kind.Params(source, kind.height(source, highest))
		label := labelled(kind.Method, params)
		if asked[label] && draw < mostDraws {
			continue
		}
		return Question{Label: label, Payload: c.request(source, kind.Method, params)}, nil
	}
}

// height draws one of those that the kind may ask about: from 1, or from where the recent ones begin.
func (k Kind) height(source *rand.Rand, highest int64) int64 {
	lowest := int64(1)
	if k.Recent > 0 {
		lowest = max(lowest, highest-k.Recent+1)
	}
	return lowest + source.Int64N(highest-lowest+1)
}

func (c Catalogue) atHead() []Kind {
	var kinds []Kind
	for _, kind := range c.Kinds {
		if kind.AtHead {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func labelled(method string, params []Param) string {
	return strings.Join(append([]string{method}, named(params)...), " ")
}

// named is each parameter for people; those of an object stand for themselves.
func named(params []Param) []string {
	var parts []string
	for _, param := range params {
		if members, nested := param.Value.([]Param); nested {
			parts = append(parts, named(members)...)
			continue
		}
		parts = append(parts, fmt.Sprintf("%s=%v", param.Name, param.Value))
	}
	return parts
}

// request writes a JSON-RPC 2.0 request with an id as a client's counter would give it.
func (c Catalogue) request(source *rand.Rand, method string, params []Param) []byte {
	arguments := object(params)
	if c.Positional {
		arguments = list(params)
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":%s,"params":%s}`,
		1+source.IntN(9999), encoded(method), arguments)
}

func list(params []Param) string {
	values := make([]string, len(params))
	for i, param := range params {
		values[i] = encoded(param.Value)
	}
	return "[" + strings.Join(values, ",") + "]"
}

func object(params []Param) string {
	fields := make([]string, len(params))
	for i, param := range params {
		fields[i] = encoded(param.Name) + ":" + encoded(param.Value)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func encoded(value any) string {
	if members, nested := value.([]Param); nested {
		return object(members)
	}
	text, _ := json.Marshal(value) // a string and a bool always encode
	return string(text)
}
