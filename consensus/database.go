package consensus

import (
	"cmp"

	dbm "github.com/cometbft/cometbft-db"
	cmtcfg "github.com/cometbft/cometbft/config"
	"github.com/syndtr/goleveldb/leveldb/opt"
)

// DefaultTables is how many tables each of CometBFT's databases keeps open by default. goleveldb's own default is 500, and a
// node that cannot open a file ends.
const DefaultTables = 64

// databasesOf returns what opens CometBFT's databases, with bounds that a configuration of CometBFT's does not have.
func databasesOf(cfg Config) cmtcfg.DBProvider {
	tables := cmp.Or(cfg.Tables, DefaultTables)
	return func(at *cmtcfg.DBContext) (dbm.DB, error) {
		return dbm.NewGoLevelDBWithOpts(at.ID, at.Config.DBDir(), &opt.Options{OpenFilesCacheCapacity: tables})
	}
}
