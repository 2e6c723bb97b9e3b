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

// settledDepth is how many blocks below the head a height counts as settled: servicers whose nodes are a block or two
// behind can still answer.
const settledDepth = 2

// mostDraws bounds the search for a question that was not asked before.
const mostDraws = 256

// Question is one JSON-RPC request, and its name for people: "block height=12".
type Question struct {
	Label   string
	Payload []byte
}

// Param is one parameter of a question. Parameters keep their order, as clients send them.
type Param struct {
	Name  string
	Value string
}

// Kind makes questions of one method.
type Kind struct {
	Method string
	// Params of the method for a height, drawn from the source.
	Params func(source *rand.Rand, height int64) []Param
	// AtHead says that the answer is final as soon as the block is, so that it may be asked about the newest block
	// when the chain is too short for settled heights.
	AtHead bool
}

// Catalogue is the kinds of questions that fit a relay chain.
type Catalogue []Kind

// Draw picks a question for a check: one of the kinds, at a random settled height of a chain with the given head.
// The same seed and arguments give the same question. A question whose label is in asked is avoided, unless the
// catalogue has no other within a bounded search. Errors: ErrNothingToAsk.
func (c Catalogue) Draw(seed [32]byte, head int64, asked map[string]bool) (Question, error) {
	kinds, highest := c, head-settledDepth
	if highest < 1 {
		kinds, highest = c.atHead(), head
	}
	if highest < 1 || len(kinds) == 0 {
		return Question{}, fmt.Errorf("draw a question at head %d: %w", head, ErrNothingToAsk)
	}
	source := rand.New(rand.NewChaCha8(seed))
	for draw := 1; ; draw++ {
		kind := kinds[source.IntN(len(kinds))]
		params := kind.Params(source, 1+source.Int64N(highest))
		label := labelled(kind.Method, params)
		if asked[label] && draw < mostDraws {
			continue
		}
		return Question{Label: label, Payload: request(source, kind.Method, params)}, nil
	}
}

func (c Catalogue) atHead() Catalogue {
	var kinds Catalogue
	for _, kind := range c {
		if kind.AtHead {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func labelled(method string, params []Param) string {
	parts := []string{method}
	for _, param := range params {
		parts = append(parts, param.Name+"="+param.Value)
	}
	return strings.Join(parts, " ")
}

// request writes a JSON-RPC 2.0 request with an id as a client's counter would give it.
func request(source *rand.Rand, method string, params []Param) []byte {
	fields := make([]string, len(params))
	for i, param := range params {
		fields[i] = quoted(param.Name) + ":" + quoted(param.Value)
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":%s,"params":{%s}}`,
		1+source.IntN(9999), quoted(method), strings.Join(fields, ","))
}

func quoted(text string) string {
	encoded, _ := json.Marshal(text) // a string always encodes
	return string(encoded)
}
