package question

import (
	"fmt"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/text"
)

// ChainKind is how the nodes of a relay chain are spoken to.
type ChainKind int

// Kinds of relay chains.
const (
	// ChainUnknown is found out by asking; see Search.
	ChainUnknown ChainKind = iota
	// ChainEVM is Ethereum's JSON-RPC.
	ChainEVM
	// ChainCometBFT is CometBFT's JSON-RPC.
	ChainCometBFT
	// ChainCosmos is the REST gateway of the Cosmos SDK.
	ChainCosmos
	// ChainSolana is Solana's JSON-RPC.
	ChainSolana
	// ChainCustom is a user's own list of questions.
	ChainCustom
)

// ChainKinds returns the kinds of relay chains that a user can name.
func ChainKinds() []ChainKind {
	return []ChainKind{ChainEVM, ChainCometBFT, ChainCosmos, ChainSolana, ChainCustom}
}

// String is the name of the kind, as in a configuration; "auto" of ChainUnknown.
func (k ChainKind) String() string {
	switch k {
	case ChainEVM:
		return "evm"
	case ChainCometBFT:
		return "cometbft"
	case ChainCosmos:
		return "cosmos"
	case ChainSolana:
		return "solana"
	case ChainCustom:
		return "custom"
	default:
		return "auto"
	}
}

// ParseChainKind reads the name of a kind; "" and "auto" are ChainUnknown.
func ParseChainKind(name string) (ChainKind, error) {
	for _, kind := range append(ChainKinds(), ChainUnknown) {
		if name == kind.String() {
			return kind, nil
		}
	}
	if name == "" {
		return ChainUnknown, nil
	}
	return ChainUnknown, fmt.Errorf("kind of chain %q is not known; there are %s", text.Line(name, mostQuoted), kinds(append(ChainKinds(), ChainUnknown)))
}

// kinds are the names of several.
func kinds(of []ChainKind) string {
	var names []string
	for _, kind := range of {
		names = append(names, kind.String())
	}
	return strings.Join(names, ", ")
}

// Throttles reports whether nodes of the kind, or gateways before them, say by the code of a JSON-RPC error that they are
// asked too often. The HTTP status 429 says the same for every kind, whatever code is beside it: QuickNode's -32007 is of a
// skipped slot elsewhere. Sources are in docs/questions.md.
func (k ChainKind) Throttles(code int64) bool {
	switch code {
	case tooManyRequests, -32029, -32429, -32605:
		return true
	case limitExceeded:
		return k != ChainSolana // whose nodes say with it that they are behind
	}
	return false
}

// Codes of throttling that have a name: the HTTP status over again, and EIP-1474's.
const (
	tooManyRequests = 429
	limitExceeded   = -32005
)
