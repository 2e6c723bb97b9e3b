package consensus

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	cmtcfg "github.com/cometbft/cometbft/config"

	"github.com/pocket-fisherman/fisherman/consensus/entrance"
	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/heads"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
	"github.com/pocket-fisherman/fisherman/utility"
)

// Bounds of Config.BlockTime.
const (
	MinBlockTime = 10 * time.Millisecond
	MaxBlockTime = time.Hour
)

// discoveryTime is how long peers are asked for their snapshots before one is chosen, or they are asked again. CometBFT
// allows no less.
const discoveryTime = 5 * time.Second

// Config is the chain that an engine runs, its directory, and its keys.
type Config struct {
	// Home is the directory that CometBFT's files go below: databases, write-ahead log and last-sign state in data/, the
	// peers' address book in config/. No private key is written.
	Home string
	// Genesis is the chain's first state, valid.
	Genesis *genesis.Genesis
	// ValidatorKey signs blocks when its public key is a validator's; otherwise, or when it is not set, the engine follows
	// the chain.
	ValidatorKey crypto.PrivateKey
	// NodeKey identifies the node to its peers. If it is not set it is derived from ValidatorKey; one of the two is
	// required.
	NodeKey crypto.PrivateKey
	// Listen is the host:port where peers connect, with a numeric host; if empty, any free loopback port is used.
	Listen string
	// Peers are the nodes to dial, and to redial when they are lost: "ID@host:port", see NodeID. Of two nodes, one has
	// to name the other. A host name is looked up for each dial.
	Peers []string
	// Inbound bounds the connections that peers open; if zero, as entrance.DefaultBounds.
	Inbound entrance.Bounds
	// Tables bounds the files that each of CometBFT's databases keeps open beside a few of its own; if zero, DefaultTables.
	Tables int
	// BlockTime is the pause between a decided block and the next proposal, MinBlockTime to MaxBlockTime. The interval
	// between blocks is longer by the time it takes to agree.
	BlockTime time.Duration
	// History is what the engine keeps of the past, and how an empty home begins.
	History History
	// Logger also receives CometBFT's log, its info lines at debug level. Nil discards.
	Logger *slog.Logger
	// heads is where an engine publishes; nil for heads of its own.
	heads *heads.Publisher
}

// validate reports the first field that no engine could run with.
func (c Config) validate() error {
	switch {
	case c.Home == "":
		return errors.New("home directory is not set")
	case c.Genesis == nil:
		return errors.New("genesis is not set")
	case len(c.ValidatorKey.Bytes()) == 0 && len(c.NodeKey.Bytes()) == 0:
		return errors.New("neither validator key nor node key is set")
	case c.BlockTime < MinBlockTime || c.BlockTime > MaxBlockTime:
		return fmt.Errorf("block time is %s; it may be %s to %s", c.BlockTime, MinBlockTime, MaxBlockTime)
	}
	if err := c.History.validate(); err != nil {
		return err
	}
	for _, peer := range c.Peers {
		id, at, _ := cutPeer(peer)
		if _, _, err := net.SplitHostPort(at); err != nil || types.ValidateAddress(id) != nil || strings.ContainsAny(peer, ", ") {
			return fmt.Errorf("peer is %q; it is ID@host:port", peer)
		}
	}
	return nil
}

// cometConfig returns CometBFT's configuration: a node that opens no port except the one for its peers, and knows only
// the peers that it was given.
func (c Config) cometConfig() (*cmtcfg.Config, error) {
	config := cmtcfg.DefaultConfig().SetRoot(c.Home)
	// The default is the host's name, which should not be disclosed.
	config.Moniker = "pocket"
	config.RPC.ListenAddress = ""
	// The node tells its peers where they connect. CometBFT's own listener is behind that (see inbound).
	config.P2P.ExternalAddress = "tcp://" + c.listen()
	config.P2P.ListenAddress = "tcp://" + anyPort
	config.FilterPeers = true
	config.P2P.PersistentPeers = strings.Join(named(c.Peers, false), ",") // a redialer handles the others
	// Strangers that use up the peer slots cannot keep the configured peers out.
	config.P2P.UnconditionalPeerIDs = strings.Join(peerIDs(c.Peers), ",")
	config.P2P.MaxNumInboundPeers = c.inbound().Most() // the entrance has the bounds
	config.P2P.PexReactor = false
	config.P2P.AddrBookStrict = false
	config.P2P.AllowDuplicateIP = true
	config.TxIndex.Indexer = "null"
	config.Mempool.MaxTxBytes = transaction.MaxBytes
	// The application's pool is full before these bounds are reached: it decides what is refused.
	config.Mempool.MaxTxsBytes = 32 << 20
	config.Mempool.Size = utility.MostPooled
	config.Mempool.CacheSize = 2 * utility.MostPooled
	config.Instrumentation.Prometheus = false
	setTimeouts(config.Consensus, c.BlockTime)
	if sync := c.History.Sync; sync != nil {
		config.StateSync.Enable = true
		config.StateSync.RPCServers = sync.Servers
		config.StateSync.TrustHeight = sync.Height
		config.StateSync.TrustHash = hex.EncodeToString(sync.Hash)
		config.StateSync.TrustPeriod = sync.Period
		config.StateSync.DiscoveryTime = discoveryTime
		config.StateSync.MaxSnapshotChunks = snapshot.MaxChunks
	}
	return config, config.ValidateBasic()
}

// setTimeouts adapts CometBFT's timeouts to the block time. Only the pause after a commit is the block time itself. The
// others run while validators wait for each other: they follow the block time, so that a missing proposer costs a few
// blocks rather than minutes, but stay above what a busy machine needs to answer.
func setTimeouts(consensus *cmtcfg.ConsensusConfig, blockTime time.Duration) {
	consensus.TimeoutCommit = blockTime
	consensus.SkipTimeoutCommit = false
	consensus.CreateEmptyBlocks = true
	consensus.CreateEmptyBlocksInterval = 0
	consensus.TimeoutPropose = clamp(3*blockTime, 500*time.Millisecond, 3*time.Second)
	consensus.TimeoutPrevote = clamp(blockTime, 200*time.Millisecond, time.Second)
	consensus.TimeoutPrecommit = consensus.TimeoutPrevote
	consensus.TimeoutProposeDelta = consensus.TimeoutPropose / 2
	consensus.TimeoutPrevoteDelta = consensus.TimeoutPrevote / 2
	consensus.TimeoutPrecommitDelta = consensus.TimeoutPrecommit / 2
	consensus.PeerGossipSleepDuration = clamp(blockTime/10, 5*time.Millisecond, 100*time.Millisecond)
}

// peerIDs returns the ids of peers.
func peerIDs(peers []string) []string {
	ids := make([]string, len(peers))
	for i, peer := range peers {
		ids[i], _, _ = cutPeer(peer)
	}
	return ids
}

// cutPeer cuts a peer into its id and its host:port.
func cutPeer(peer string) (id, at string, found bool) { return strings.Cut(peer, "@") }

func clamp(d, low, high time.Duration) time.Duration { return min(max(d, low), high) }
