package utility_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/utility"
)

// memory is a store in a map. It records the order in which keys were set.
type memory struct {
	entries map[string][]byte
	sets    []string
}

func newMemory() *memory { return &memory{entries: make(map[string][]byte)} }

func (m *memory) Get(key []byte) ([]byte, error) { return bytes.Clone(m.entries[string(key)]), nil }

func (m *memory) Iterate(prefix []byte, visit func(key, value []byte) (stop bool)) error {
	for _, key := range slices.Sorted(maps.Keys(m.entries)) {
		if strings.HasPrefix(key, string(prefix)) && visit([]byte(key), bytes.Clone(m.entries[key])) {
			break
		}
	}
	return nil
}

func (m *memory) Set(key, value []byte) error {
	m.entries[string(key)] = bytes.Clone(value)
	m.sets = append(m.sets, string(key))
	return nil
}

func (m *memory) Delete(key []byte) error {
	delete(m.entries, string(key))
	return nil
}

// snapshot returns a copy that later changes do not reach.
func (m *memory) snapshot() *memory { return &memory{entries: maps.Clone(m.entries)} }

var errDisk = errors.New("disk is gone")

// broken fails on everything.
type broken struct{}

func (broken) Get([]byte) ([]byte, error)                   { return nil, errDisk }
func (broken) Iterate([]byte, func(_, _ []byte) bool) error { return errDisk }
func (broken) Set(_, _ []byte) error                        { return errDisk }
func (broken) Delete([]byte) error                          { return errDisk }

// corrupt holds a value that is not a message under every key.
type corrupt struct{ broken }

func (corrupt) Get([]byte) ([]byte, error) { return []byte{0xff}, nil }
func (corrupt) Iterate(prefix []byte, visit func(key, value []byte) bool) error {
	visit(prefix, []byte{0xff})
	return nil
}

// chain is a state with its committed versions: versions[h-1] is the state after block h.
type chain struct {
	working  *memory
	versions []*memory
	// oldest is the oldest version that is kept; 0 for all.
	oldest int64
}

// newChain starts a chain and commits blocks.
func newChain(t testing.TB, g *genesis.Genesis, blocks int) *chain {
	t.Helper()
	c := &chain{working: newMemory()}
	if err := utility.InitGenesis(c.working, g); err != nil {
		t.Fatal(err)
	}
	for range blocks {
		c.commit(t)
	}
	return c
}

func (c *chain) commit(t testing.TB) {
	t.Helper()
	height := int64(len(c.versions) + 1)
	if err := utility.EndBlock(c.working, height, blockHash(height)); err != nil {
		t.Fatal(err)
	}
	c.versions = append(c.versions, c.working.snapshot())
}

func (c *chain) Latest() int64 { return int64(len(c.versions)) }

func (c *chain) Oldest() int64 { return max(c.oldest, min(c.Latest(), 1)) }

func (c *chain) At(height int64) (utility.Reader, error) {
	if height < 1 || height > c.Latest() {
		return nil, modules.ErrHeightUnavailable
	}
	if height < c.oldest {
		return nil, &modules.HeightNotKept{Height: height, Oldest: c.oldest, Newest: c.Latest()}
	}
	return c.versions[height-1], nil
}

// blockHash returns the hash of the test chain's block.
func blockHash(height int64) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "block %d", height))
	return sum[:]
}

// key returns the key of the actor at index i of the test's genesis.
func key(i byte) crypto.PrivateKey { return crypto.KeyFromSeed([32]byte{i}) }

// network returns a genesis of: application 0, servicers 1 to 4, fishermen 5 and 6, validator 7. Keys 0 to 9 have
// accounts, 8 owns the parameters, 9 may stake as fisherman.
func network() *genesis.Genesis {
	actor := func(i byte, actorType types.ActorType) *types.Actor {
		return &types.Actor{Type: actorType, Address: key(i).Address(), PublicKey: key(i).PublicKeyHex(),
			Chains: []string{"0001", "00FF"}, GeoZone: "eu", StakeUpokt: 20_000_000_000 + uint64(i)}
	}
	g := &genesis.Genesis{ChainId: "test-1", GenesisTime: timestamppb.New(time.Unix(1_800_000_000, 0)),
		Params: genesis.DefaultParams()}
	g.Actors = append(g.Actors, actor(0, types.ActorType_ACTOR_TYPE_APPLICATION))
	for i := byte(1); i <= 4; i++ {
		g.Actors = append(g.Actors, actor(i, types.ActorType_ACTOR_TYPE_SERVICER))
		g.Actors[i].ServiceUrl = fmt.Sprintf("http://servicer-%d.example", i)
	}
	g.Actors = append(g.Actors, actor(5, types.ActorType_ACTOR_TYPE_FISHERMAN),
		actor(6, types.ActorType_ACTOR_TYPE_FISHERMAN), actor(7, types.ActorType_ACTOR_TYPE_VALIDATOR))
	g.Actors[7].Chains, g.Actors[7].GeoZone = nil, ""
	for i := range byte(10) {
		g.Accounts = append(g.Accounts, &types.Account{Address: key(i).Address(), BalanceUpokt: 100_000_000_000})
	}
	owner := key(8).Address()
	g.Params.Governance = &genesis.GovernanceParams{SessionOwner: owner, StakeOwner: owner, QosOwner: owner,
		FeeOwner: owner, GovernanceOwner: owner, FishermanAccessList: []string{key(9).Address()}}
	return g
}
