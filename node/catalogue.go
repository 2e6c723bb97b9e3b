package node

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// ValidateRelayChains makes catalogues of relay chains and lets them go: it finds what is wrong with the questions of a
// configuration that is valid otherwise. The error is one line and is configs.ErrInvalid.
func ValidateRelayChains(chains map[string]configs.RelayChain) error {
	_, err := catalogues(chains)
	return err
}

// catalogues are the questions for every relay chain.
func catalogues(chains map[string]configs.RelayChain) (map[string]question.Catalogue, error) {
	made := make(map[string]question.Catalogue, len(chains))
	for _, chain := range slices.Sorted(maps.Keys(chains)) {
		catalogue, err := catalogueOf(chain, chains[chain])
		if err == nil {
			err = tryOut(catalogue)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: relay_chains.%s: %w", configs.ErrInvalid, chain, err)
		}
		made[chain] = catalogue
	}
	return made, nil
}

// catalogueOf is the catalogue of one relay chain. The head of the network's own is that of its blocks.
func catalogueOf(chain string, config configs.RelayChain) (question.Catalogue, error) {
	var made question.Catalogue
	switch config.Catalogue {
	case configs.CatalogueCometBFT:
		made = question.CometBFT()
	case configs.CatalogueCometBFTURI:
		made = question.CometBFTURI()
	case configs.CatalogueEVM:
		made = question.EVM(question.EVMFinality)
	case configs.CatalogueEVMValues:
		made = question.EVMValues(question.EVMFinality)
	case configs.CatalogueCosmos:
		made = question.Cosmos()
	case configs.CatalogueSolana:
		made = question.Solana()
	case configs.CatalogueCustom:
		var err error
		if made, err = customOf(chain, config); err != nil {
			return question.Catalogue{}, err
		}
	default:
		return question.Catalogue{}, fmt.Errorf("catalogue %q is not known", config.Catalogue)
	}
	made.Own = chain == NativeChain && config.Head == nil
	if config.MaxLag != nil {
		made.MaxLag = *config.MaxLag
	}
	if config.Depth != nil {
		made.Depth = *config.Depth
	}
	return made.Limited(config.Recent), nil
}

// customOf is the catalogue of a list of questions.
func customOf(chain string, config configs.RelayChain) (question.Catalogue, error) {
	templates := make([]question.Template, len(config.Questions))
	for i, each := range config.Questions {
		templates[i] = question.Template{Method: each.Method, Params: each.Params, Path: each.Path, Headers: each.Headers, Range: each.Range,
			Nothing: each.Nothing, Errors: each.Errors}
	}
	made, err := question.Custom(templates, question.CustomDepth)
	if err != nil {
		return question.Catalogue{}, err
	}
	timeless := !slices.ContainsFunc(made.Kinds, func(kind question.Kind) bool { return !kind.Timeless })
	switch head := config.Head; {
	case head != nil && (head.Path != "") != config.REST():
		return question.Catalogue{}, fmt.Errorf("head: JSON-RPC and REST are mixed; a relay chain's nodes take one of them")
	case head != nil:
		made.Head, err = question.CustomHead(
			question.Template{Method: head.Method, Params: head.Params, Path: head.Path, Headers: head.Headers}, head.Height)
	case chain != NativeChain && !timeless:
		err = fmt.Errorf("head is null; a list that names heights needs the question for the newest one")
	}
	return made, err
}

// tryOut asks every kind of question once, about some height, and refuses what no servicer would take.
func tryOut(catalogue question.Catalogue) error {
	for i, kind := range catalogue.Kinds {
		alone := question.Catalogue{Kinds: []question.Kind{kind}, Styles: catalogue.Styles}
		asked, err := alone.Draw([32]byte{}, question.Client{}, 1000, nil)
		if err != nil {
			return fmt.Errorf("questions[%d]: %w", i, err)
		}
		if _, err := relay.ValidatePayload(asked.Payload); err != nil {
			return fmt.Errorf("questions[%d]: %w", i, err)
		}
	}
	return nil
}
