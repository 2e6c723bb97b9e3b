package consensus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/consensus"
	"github.com/pocket-fisherman/fisherman/persistence"
	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// joinPatience bounds what a whole network needs on a busy machine; CometBFT itself waits five seconds for snapshots.
const joinPatience = 3 * time.Minute

type archive struct{ *persistence.StateStore }

func (a archive) Restore(version int64) (consensus.Restore, error) {
	restore, err := a.StateStore.Restore(version)
	if err != nil {
		return nil, err
	}
	return restore, nil
}

// member is a node of a network of this test.
type member struct {
	t         *testing.T
	config    consensus.Config
	state     *persistence.StateStore
	snapshots *snapshot.Directory
	engine    *consensus.Engine
	heads     <-chan types.Head
	leave     func()
	// url of its JSON-RPC.
	url string
}

func networkGenesis() *genesis.Genesis {
	validator := crypto.KeyFromSeed([32]byte{1})
	params := genesis.DefaultParams()
	params.Session.BlocksPerSession = 2
	return &genesis.Genesis{
		ChainId:     "chain",
		GenesisTime: timestamppb.New(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)),
		Params:      params,
		Actors: []*types.Actor{{Type: types.ActorType_ACTOR_TYPE_VALIDATOR, Address: validator.Address(),
			PublicKey: validator.PublicKeyHex(), StakeUpokt: params.Stake.ValidatorMinimumUpokt}},
	}
}

// newMember opens the stores of a node whose keys come of a number; 1 is the validator's.
func newMember(t *testing.T, number byte, home string, peers ...string) *member {
	t.Helper()
	m := &member{t: t}
	var err error
	if m.state, err = persistence.Open(filepath.Join(home, "state")); err != nil {
		t.Fatal(err)
	}
	if m.snapshots, err = snapshot.OpenDirectory(filepath.Join(home, "snapshots"), 1000); err != nil {
		t.Fatal(err)
	}
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	m.config = consensus.Config{Home: filepath.Join(home, "chain"), Genesis: networkGenesis(), NodeKey: crypto.KeyFromSeed([32]byte{100 + number}),
		Listen: port.Addr().String(), Peers: peers, BlockTime: 50 * time.Millisecond,
		History: consensus.History{Every: 10, Archive: archive{m.state}, Snapshots: m.snapshots, WrongState: persistence.ErrWrongState}}
	if number == 1 {
		m.config.ValidatorKey = crypto.KeyFromSeed([32]byte{1})
	}
	return m
}

// start runs the node until the returned function is called.
func (m *member) start() {
	m.t.Helper()
	engine, err := consensus.New(m.config, m.state)
	if err != nil {
		m.t.Fatal(err)
	}
	m.engine = engine
	rpc, err := engine.RPC()
	if err != nil {
		m.t.Fatal(err)
	}
	server := httptest.NewServer(rpc)
	m.url = server.URL
	heads, unsubscribe := engine.Heads().Subscribe()
	m.heads = heads
	ctx, cancel := context.WithCancel(m.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	stopped := false
	m.leave = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		unsubscribe()
		server.Close()
		if err := <-ended; err != nil {
			m.t.Errorf("a node ended with %v", err)
		}
		if err := m.state.Close(); err != nil {
			m.t.Error(err)
		}
	}
	m.t.Cleanup(m.leave)
}

func (m *member) name() string {
	return fmt.Sprintf("%s@%s", consensus.NodeID(m.config.NodeKey), m.config.Listen)
}

// await receives heads until one satisfies wish.
func (m *member) await(what string, wish func(types.Head) bool) types.Head {
	m.t.Helper()
	limit := time.After(joinPatience)
	for {
		select {
		case head := <-m.heads:
			if wish(head) {
				return head
			}
		case <-limit:
			m.t.Fatalf("no head: %s", what)
		}
	}
}

