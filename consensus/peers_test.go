package consensus

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/localnet/port"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// peer returns the name by which others configure the node of the key at the port.
func peer(key crypto.PrivateKey, port int) string {
	return fmt.Sprintf("%s@127.0.0.1:%d", Config{ValidatorKey: key}.peerKey().ID(), port)
}

// freePort returns a loopback port that nothing listens at and no outgoing connection gets.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := port.Listen(t.Context(), "127.0.0.1:0")
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
	port, early := freePort(t), newMemoryState()
	config := func(number byte) Config {
		return Config{Home: t.TempDir(), Genesis: g, ValidatorKey: key(number), BlockTime: testBlockTime}
	}
	listening := config(1)
	listening.Listen = fmt.Sprintf("127.0.0.1:%d", port)
	big := start(t, listening, early)
	if head := big.awaitHeight(8); head.CatchingUp {
		t.Errorf("the validator that makes the blocks witnesses %+v", head)
	}

	late := newMemoryState()
	joining := config(2)
	joining.Peers = []string{peer(key(1), port)}
	small := start(t, joining, late)
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

// TestEngineFollows: a node without a validator key catches up and follows, even if a validator's key was used before,
// and with only a node key.
func TestEngineFollows(t *testing.T) {
	t.Parallel()
	port, early := freePort(t), newMemoryState()
	config := testConfig(t, t.TempDir())
	config.NodeKey, config.Listen = key(9), fmt.Sprintf("127.0.0.1:%d", port)
	validator := start(t, config, early)
	validator.awaitHeight(5)

	followed := newMemoryState()
	following := Config{Home: t.TempDir(), Genesis: config.Genesis, NodeKey: key(8), BlockTime: testBlockTime,
		Peers: []string{fmt.Sprintf("%s@127.0.0.1:%d", NodeID(key(9)), port)}}
	for range 2 { // the second time with its data on disk
		follower := start(t, following, followed)
		joined := follower.await("a witnessed head", func(head types.Head) bool { return !head.CatchingUp })
		follower.awaitHeight(joined.Height + 2)
		follower.stop()
	}
	validator.stop()
	compareAt(t, min(early.Version(), followed.Version()), early, followed)
}

// TestEngineDialsNames: a peer's host name that does not resolve at first, then resolves to the wrong address, then to
// the peer, is looked up again for each dial, also after the peer has moved.
func TestEngineDialsNames(t *testing.T) {
	t.Parallel()
	port, state := freePort(t), newMemoryState()
	config := testConfig(t, t.TempDir())
	config.BlockTime = 4 * testBlockTime // so that a follower that begins late has little to catch up
	config.NodeKey, config.Listen = key(9), fmt.Sprintf("127.0.0.1:%d", port)
	validator := start(t, config, state)

	following := Config{Home: t.TempDir(), Genesis: config.Genesis, NodeKey: key(8), BlockTime: config.BlockTime,
		Peers: []string{fmt.Sprintf("%s@validator-0.validator:%d", NodeID(key(9)), port)}}
	engine, err := New(following, newMemoryState())
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	var address atomic.Value
	address.Store("127.0.0.1")
	engine.redialer.pause = 20 * time.Millisecond
	engine.redialer.lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
		if host != "validator-0.validator" {
			t.Errorf("looked up %q", host)
		}
		switch asked.Add(1) {
		case 1:
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		case 2:
			return []netip.Addr{netip.MustParseAddr("127.0.0.77")}, nil
		}
		return []netip.Addr{netip.MustParseAddr(address.Load().(string))}, nil
	}
	follower := run(t, engine)
	follower.await("a witnessed head", func(head types.Head) bool { return !head.CatchingUp })
	validator.stop()

	if runtime.GOOS == "linux" { // elsewhere loopback is one address, and the peer comes back where it was
		address.Store("127.0.0.78")
		config.Listen = fmt.Sprintf("127.0.0.78:%d", port)
	}
	again := start(t, config, state)
	follower.awaitHeight(again.awaitHeight(state.Version() + 2).Height)
	follower.stop()
	again.stop()
}

func TestPeersAreChecked(t *testing.T) {
	t.Parallel()
	for name, peer := range map[string]string{
		"no id":    "127.0.0.1:26656",
		"two":      peer(key(1), 1) + "," + peer(key(2), 2),
		"short id": "abcd@127.0.0.1:26656",
		"no port":  NodeID(key(1)) + "@127.0.0.1",
	} {
		t.Run(name, func(t *testing.T) {
			config := testConfig(t, t.TempDir())
			config.Peers = []string{peer}
			if engine, err := New(config, newMemoryState()); err == nil {
				engine.Close()
				t.Errorf("peer %q was taken", peer)
			}
		})
	}
}
