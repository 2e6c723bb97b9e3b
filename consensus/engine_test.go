package consensus

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const (
	testBlockTime = 50 * time.Millisecond
	// patience bounds every wait of these tests. CometBFT takes up to 3 s before it dials and some more to see that it is level; a
	// busy machine several times that.
	patience = 30 * time.Second
	pokt     = 1_000_000
	stake    = 20_000 * pokt
)

func testConfig(t *testing.T, home string) Config {
	return Config{Home: home, Genesis: testGenesis(t, "chain", stake), ValidatorKey: key(1), BlockTime: testBlockTime}
}

// runner runs an engine and receives its heads.
type runner struct {
	*Engine
	t      *testing.T
	heads  <-chan types.Head
	cancel context.CancelFunc
	ended  chan error
}

// start makes an engine and runs it.
func start(t *testing.T, cfg Config, state State) *runner {
	t.Helper()
	engine, err := New(cfg, state)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, engine)
}

func run(t *testing.T, engine *Engine) *runner {
	t.Helper()
	heads, unsubscribe := engine.Heads().Subscribe()
	ctx, cancel := context.WithCancel(t.Context())
	r := &runner{Engine: engine, t: t, heads: heads, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		defer unsubscribe()
		r.ended <- engine.Run(ctx)
	}()
	return r
}

// await receives heads until one satisfies the condition.
func (r *runner) await(what string, wish func(types.Head) bool) types.Head {
	r.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case head := <-r.heads:
			if wish(head) {
				return head
			}
		case err := <-r.ended:
			r.t.Fatalf("the engine ended before %s: %v", what, err)
		case <-timeout:
			r.t.Fatalf("no head within %s: %s", patience, what)
		}
	}
}

func (r *runner) awaitHeight(height int64) types.Head {
	r.t.Helper()
	return r.await("height reached", func(head types.Head) bool { return head.Height >= height })
}

// end waits for Run to return, without cancelling it.
func (r *runner) end() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(patience):
		r.t.Fatalf("the engine still runs after %s", patience)
		return nil
	}
}

