package consensus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	cmtcfg "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/node"
	cmttypes "github.com/cometbft/cometbft/types"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// ErrForeignHome is returned when the home directory holds another chain, or a chain that the given state does not
// belong to.
var ErrForeignHome = errors.New("home directory belongs to another chain")

// errNoGenesis is returned when CometBFT's database holds no genesis.
var errNoGenesis = errors.New("no genesis stored")

// maximumBlockBytes bounds a block: a few thousand transactions, which a node verifies well within a second.
const maximumBlockBytes = 1 << 20

// genesisDoc wraps our genesis in CometBFT's. Validators are left to InitChain, which derives them from stakes.
func genesisDoc(g *genesis.Genesis) (*cmttypes.GenesisDoc, error) {
	appState, err := g.Marshal()
	if err != nil {
		return nil, fmt.Errorf("marshal genesis: %w", err)
	}
	doc := &cmttypes.GenesisDoc{
		ChainID:         g.GetChainId(),
		GenesisTime:     g.GetGenesisTime().AsTime(),
		InitialHeight:   initialHeight,
		ConsensusParams: cmttypes.DefaultConsensusParams(),
		AppState:        appState,
	}
	doc.ConsensusParams.Version.App = appVersion
	doc.ConsensusParams.Block.MaxBytes = maximumBlockBytes
	if err := doc.ValidateAndComplete(); err != nil {
		return nil, fmt.Errorf("make CometBFT's genesis: %w", err)
	}
	return doc, nil
}

// openHome makes the home's directories and checks that CometBFT's data there belongs to the given genesis: CometBFT
// itself silently prefers the genesis that it stored. It reports whether a chain has begun there.
func openHome(config *cmtcfg.Config, databases cmtcfg.DBProvider, doc *cmttypes.GenesisDoc, stateVersion int64) (begun bool, err error) {
	for _, name := range []string{cmtcfg.DefaultConfigDir, cmtcfg.DefaultDataDir} {
		if err := os.MkdirAll(filepath.Join(config.RootDir, name), 0o700); err != nil {
			return false, fmt.Errorf("make directory: %w", err)
		}
	}
	stored, err := storedGenesis(config, databases)
	switch {
	case errors.Is(err, errNoGenesis) && stateVersion > 0:
		return false, fmt.Errorf("%w: the state is at height %d, but %s holds no blocks", ErrForeignHome, stateVersion, config.RootDir)
	case errors.Is(err, errNoGenesis):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read the stored genesis: %w", err)
	}
	same, err := sameGenesis(stored, doc)
	if err != nil {
		return false, err
	}
	if !same {
		return false, fmt.Errorf("%w: %s holds chain %q with another genesis than the given one of chain %q",
			ErrForeignHome, config.RootDir, stored.ChainID, doc.ChainID)
	}
	return true, nil
}

// storedGenesis reads the genesis that CometBFT stored when the chain began; errNoGenesis before.
func storedGenesis(config *cmtcfg.Config, databases cmtcfg.DBProvider) (*cmttypes.GenesisDoc, error) {
	db, err := databases(&cmtcfg.DBContext{ID: "state", Config: config})
	if err != nil {
		return nil, fmt.Errorf("open state.db: %w", err)
	}
	var stored *cmttypes.GenesisDoc
	err = guard("load genesis", func() error {
		var err error
		_, stored, err = node.LoadStateFromDBOrGenesisDocProvider(db, func() (*cmttypes.GenesisDoc, error) {
			return nil, errNoGenesis
		})
		return err
	})
	return stored, errors.Join(err, db.Close())
}

// sameGenesis compares by meaning: the JSON text of one genesis may differ between two builds of this program.
func sameGenesis(stored, given *cmttypes.GenesisDoc) (bool, error) {
	want, err := genesis.Parse(given.AppState)
	if err != nil {
		return false, fmt.Errorf("parse given genesis: %w", err)
	}
	// A stored genesis that cannot be parsed is not ours.
	got, err := genesis.Parse(stored.AppState)
	return err == nil && stored.ChainID == given.ChainID && proto.Equal(got, want), nil
}
