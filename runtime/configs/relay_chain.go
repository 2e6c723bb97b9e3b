package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Catalogues of questions.
const (
	// CatalogueCometBFT is CometBFT's JSON-RPC.
	CatalogueCometBFT = "cometbft"
	// CatalogueCometBFTURI is CometBFT by GET, a REST API.
	CatalogueCometBFTURI = "cometbft-uri"
	// CatalogueEVM is Ethereum's JSON-RPC.
	CatalogueEVM = "evm"
	// CatalogueEVMValues is CatalogueEVM without the questions that different makes of nodes answer differently.
	CatalogueEVMValues = "evm-values"
	// CatalogueCosmos is the REST gateway of the Cosmos SDK.
	CatalogueCosmos = "cosmos"
	// CatalogueSolana is Solana's JSON-RPC.
	CatalogueSolana = "solana"
	// CatalogueCustom is the operator's own list of questions.
	CatalogueCustom = "custom"
)

const (
	// MaximumRelayChains is the maximum number of configured relay chains.
	MaximumRelayChains = 64
	// MaximumDepth is the maximum of RelayChain.Depth.
	MaximumDepth = 1_000_000
	// maximumRecent is larger than the height of any chain.
	maximumRecent = 1 << 48
)

// RelayChain selects the questions for a relay chain. Fishermen ask them; servicers use it to know whether the chain's
// nodes accept JSON-RPC or REST.
type RelayChain struct {
	// Catalogue of questions: cometbft, cometbft-uri, evm, evm-values, cosmos, solana or custom.
	Catalogue string `json:"catalogue"`
	// Depth is the number of blocks below the head at which a height counts as settled, 0 to MaximumDepth; null for the
	// catalogue's default: 64 for evm, evm-values and custom, 200 for solana, otherwise 2.
	Depth *int64 `json:"depth"`
	// Recent limits questions to the newest n settled heights, for chains whose nodes forget old ones; 0 for all.
	Recent int64 `json:"recent"`
	// MaxLag is how many blocks a node may be behind the majority, 0 to MaximumDepth; null for the catalogue's default: 150 for
	// solana, otherwise 5.
	MaxLag *int64 `json:"max_lag"`
	// Head is the question for the newest height, for a custom catalogue only; null if no question names a height, or
	// if the chain is the network's own.
	Head *HeadQuestion `json:"head"`
	// Questions of a custom catalogue.
	Questions []Question `json:"questions"`
}

// Question is one of a custom catalogue: a JSON-RPC method with parameters, or a REST path with headers.
type Question struct {
	Method string `json:"method"`
	// Params is an array or an object with placeholders in its strings; null for an empty array.
	Params JSON `json:"params"`
	// Path with an optional query, and placeholders.
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	// Range is the maximum number of blocks from {from} to {height}; 0 for no range.
	Range int64 `json:"range"`
	// Nothing says that null, empty or not found can be the truth.
	Nothing bool `json:"nothing"`
	// Errors are codes of errors that can be the truth: JSON-RPC's, or HTTP statuses of REST.
	Errors []int64 `json:"errors"`
}

// HeadQuestion is the question for the newest height, for the control probe's target and for the servicers.
type HeadQuestion struct {
	Method  string            `json:"method"`
	Params  JSON              `json:"params"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	// Height is a JSON pointer to the height in the answer, as in "/result".
	Height string `json:"height"`
}

// JSON is compact JSON; nil stands for null.
type JSON []byte

// MarshalJSON returns the JSON itself.
func (j JSON) MarshalJSON() ([]byte, error) {
	if j == nil {
		return []byte("null"), nil
	}
	return j, nil
}

// UnmarshalJSON accepts any JSON.
func (j *JSON) UnmarshalJSON(text []byte) error {
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return err
	}
	*j = nil
	if compact.String() != "null" {
		*j = compact.Bytes()
	}
	return nil
}

// REST reports whether the chain's nodes accept REST requests rather than JSON-RPC.
func (c RelayChain) REST() bool {
	switch c.Catalogue {
	case CatalogueCometBFTURI, CatalogueCosmos:
		return true
	case CatalogueCustom:
		return len(c.Questions) > 0 && c.Questions[0].Path != ""
	default:
		return false
	}
}

// Catalogues returns the names of all catalogues.
func Catalogues() []string {
	return []string{CatalogueCometBFT, CatalogueCometBFTURI, CatalogueEVM, CatalogueEVMValues, CatalogueCosmos, CatalogueSolana, CatalogueCustom}
}

// DefaultRelayChains returns the relay chains with a default catalogue: the network's own and Ethereum.
func DefaultRelayChains() map[string]RelayChain {
	return map[string]RelayChain{types.NativeRelayChain: {Catalogue: CatalogueCometBFT}, "0021": {Catalogue: CatalogueEVM}}
}

// relayChains checks the form only; the content of questions is checked when catalogues are built.
func (p *problems) relayChains(chains map[string]RelayChain) {
	p.add(len(chains) <= MaximumRelayChains, "relay_chains", fmt.Sprintf("%d of them", len(chains)), fmt.Sprintf("at most %d", MaximumRelayChains))
	for _, chain := range slices.Sorted(maps.Keys(chains)) {
		p.add(types.ValidateRelayChain(chain) == nil, "relay_chains", "for relay chain "+quoted(chain), "four upper-case hex digits, as in 0001")
		p.relayChain("relay_chains."+short(chain), chains[chain])
	}
}

func (p *problems) relayChain(field string, c RelayChain) {
	p.add(slices.Contains(Catalogues(), c.Catalogue), field+".catalogue", quoted(c.Catalogue), strings.Join(Catalogues(), ", "))
	if c.Depth != nil {
		p.add(0 <= *c.Depth && *c.Depth <= MaximumDepth, field+".depth", strconv.FormatInt(*c.Depth, 10), fmt.Sprintf("0 to %d", MaximumDepth))
	}
	if c.MaxLag != nil {
		p.add(0 <= *c.MaxLag && *c.MaxLag <= MaximumDepth, field+".max_lag", strconv.FormatInt(*c.MaxLag, 10), fmt.Sprintf("0 to %d", MaximumDepth))
	}
	p.add(0 <= c.Recent && c.Recent <= maximumRecent, field+".recent", strconv.FormatInt(c.Recent, 10), "a number of heights, or 0 for all")
	if c.Catalogue == CatalogueCustom {
		p.add(len(c.Questions) > 0, field+".questions", "empty", "at least one question")
		return
	}
	p.add(c.Head == nil, field+".head", "set", "null for every catalogue but custom, which knows how")
	p.add(len(c.Questions) == 0, field+".questions", "set", "none for every catalogue but custom, which has its own")
}