// stop cancels Run.
func (r *runner) stop() {
	r.t.Helper()
	begin := time.Now()
	r.cancel()
	if err := r.end(); err != nil {
		r.t.Errorf("the engine ended with %v", err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		r.t.Errorf("the engine took %s to end", took)
	}
}

func TestEngineRestartContinues(t *testing.T) {
	t.Parallel()
	home, state := t.TempDir(), newMemoryState()
	first := start(t, testConfig(t, home), state)
	head := first.awaitHeight(3)
	if head.CatchingUp || len(head.BlockHash) != 32 {
		t.Errorf("witnessed head is %+v", head)
	}
	first.stop()
	reached := state.Version()

	second := start(t, testConfig(t, home), state)
	next := second.await("the first head", func(types.Head) bool { return true })
	if next.Height != reached+1 || next.CatchingUp || !next.Time.After(head.Time) {
		t.Errorf("after a restart at height %d the first head is %+v", reached, next)
	}
	second.awaitHeight(reached + 3)
	second.stop()
}

// The home, and the directories in it, may be the roots of disks.
func TestEngineStartsOnADisk(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for _, folder := range []string{"", "config", "data", "data/state.db", "data/blockstore.db", "data/cs.wal"} {
		if err := os.MkdirAll(filepath.Join(home, folder, "lost+found"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	state := newMemoryState()
	first := start(t, testConfig(t, home), state)
	first.awaitHeight(2)
	first.stop()
	second := start(t, testConfig(t, home), state)
	second.awaitHeight(3)
	second.stop()
}

// TestEngineReplaysIntoEmptyState: the blocks of a home give an empty state the hash that the lost one had, and heads
// that start nothing.
func TestEngineReplaysIntoEmptyState(t *testing.T) {
	t.Parallel()
	home, lost := t.TempDir(), newMemoryState()
	first := start(t, testConfig(t, home), lost)
	first.awaitHeight(5)
	first.stop()

	replayed := newMemoryState()
	engine, err := New(testConfig(t, home), replayed)
	if err != nil {
		t.Fatal(err)
	}
	if replayed.Version() != lost.Version() || !bytes.Equal(replayed.Hash(), lost.Hash()) {
		t.Errorf("replay gives height %d, hash %X; lost were height %d, hash %X",
			replayed.Version(), replayed.Hash(), lost.Version(), lost.Hash())
	}
	if head, ok := engine.Heads().Latest(); !ok || head.Height != lost.Version() || !head.CatchingUp {
		t.Errorf("latest head after replay is %+v, %v", head, ok)
	}
	second := run(t, engine)
	if head := second.await("the first head", func(types.Head) bool { return true }); head.CatchingUp || head.Height != lost.Version()+1 {
		t.Errorf("the first witnessed head is %+v", head)
	}
	second.stop()
}

// TestEngineRecoversFromCrash ends the chain around a state commit, and checks that the next start comes to the state
// that an undisturbed replay of the same blocks comes to.
func TestEngineRecoversFromCrash(t *testing.T) {
	t.Parallel()
	crash := errors.New("crash")
	tests := map[string]struct {
		height    int64
		committed bool
	}{
		"before the first state commit": {1, false},
		"after the first state commit":  {1, true},
		"before a state commit":         {3, false},
		"after a state commit":          {3, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home, state := t.TempDir(), newMemoryState()
			state.onCommit = func(version int64, commit func()) error {
				if version < test.height || test.committed {
					commit()
				}
				if version == test.height {
					return crash
				}
				return nil
			}
			crashed := start(t, testConfig(t, home), state)
			if err := crashed.end(); !errors.Is(err, crash) {
				t.Fatalf("the engine ended with %v, want the crash", err)
			}
			crashed.cancel()
			if err := state.Set([]byte("rubbish"), nil); err != nil {
				t.Fatal(err)
			}
			state.onCommit = nil

			recovered := start(t, testConfig(t, home), state)
			recovered.await("a witnessed head", func(head types.Head) bool { return !head.CatchingUp && head.Height > test.height })
			recovered.stop()
			replayed := newMemoryState()
			engine, err := New(testConfig(t, home), replayed)
			if err != nil {
				t.Fatal(err)
			}
			defer engine.Close()
			if !bytes.Equal(state.Hash(), replayed.Hash()) || state.Version() != replayed.Version() {
				t.Errorf("recovery came to height %d, hash %X; replay to height %d, hash %X",
					state.Version(), state.Hash(), replayed.Version(), replayed.Hash())
			}
		})
	}
}

// TestEngineEndsWithConsensus: CometBFT reports a panic in consensus only in its log.
func TestEngineEndsWithConsensus(t *testing.T) {
	t.Parallel()
	state := newMemoryState()
	state.onCommit = func(version int64, commit func()) error {
		if version == 2 {
			panic("cosmic ray")
		}
		commit()
		return nil
	}
	r := start(t, testConfig(t, t.TempDir()), state)
	err := r.end()
	r.cancel()
	if err == nil || !strings.Contains(err.Error(), "consensus failed: cosmic ray") {
		t.Errorf("the engine ended with %v", err)
	}
}

func TestEngineRefusesForeignHome(t *testing.T) {
	t.Parallel()
	home, state := t.TempDir(), newMemoryState()
	first := start(t, testConfig(t, home), state)
	first.awaitHeight(1)
	first.stop()
	reached := state.Version()

	tests := map[string]struct {
		change func(*Config)
		state  State
		home   string
	}{
		"other chain":           {func(c *Config) { c.Genesis = testGenesis(t, "other", stake) }, state, home},
		"other genesis":         {func(c *Config) { c.Genesis = testGenesis(t, "chain", stake+pokt) }, state, home},
		"state without a chain": {func(*Config) {}, state, t.TempDir()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t, test.home)
			test.change(&cfg)
			_, err := New(cfg, test.state)
			if !errors.Is(err, ErrForeignHome) {
				t.Errorf("error is %v, want ErrForeignHome", err)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is more than a line: %v", err)
			}
		})
	}

	again := start(t, testConfig(t, home), state)
	again.awaitHeight(reached + 1)
	again.stop()
}

// TestEngineRefusesContradictions: panics of CometBFT become errors of one line.
func TestEngineRefusesContradictions(t *testing.T) {
	t.Parallel()
	home, state := t.TempDir(), newMemoryState()
	first := start(t, testConfig(t, home), state)
	first.awaitHeight(2)
	first.stop()
	altered := newMemoryState()
	altered.version = state.version
	ahead := newMemoryState()
	ahead.version = state.version + 5
	tests := map[string]struct {
		state State
		want  string
	}{
		"altered":             {altered, "state.AppHash does not match AppHash after replay. Got"},
		"ahead of the blocks": {ahead, "is higher than core"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			engine, err := New(testConfig(t, home), test.state)
			if err == nil {
				engine.Close()
				t.Fatal("the state was taken")
			}
			if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), home) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %q", err)
			}
		})
	}
	// The databases were closed, and nothing changed.
	again := start(t, testConfig(t, home), state)
	again.awaitHeight(state.Version() + 1)
	again.stop()
}

