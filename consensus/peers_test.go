package consensus

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// startPeer runs an engine that takes its peers at the port.
func startPeer(t *testing.T, cfg Config, state State, port int) *runner {
	t.Helper()
	config, err := cfg.cometConfig()
	if err != nil {
		t.Fatal(err)
	}
	config.P2P.ListenAddress = fmt.Sprintf("tcp://127.0.0.1:%d", port)
	engine, err := newEngine(cfg, config, state)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, engine)
}

// connect dials the peer at the port. Peers that are configured are dialled by CometBFT only after up to 3 seconds.
func (r *runner) connect(key crypto.PrivateKey, port int) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !r.signs.witnessing.Load() && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	address, err := p2p.NewNetAddressString(fmt.Sprintf("%s@127.0.0.1:%d", nodeKey(key).ID(), port))
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.node.Switch().(*p2p.Switch).DialPeerWithAddress(address); err != nil {
		r.t.Fatal(err)
	}
}

// freePort is a port of loopback that nobody listened at a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// TestEngineJoinsLate: of two validators the small one joins a chain that runs already. The heads that it fetches are
// marked, those that it then takes part in are not, both come to the same state, and no port is left behind.
func TestEngineJoinsLate(t *testing.T) {
	t.Parallel()
	// The small one proposes so seldom that waiting for it does not slow the test down.
	g := testGenesis(t, "pair", 1_000_000*pokt, 20_000*pokt)
	config := func(number byte) Config {
		return Config{Home: t.TempDir(), Genesis: g, ValidatorKey: key(number), BlockTime: testBlockTime}
	}
	port, early := freePort(t), newMemoryState()
	big := startPeer(t, config(1), early, port)
	if head := big.awaitHeight(8); head.CatchingUp {
		t.Errorf("the validator that makes the blocks witnesses %+v", head)
	}

	late := newMemoryState()
	small := startPeer(t, config(2), late, freePort(t))
	small.connect(key(1), port)
	fetched := small.await("a fetched head", func(head types.Head) bool { return head.CatchingUp && head.Height >= 5 })
	joined := small.await("a witnessed head", func(head types.Head) bool { return !head.CatchingUp })
	if joined.Height <= fetched.Height {
		t.Errorf("height %d was witnessed after height %d was fetched", joined.Height, fetched.Height)
	}
	small.awaitHeight(joined.Height + 2)
	big.awaitHeight(joined.Height)
	small.stop()
	big.stop()
	compareAt(t, min(early.Version(), late.Version()), early, late)

	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatalf("the engine left its port: %v", err)
	}
	listener.Close()
}

// compareAt compares two states by what they recorded of a height that both have passed.
func compareAt(t *testing.T, height int64, a, b *memoryState) {
	t.Helper()
	prefix := []byte("block-hash/")
	recorded := func(state *memoryState) (hashes [][]byte) {
		err := state.Iterate(prefix, func(_, value []byte) bool {
			hashes = append(hashes, value)
			return int64(len(hashes)) == height
		})
		if err != nil {
			t.Fatal(err)
		}
		return hashes
	}
	one, other := recorded(a), recorded(b)
	if int64(len(one)) != height || !bytes.Equal(bytes.Join(one, nil), bytes.Join(other, nil)) {
		t.Errorf("the states disagree about the blocks up to height %d", height)
	}
}
