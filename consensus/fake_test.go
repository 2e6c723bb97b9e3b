package consensus

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// memoryState is a State in memory. What is committed outlives an engine, as a disk would.
type memoryState struct {
	mu        sync.Mutex
	committed map[string][]byte
	working   map[string][]byte
	version   int64
	// onCommit, if set, simulates a crash: it is called with the version to commit and the function that commits it.
	onCommit func(version int64, commit func()) error
}

func newMemoryState() *memoryState { return &memoryState{} }

func (s *memoryState) Get(key []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.working[string(key)], nil
}

func (s *memoryState) Iterate(prefix []byte, visit func(key, value []byte) bool) error {
	s.mu.Lock()
	snapshot := maps.Clone(s.working)
	s.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(snapshot)) {
		if strings.HasPrefix(key, string(prefix)) && visit([]byte(key), snapshot[key]) {
			break
		}
	}
	return nil
}

func (s *memoryState) Set(key, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working == nil {
		s.working = make(map[string][]byte)
	}
	s.working[string(key)] = bytes.Clone(value)
	return nil
}

func (s *memoryState) Delete(key []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.working, string(key))
	return nil
}

func (s *memoryState) Version() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

func (s *memoryState) Hash() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return hashOf(s.committed)
}

func (s *memoryState) WorkingHash() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return hashOf(s.working)
}

func (s *memoryState) Commit() (int64, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	commit := func() {
		s.version++
		s.committed = maps.Clone(s.working)
	}
	if s.onCommit == nil {
		commit()
	} else if err := s.onCommit(s.version+1, commit); err != nil {
		return 0, nil, err
	}
	return s.version, hashOf(s.committed), nil
}

func (s *memoryState) Rollback() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working = maps.Clone(s.committed)
}

// hashOf is SHA-256 over the length-prefixed pairs in order of their keys.
func hashOf(pairs map[string][]byte) []byte {
	digest := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		for _, field := range [][]byte{[]byte(key), pairs[key]} {
			digest.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
			digest.Write(field)
		}
	}
	return digest.Sum(nil)
}

// key returns a validator key of the tests; equal numbers give equal keys.
func key(number byte) crypto.PrivateKey { return crypto.KeyFromSeed([32]byte{number}) }

// testGenesis returns a genesis whose validators are keys 1, 2, … with the given stakes. Keys 0 to 9 have accounts.
func testGenesis(t testing.TB, chainID string, stakes ...uint64) *genesis.Genesis {
	t.Helper()
	g := &genesis.Genesis{
		ChainId:     chainID,
		GenesisTime: timestamppb.New(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)),
		Params:      genesis.DefaultParams(),
	}
	// Every block starts a session, so every block changes the state.
	g.Params.Session.BlocksPerSession = 1
	for i, stake := range stakes {
		validator := key(byte(i + 1))
		g.Actors = append(g.Actors, &types.Actor{
			Type:       types.ActorType_ACTOR_TYPE_VALIDATOR,
			Address:    validator.Address(),
			PublicKey:  validator.PublicKeyHex(),
			StakeUpokt: stake,
		})
	}
	for number := range byte(10) {
		g.Accounts = append(g.Accounts, &types.Account{Address: key(number).Address(), BalanceUpokt: 100_000 * pokt})
	}
	if err := g.Validate(); err != nil {
		t.Fatal(fmt.Errorf("genesis of the test: %w", err))
	}
	return g
}