func TestEngineNeedsLastSignState(t *testing.T) {
	t.Parallel()
	home, state := t.TempDir(), newMemoryState()
	first := start(t, testConfig(t, home), state)
	first.awaitHeight(1)
	first.stop()
	if err := os.Remove(filepath.Join(home, "data", "priv_validator_state.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := New(testConfig(t, home), state); err == nil || !strings.Contains(err.Error(), "priv_validator_state.json is missing") {
		t.Errorf("error is %v", err)
	}
}

func TestEngineWritesNoPrivateKey(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	r := start(t, testConfig(t, home), newMemoryState())
	r.awaitHeight(3)
	r.stop()
	var secrets [][]byte
	named := testConfig(t, home).peerKey().PrivKey.Bytes()
	for _, secret := range [][]byte{key(1).Bytes()[:32], key(1).Bytes(), named, named[:32]} {
		// Three bytes at a time are four characters, so 30 bytes encode the same whatever follows them.
		secrets = append(secrets, secret, []byte(hex.EncodeToString(secret)), []byte(strings.ToUpper(hex.EncodeToString(secret))),
			[]byte(base64.StdEncoding.EncodeToString(secret[:30])))
	}
	files := 0
	err := filepath.WalkDir(home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		for _, secret := range secrets {
			if bytes.Contains(content, secret) {
				t.Errorf("%s holds a private key", path)
			}
		}
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("read %d files: %v", files, err)
	}
}

// TestEngineLeavesNothing checks goroutines and databases. CometBFT itself leaves, for every engine that ran, the two
// goroutines of its write-ahead log's file, and goleveldb drains its pool for up to a second. It does not run beside
// other tests, whose goroutines it would see.
func TestEngineLeavesNothing(t *testing.T) {
	left := []goleak.Option{
		goleak.IgnoreCurrent(),
		goleak.IgnoreTopFunction("github.com/cometbft/cometbft/libs/autofile.OpenAutoFile.func1"),
		goleak.IgnoreTopFunction("github.com/cometbft/cometbft/libs/autofile.(*AutoFile).closeFileRoutine"),
		goleak.IgnoreTopFunction("github.com/syndtr/goleveldb/leveldb.(*DB).mpoolDrain"),
		goleak.IgnoreTopFunction("os/signal.loop"),
	}
	home, state := t.TempDir(), newMemoryState()
	t.Run("run", func(t *testing.T) {
		r := start(t, testConfig(t, home), state)
		r.awaitHeight(2)
		r.stop()
		goleak.VerifyNone(t, left...)
	})
	t.Run("closed without running", func(t *testing.T) {
		engine, err := New(testConfig(t, home), state)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(engine.Close(), engine.Close()); err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t, left...)
	})
	t.Run("genesis time never came", func(t *testing.T) {
		cfg := testConfig(t, t.TempDir())
		cfg.Genesis.GenesisTime = timestamppb.New(time.Now().Add(time.Hour))
		r := start(t, cfg, newMemoryState())
		r.stop()
		if head, ok := r.Heads().Latest(); ok {
			t.Errorf("a block was made before the genesis time: %+v", head)
		}
		goleak.VerifyNone(t, left...)
	})
}

func TestEngineRunsOnce(t *testing.T) {
	t.Parallel()
	cfg, state := testConfig(t, t.TempDir()), newMemoryState()
	r := start(t, cfg, state)
	r.awaitHeight(1)
	if err := r.Run(t.Context()); err == nil {
		t.Error("the engine ran twice at once")
	}
	if _, err := New(cfg, newMemoryState()); err == nil || !strings.Contains(err.Error(), "state.db") {
		t.Errorf("a second engine on the home: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("close while running: %v", err)
	}
	r.awaitHeight(state.Version() + 1)
	r.stop()
	if err := r.Run(t.Context()); err == nil {
		t.Error("the engine ran twice")
	}

	engine, err := New(cfg, state)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
	if err := engine.Run(t.Context()); err == nil {
		t.Error("the engine ran after it was closed")
	}
}

func TestEngineRunWithEndedContext(t *testing.T) {
	t.Parallel()
	engine, err := New(testConfig(t, t.TempDir()), newMemoryState())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := engine.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(*Config)
		want   string
	}{
		"no home":       {func(c *Config) { c.Home = "" }, "home directory is not set"},
		"no genesis":    {func(c *Config) { c.Genesis = nil }, "genesis is not set"},
		"no key":        {func(c *Config) { c.ValidatorKey = crypto.PrivateKey{} }, "neither validator key nor node key is set"},
		"no block time": {func(c *Config) { c.BlockTime = 0 }, "block time is 0s; it may be 10ms to 1h0m0s"},
		"long block":    {func(c *Config) { c.BlockTime = 2 * time.Hour }, "block time is 2h0m0s"},
		"home is file":  {func(c *Config) { c.Home = file }, "make directory"},
		"bad genesis":   {func(c *Config) { c.Genesis.ChainId = "" }, "chain_id"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t, t.TempDir())
			test.change(&cfg)
			engine, err := New(cfg, newMemoryState())
			if err == nil {
				engine.Close()
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %q, want one with %q", err, test.want)
			}
		})
	}
}