// TestJoinsBySnapshot: of a network of real nodes, a new one begins with a snapshot of its peers, follows the chain, takes
// snapshots of its own, and goes on after a restart. Its blocks and states begin with the snapshot. An attempt that was
// interrupted before leaves nothing in its way.
func TestJoinsBySnapshot(t *testing.T) {
	t.Parallel()
	validator := newMember(t, 1, t.TempDir())
	validator.start()
	follower := newMember(t, 2, t.TempDir(), validator.name())
	follower.start()
	trusted, err := func() (consensus.Block, error) {
		validator.await("height 6", func(head types.Head) bool { return head.Height >= 6 })
		return validator.engine.Block(5)
	}()
	if err != nil {
		t.Fatal(err)
	}
	validator.await("two snapshots", func(types.Head) bool { return len(validator.snapshots.List()) >= 2 })
	follower.await("to be level", func(head types.Head) bool { return !head.CatchingUp && len(follower.snapshots.List()) > 0 })

	home := t.TempDir()
	interrupted := newMember(t, 3, home, validator.name())
	interrupted.config.History.Sync = &consensus.Sync{Servers: []string{validator.url, follower.url}, Height: trusted.Height,
		Hash: trusted.Hash, Period: time.Hour}
	halfway, err := consensus.New(interrupted.config, interrupted.state) // as far as CometBFT's stores have the genesis
	if err != nil {
		t.Fatal(err)
	}
	if err := halfway.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := interrupted.state.Commit(); err != nil { // a state, and no block
		t.Fatal(err)
	}
	if err := interrupted.state.Close(); err != nil {
		t.Fatal(err)
	}

	joiner := newMember(t, 3, home, validator.name(), follower.name())
	joiner.config.History.Sync = interrupted.config.History.Sync
	joiner.start()
	first := joiner.await("a first block", func(types.Head) bool { return true })
	level := joiner.await("a witnessed head", func(head types.Head) bool { return !head.CatchingUp })
	if first.Height < 11 || joiner.state.Oldest() < 10 || joiner.state.Oldest()%10 != 0 {
		t.Errorf("the first block is %d; its states begin with %d", first.Height, joiner.state.Oldest())
	}
	joiner.await("a snapshot of its own", func(types.Head) bool { return len(joiner.snapshots.List()) > 0 })
	validator.await("the same height", func(head types.Head) bool { return head.Height >= level.Height })
	theirs, err := validator.state.At(level.Height)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := joiner.state.At(level.Height)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"params", "chain-id"} {
		want, err := theirs.Get([]byte(key))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ours.Get([]byte(key)); err != nil || string(got) != string(want) {
			t.Errorf("%s is %q, %v; theirs is %q", key, got, err, want)
		}
	}
	oldest := joiner.state.Oldest()
	gone, is := errors.AsType[*modules.HeightNotKept](func() error { _, err := joiner.engine.Block(oldest - 5); return err }())
	if !is || gone.Oldest != oldest+1 || gone.Newest < level.Height {
		t.Errorf("a block before the snapshot of height %d: %v", oldest, gone)
	}
	joiner.leave()

	again := newMember(t, 3, home, validator.name(), follower.name())
	again.config.History.Sync = joiner.config.History.Sync // a home with blocks does not begin anew
	again.start()
	again.await("a witnessed head after a restart", func(head types.Head) bool { return !head.CatchingUp && head.Height > level.Height })
	if again.state.Oldest() != oldest {
		t.Errorf("after a restart the states begin with %d, not %d", again.state.Oldest(), oldest)
	}
}

// TestLookingForASnapshotEnds: a node that looks for a snapshot, which nobody has, ends with its engine, and with it the
// goroutine of CometBFT's that would ask for ever. It does not run beside other tests, whose goroutines it would see.
func TestLookingForASnapshotEnds(t *testing.T) {
	left := []goleak.Option{
		goleak.IgnoreCurrent(),
		goleak.IgnoreTopFunction("github.com/cometbft/cometbft/libs/autofile.OpenAutoFile.func1"),
		goleak.IgnoreTopFunction("github.com/cometbft/cometbft/libs/autofile.(*AutoFile).closeFileRoutine"),
		goleak.IgnoreTopFunction("github.com/syndtr/goleveldb/leveldb.(*DB).mpoolDrain"),
		goleak.IgnoreTopFunction("os/signal.loop"),
	}
	validator := newMember(t, 1, t.TempDir())
	validator.config.History.Every = 0
	validator.start()
	validator.await("height 4", func(head types.Head) bool { return head.Height >= 4 })
	trusted, err := validator.engine.Block(3)
	if err != nil {
		t.Fatal(err)
	}
	looking := newMember(t, 3, t.TempDir(), validator.name())
	looking.config.History.Sync = &consensus.Sync{Servers: []string{validator.url, validator.url + "/"}, Height: trusted.Height,
		Hash: trusted.Hash, Period: time.Hour}
	looks := make(chan struct{})
	looking.config.Logger = slog.New(telling{slog.DiscardHandler, "no peer has a snapshot that can be verified yet; they are asked again", sync.OnceFunc(func() { close(looks) })})
	looking.start()
	select {
	case <-looks:
	case <-time.After(joinPatience):
		t.Fatal("the node does not say that it looks for a snapshot")
	}
	if err := looking.engine.Ready(); !errors.Is(err, consensus.ErrNotReady) {
		t.Errorf("a node without a state is ready: %v", err)
	}
	looking.leave()
	validator.leave()
	for limit := time.Now().Add(joinPatience); ; {
		err := goleak.Find(left...)
		if err == nil {
			return
		}
		if time.Now().After(limit) {
			t.Fatal(err)
		}
	}
}

// telling is a log that tells of one message.
type telling struct {
	slog.Handler
	message string
	tell    func()
}

func (l telling) Enabled(context.Context, slog.Level) bool { return true }

func (l telling) Handle(_ context.Context, record slog.Record) error {
	if record.Message == l.message {
		l.tell()
	}
	return nil
}

func (l telling) WithGroup(string) slog.Handler { return l }

func (l telling) WithAttrs([]slog.Attr) slog.Handler { return l }
