package node

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/servicer"
)

func blocks(number int64) *int64 { return &number }

// Each catalogue asks about settled heights of its own chain, and learns them from where it has to.
func TestCatalogues(t *testing.T) {
	made, err := catalogues(map[string]configs.RelayChain{
		"0001": {Catalogue: configs.CatalogueCometBFT},
		"0002": {Catalogue: configs.CatalogueCometBFT},
		"0003": {Catalogue: configs.CatalogueCometBFTURI, Depth: blocks(7)},
		"0004": {Catalogue: configs.CatalogueCosmos, Recent: 100},
		"0005": {Catalogue: configs.CatalogueSolana},
		"0021": {Catalogue: configs.CatalogueEVM, MaxLag: blocks(0)},
		"0022": {Catalogue: configs.CatalogueCustom, Questions: []configs.Question{{Path: "/blocks/{height}"}},
			Head: &configs.HeadQuestion{Path: "/blocks/latest", Height: "/height"}},
		"0023": {Catalogue: configs.CatalogueCustom, MaxLag: blocks(30), Questions: []configs.Question{
			{Method: "chain_getGenesis", Nothing: true, Errors: []int64{-32007}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for chain, want := range map[string]struct {
		depth, lag        int64
		head, asked, rest bool
	}{
		"0001": {2, 5, true, false, false}, "0002": {2, 5, true, true, false}, "0003": {7, 5, true, true, true}, "0004": {2, 5, true, true, true}, "0005": {200, 150, true, true, false},
		"0021": {64, 0, true, true, false}, "0022": {64, 5, true, true, true}, "0023": {64, 30, false, false, false},
	} {
		catalogue := made[chain]
		if catalogue.Depth != want.depth || catalogue.MaxLag != want.lag || (catalogue.Head != nil) != want.head || catalogue.Asked() != want.asked {
			t.Errorf("%s: depth %d, lag %d, has a head: %t, asks for it: %t", chain, catalogue.Depth, catalogue.MaxLag, catalogue.Head != nil, catalogue.Asked())
		}
		asked, err := catalogue.Draw([32]byte{1}, question.Client{}, 1000, nil)
		if err != nil || (asked.Payload.REST != nil) != want.rest || want.head && (catalogue.Head.Payload().REST != nil) != want.rest {
			t.Errorf("%s: %v, %v", chain, asked, err)
		}
	}
	if kind := made["0023"].Kinds[0]; !kind.Nothing || len(kind.Errors) != 1 || kind.Errors[0] != -32007 {
		t.Errorf("what can be the truth of a question became %+v", kind)
	}
	for _, kind := range made["0004"].Kinds {
		if kind.Recent < 1 || kind.Recent > 100 {
			t.Errorf("a limit of 100 heights became %d", kind.Recent)
		}
	}
}

// A catalogue made by a name in the configuration has that name.
func TestNamesOfCatalogues(t *testing.T) {
	for _, name := range configs.Catalogues() {
		config := configs.RelayChain{Catalogue: name}
		if name == configs.CatalogueCustom {
			config.Questions = []configs.Question{{Method: "getinfo"}}
		}
		made, err := catalogueOf("0002", config)
		if err != nil || made.Name != name {
			t.Errorf("%s: %q, %v", name, made.Name, err)
		}
	}
}

// The network's own height is known, unless its owner says how to ask for it. Servicers are asked for it all the same.
func TestOwnHeight(t *testing.T) {
	custom := configs.RelayChain{Catalogue: configs.CatalogueCustom, Questions: []configs.Question{{Path: "/blocks/{height}"}}}
	asking := custom
	asking.Head = &configs.HeadQuestion{Path: "/blocks/latest", Height: "/height"}
	for name, test := range map[string]struct {
		config            configs.RelayChain
		own, head, asking bool
	}{
		"cometbft":             {configs.RelayChain{Catalogue: configs.CatalogueCometBFT}, true, true, false},
		"cometbft-uri":         {configs.RelayChain{Catalogue: configs.CatalogueCometBFTURI}, true, true, false},
		"custom":               {custom, true, false, false},
		"custom with a head":   {asking, false, true, true},
		"another chain's make": {configs.RelayChain{Catalogue: configs.CatalogueEVM}, true, true, false},
	} {
		made, err := catalogues(map[string]configs.RelayChain{NativeChain: test.config})
		if err != nil {
			t.Fatal(err)
		}
		if catalogue := made[NativeChain]; catalogue.Own != test.own || (catalogue.Head != nil) != test.head || catalogue.Asked() != test.asking {
			t.Errorf("%s: own %t, has a head: %t, asks for it: %t", name, catalogue.Own, catalogue.Head != nil, catalogue.Asked())
		}
	}
}

func TestRelayChainsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		chain  string
		config configs.RelayChain
		says   string
	}{
		"unknown": {"0002", configs.RelayChain{Catalogue: "stellar"}, `relay_chains.0002: catalogue "stellar" is not known`},
		"placeholder": {"0002", configs.RelayChain{Catalogue: "custom", Questions: []configs.Question{{Path: "/{hight}"}}},
			"relay_chains.0002: questions[0]: path: unknown placeholder {hight}"},
		"no head": {"0002", configs.RelayChain{Catalogue: "custom", Questions: []configs.Question{{Path: "/{height}"}}},
			"head is null; a list that names heights needs"},
		"mixed head": {"0002", configs.RelayChain{Catalogue: "custom", Questions: []configs.Question{{Path: "/{height}"}},
			Head: &configs.HeadQuestion{Method: "a"}}, "head: JSON-RPC and REST are mixed"},
		"pointer": {"0002", configs.RelayChain{Catalogue: "custom", Questions: []configs.Question{{Path: "/{height}"}},
			Head: &configs.HeadQuestion{Path: "/a", Height: "b"}}, `head: height "b" is not a JSON pointer`},
		"errors": {"0002", configs.RelayChain{Catalogue: "custom", Questions: []configs.Question{{Path: "/a", Errors: []int64{200}}}},
			"relay_chains.0002: questions[0]: errors[0] is 200; allowed: HTTP statuses"},
		"many errors": {"0002", configs.RelayChain{Catalogue: "custom", Questions: []configs.Question{{Method: "a", Errors: make([]int64, 17)}}},
			"questions[0]: errors is 17 codes; allowed: at most 16"},
		"way out": {"0001", configs.RelayChain{Catalogue: "custom", Questions: []configs.Question{{Path: "/a/../{height}"}}},
			"questions[0]: malformed: the path leads out of its base"},
		"too deep": {"0001", configs.RelayChain{Catalogue: "custom", Questions: []configs.Question{
			{Method: "a", Params: configs.JSON(strings.Repeat("[", 70) + strings.Repeat("]", 70))}}}, "questions[0]: malformed: the payload nests"},
	} {
		err := ValidateRelayChains(map[string]configs.RelayChain{test.chain: test.config})
		if !errors.Is(err, configs.ErrInvalid) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The heights of the network's own chain are known.
	own := configs.RelayChain{Catalogue: "custom", Questions: []configs.Question{{Path: "/{height}"}}}
	if err := ValidateRelayChains(map[string]configs.RelayChain{NativeChain: own}); err != nil {
		t.Error(err)
	}
}

// The example of the documents is a configuration that a node takes.
func TestDocumentedRelayChains(t *testing.T) {
	page, err := os.ReadFile("../docs/questions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```json\n")
	example, _, _ := strings.Cut(rest, "```")
	config, err := configs.Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Validate(); err != nil {
		t.Error(err)
	}
	made, err := catalogues(config.RelayChains)
	if err != nil {
		t.Fatal(err)
	}
	for chain, catalogue := range made {
		if config.Fisherman.ControlProbes[chain].URL.Reveal() == "" {
			t.Errorf("the example has no control probe of %s", chain)
		}
		asked := make(map[string]bool)
		for check := range uint32(10) {
			drawn, err := catalogue.Draw([32]byte{byte(check)}, catalogue.Client([32]byte{1}, check), 10_000, asked)
			if err != nil || asked[drawn.Label] {
				t.Fatalf("%s: %q, %v", chain, drawn.Label, err)
			}
			asked[drawn.Label] = true
		}
	}
}

func TestUpstreamsAreOfTheirChainsKind(t *testing.T) {
	chains := configs.DefaultRelayChains()
	chains["0002"] = configs.RelayChain{Catalogue: configs.CatalogueCosmos}
	upstreams, err := Upstreams(configs.URLs(map[string]string{"0001": "http://a", "0002": "http://b", "0003": "http://c"}), chains)
	if err != nil {
		t.Fatal(err)
	}
	for chain, want := range map[string]servicer.Upstream{
		"0001": {URL: "http://a"}, "0002": {URL: "http://b", Kind: servicer.REST}, "0003": {URL: "http://c"},
	} {
		if got := upstreams[chain]; got.URL != want.URL || got.Kind != want.Kind || len(got.Header) > 0 {
			t.Errorf("%s: %v", chain, got)
		}
	}
}
