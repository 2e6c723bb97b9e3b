package consensus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/mempool"
	"github.com/cometbft/cometbft/proxy"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"
	cmttypes "github.com/cometbft/cometbft/types"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/crypto/ed25519"

	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// pruned is an archive that notes what it is asked to prune.
type pruned struct {
	keep  int64
	calls int
}

func (p *pruned) Prune(keep int64, _ int) error {
	p.keep, p.calls = keep, p.calls+1
	return nil
}

func (p *pruned) Pin(int64) (func(), error) { return func() {}, nil }

func (p *pruned) Export(context.Context, int64, func(snapshot.Node) error) error { return nil }

func (p *pruned) Restore(int64) (Restore, error) { return nil, errors.New("not here") }

func (p *pruned) Clear() error { return nil }

// unsynced is a database whose writes the disk takes in its own time: thousands of blocks are at speed.
type unsynced struct{ dbm.DB }

type unsyncedBatch struct{ dbm.Batch }

func (u unsynced) SetSync(key, value []byte) error { return u.Set(key, value) }

func (u unsynced) NewBatch() dbm.Batch { return unsyncedBatch{u.DB.NewBatch()} }

func (b unsyncedBatch) WriteSync() error { return b.Write() }

// line makes blocks of one validator with CometBFT's own executor and stores, a minute apart by their clock.
type line struct {
	t        *testing.T
	app      *application
	state    sm.State
	executor *sm.BlockExecutor
	blocks   *store.BlockStore
	states   sm.Store
	last     *cmttypes.Commit
	dir      string
	archive  *pruned
}

// newLine begins a chain whose evidence of double signing expires after a number of blocks and as many minutes.
func newLine(t *testing.T, keep, evidence int64) *line {
	t.Helper()
	l := &line{t: t, dir: t.TempDir(), last: &cmttypes.Commit{}, archive: &pruned{}}
	open := func(name string) dbm.DB {
		db, err := dbm.NewGoLevelDB(name, l.dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return unsynced{db}
	}
	l.blocks, l.states = store.NewBlockStore(open("blockstore")), sm.NewStore(open("state"), sm.StoreOptions{})
	g := testGenesis(t, "line", stake)
	g.Params.Session.BlocksPerSession = 50
	doc, err := genesisDoc(g)
	if err != nil {
		t.Fatal(err)
	}
	doc.ConsensusParams.Evidence.MaxAgeNumBlocks = evidence
	doc.ConsensusParams.Evidence.MaxAgeDuration = time.Duration(evidence) * time.Minute
	l.app = &application{state: newMemoryState(), publish: func(types.Head) {}, fail: func(err error) { t.Error(err) }}
	l.app.retention = &retention{History: History{Keep: keep, Archive: l.archive}, blocks: l.blocks, params: l.states}
	l.begin(doc)
	return l
}

func (l *line) begin(doc *cmttypes.GenesisDoc) {
	l.t.Helper()
	state, err := sm.MakeGenesisState(doc)
	if err != nil {
		l.t.Fatal(err)
	}
	begun, err := l.app.InitChain(l.t.Context(), &abci.RequestInitChain{ChainId: doc.ChainID, InitialHeight: 1, AppStateBytes: doc.AppState})
	if err != nil {
		l.t.Fatal(err)
	}
	validators, err := cmttypes.PB2TM.ValidatorUpdates(begun.Validators)
	if err != nil {
		l.t.Fatal(err)
	}
	state.AppHash = begun.AppHash
	state.Validators = cmttypes.NewValidatorSet(validators)
	state.NextValidators = cmttypes.NewValidatorSet(validators).CopyIncrementProposerPriority(1)
	if err := l.states.Save(state); err != nil {
		l.t.Fatal(err)
	}
	apps := proxy.NewAppConns(proxy.NewLocalClientCreator(l.app), proxy.NopMetrics())
	if err := apps.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = apps.Stop() })
	l.state = state
	l.executor = sm.NewBlockExecutor(l.states, log.NewNopLogger(), apps.Consensus(), &mempool.NopMempool{}, sm.EmptyEvidencePool{}, l.blocks)
}

// block makes the next block.
func (l *line) block() {
	l.t.Helper()
	height := l.state.LastBlockHeight + 1
	proposer := l.state.Validators.Proposer.Address
	block, err := l.state.MakeBlock(height, nil, l.last, nil, proposer)
	if err != nil {
		l.t.Fatal(err)
	}
	parts, err := block.MakePartSet(cmttypes.BlockPartSizeBytes)
	if err != nil {
		l.t.Fatal(err)
	}
	id := cmttypes.BlockID{Hash: block.Hash(), PartSetHeader: parts.Header()}
	vote := &cmttypes.Vote{Type: 2, Height: height, BlockID: id, Timestamp: block.Time.Add(time.Minute), ValidatorAddress: proposer}
	signature, err := ed25519.PrivKey(key(1).Bytes()).Sign(cmttypes.VoteSignBytes(l.state.ChainID, vote.ToProto()))
	if err != nil {
		l.t.Fatal(err)
	}
	vote.Signature = signature
	commit := &cmttypes.Commit{Height: height, BlockID: id, Signatures: []cmttypes.CommitSig{vote.CommitSig()}}
	l.blocks.SaveBlock(block, parts, commit)
	if l.state, err = l.executor.ApplyBlock(l.state, id, block); err != nil {
		l.t.Fatal(err)
	}
	l.last = commit
}

func (l *line) size() (bytes int64) {
	_ = filepath.WalkDir(l.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			if info, err := entry.Info(); err == nil {
				bytes += info.Size()
			}
		}
		return nil
	})
	return bytes
}

// CometBFT's stores, its results of blocks included, keep what they are told to and stay as large as that. Headers, votes
// and validators that evidence of double signing may name are never gone before the evidence expires.
func TestBlocksArePruned(t *testing.T) {
	if testing.Short() {
		t.Skip("makes thousands of blocks")
	}
	t.Parallel()
	heights := 15_000 // of which the stores, not pruned, take 11 and 19 MB
	if given, err := strconv.Atoi(os.Getenv("POCKET_FLAT_HEIGHTS")); err == nil {
		heights = given
	}
	const keep, evidence = 400, 300
	l := newLine(t, keep, evidence)
	var half, most int64
	for height := 1; height <= heights; height++ {
		l.block()
		if height%(heights/60) == 0 {
			if size := l.size(); height <= heights/2 {
				half = max(half, size)
			} else {
				most = max(most, size)
			}
		}
	}
	t.Logf("at most %d KiB in the first %d blocks, %d KiB in the second", half>>10, heights/2, most>>10)
	if most > half+half/3 {
		t.Error("the disk is not flat")
	}
	newest := int64(heights)
	oldest := newest - keep + 1
	if base := l.blocks.Base(); base != oldest || l.archive.keep != oldest {
		t.Errorf("blocks begin with %d and states with %d, want %d", base, l.archive.keep, oldest)
	}
	// Nothing is left of what went before: not even what CometBFT would keep for evidence.
	for _, height := range []int64{1, oldest / 2, oldest - 1} {
		meta, commit := l.blocks.LoadBlockMeta(height), l.blocks.LoadBlockCommit(height)
		_, results := l.states.LoadFinalizeBlockResponse(height)
		if meta != nil || commit != nil || results == nil {
			t.Errorf("of height %d there is %v, %v, %v", height, meta, commit, results)
		}
	}
	for _, height := range []int64{oldest, newest} {
		if _, err := l.states.LoadValidators(height); err != nil || l.blocks.LoadBlock(height) == nil {
			t.Errorf("height %d: %v", height, err)
		}
	}
	history := newHistory(l.blocks, l.states)
	_, err := history.block(12)
	if want := fmt.Sprintf("height 12 is not kept; this node has %d to %d", oldest, newest); err == nil || err.Error() != want || !errors.Is(err, modules.ErrHeightUnavailable) {
		t.Errorf("block 12: %v, want %s", err, want)
	}
	if _, err := history.transactionIn(make([]byte, 32), 12); !errors.Is(err, modules.ErrHeightUnavailable) {
		t.Errorf("transaction in block 12: %v", err)
	}
}

// Evidence that lasts longer than what is kept holds blocks back, and so does a snapshot.
func TestBlocksAreHeldBack(t *testing.T) {
	t.Parallel()
	l := newLine(t, 250, 400)
	for range 700 {
		l.block()
	}
	if base := l.blocks.Base(); base != 300 { // 700-400: the first that is not older than 400 blocks
		t.Errorf("blocks begin with %d", base)
	}
	if l.archive.keep != 451 {
		t.Errorf("states begin with %d", l.archive.keep)
	}
	directory, err := snapshot.OpenDirectory(filepath.Join(t.TempDir(), "snapshots"), 2)
	if err != nil {
		t.Fatal(err)
	}
	leaf := func(add func(snapshot.Node) error) error {
		return add(snapshot.Node{Version: 1, Key: []byte("a"), Value: []byte{}})
	}
	if err := directory.Write(310, leaf, nil); err != nil {
		t.Fatal(err)
	}
	l.app.retention.Snapshots = directory
	for range 100 {
		l.block()
	}
	if base := l.blocks.Base(); base != 310 {
		t.Errorf("blocks begin with %d, although a snapshot needs those after 310", base)
	}
}

// A node is never asked to keep less than its chain needs now, whatever was configured under other parameters.
func TestRetentionKeepsWhatTheChainNeeds(t *testing.T) {
	t.Parallel()
	l := newLine(t, 1, 1)
	for range 400 {
		l.block()
	}
	if least := LeastKept(50); l.archive.keep != 400-least+1 || l.blocks.Base() != 400-least+1 {
		t.Errorf("states begin with %d, blocks with %d", l.archive.keep, l.blocks.Base())
	}
	all := newLine(t, 0, 1)
	for range 300 {
		all.block()
	}
	if all.archive.calls != 0 || all.blocks.Base() != 1 {
		t.Errorf("a node that keeps all was pruned: %+v", all.archive)
	}
}

func TestLogIsTrimmed(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for _, name := range []string{"wal", "wal.998", "wal.999", "wal.1000", "wal.1001", "wal.bak", "wal.", "lost+found"} {
		if err := os.WriteFile(filepath.Join(directory, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := &retention{log: directory}
	if err := r.trimLog(); err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(directory)
	var left []string
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	slices.Sort(left)
	if got := strings.Join(left, " "); got != "lost+found wal wal. wal.1000 wal.1001 wal.bak" {
		t.Errorf("left are %s", got)
	}
}
