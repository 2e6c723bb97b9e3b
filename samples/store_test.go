package samples

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unique"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	always = address("a1")
	late   = address("1a")
	liar   = address("11")
)

var errCorrupt = errors.New("corrupt")

// id is a session id of one letter.
func id(letter string) string { return strings.Repeat(letter, 64) }

// address is one of two repeated letters.
func address(letters string) string { return strings.Repeat(letters, 20) }

// memory is a store in memory. It notes whose rounds were read.
type memory struct {
	mu       sync.Mutex
	sessions []*types.QoSSession
	rounds   map[string][]*types.QoSRound
	// broken are sessions whose rounds cannot be read.
	broken map[string]error
	read   []string
	// unsearched: nobody knows in which rounds there are disagreements.
	unsearched bool
	// added counts the rounds that were read because they were not known.
	added int
	// paged counts the rounds that were read by pages.
	paged int
}

func newMemory() *memory {
	return &memory{rounds: make(map[string][]*types.QoSRound), broken: make(map[string]error)}
}

func (m *memory) Sessions(ctx context.Context) ([]*types.QoSSession, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.sessions), ctx.Err()
}

func (m *memory) Session(ctx context.Context, id string) (*types.QoSSession, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, session := range m.sessions {
		if session.GetHeader().GetId() == id {
			return session, ctx.Err()
		}
	}
	return nil, modules.ErrUnknownSession
}

// List has stamps of what is stored now, and of each session the rounds with a disagreement.
func (m *memory) List(ctx context.Context) ([]modules.ListedSession, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]modules.ListedSession, 0, len(m.sessions))
	for _, session := range m.sessions {
		listed := modules.ListedSession{Session: proto.CloneOf(session), Stamp: m.stamp(session), Searched: !m.unsearched}
		listed.Session.Servicers = nil
		for _, member := range session.GetServicers() {
			listed.Members = append(listed.Members, unique.Make(member.GetAddress()))
		}
		for _, round := range m.rounds[session.GetHeader().GetId()] {
			if slices.ContainsFunc(round.GetSamples(), func(s *types.QoSSample) bool { return s.GetConsistency() == types.Consistency_CONSISTENCY_DISAGREE }) && !m.unsearched {
				listed.Disputed = append(listed.Disputed, round.GetIndex())
			}
		}
		list = append(list, listed)
	}
	return list, ctx.Err()
}

func markOf(message proto.Message) modules.Mark {
	text, _ := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	return modules.Mark(crc32.ChecksumIEEE(text))
}

func (m *memory) stamp(session *types.QoSSession) modules.Stamp {
	stamp := modules.Stamp{Session: uint32(markOf(session))}
	for _, round := range m.rounds[session.GetHeader().GetId()] {
		stamp.Rounds++
		stamp.Sum += uint64(markOf(round))
	}
	return stamp
}

func (m *memory) Added(ctx context.Context, id string, count int, known func(uint32) (modules.Mark, bool)) (added modules.AddedRounds, err error) {
	session, err := m.Session(ctx, id)
	if err != nil {
		return added, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read = append(m.read, id)
	if err := cmp.Or(ctx.Err(), m.broken[id]); err != nil {
		return added, err
	}
	added = modules.AddedRounds{Session: proto.CloneOf(session), Stamp: m.stamp(session), Again: count == 0}
	matched := 0
	for _, round := range m.rounds[id] {
		if mark, is := known(round.GetIndex()); is && mark == markOf(round) {
			matched++
			continue
		}
		added.Rounds, added.Marks = append(added.Rounds, round), append(added.Marks, markOf(round))
	}
	if matched != count {
		added.Again, added.Rounds, added.Marks = true, slices.Clone(m.rounds[id]), nil
		for _, round := range added.Rounds {
			added.Marks = append(added.Marks, markOf(round))
		}
	}
	m.added += len(added.Rounds)
	return added, nil
}

func (m *memory) Outline(ctx context.Context, id string) ([]*types.QoSRound, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read = append(m.read, id)
	if err := cmp.Or(ctx.Err(), m.broken[id]); err != nil {
		return nil, err
	}
	return slices.Clone(m.rounds[id]), nil
}

func (m *memory) Page(ctx context.Context, id string, from uint32, limit int) ([]*types.QoSRound, int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), m.broken[id]); err != nil {
		return nil, 0, err
	}
	rounds := m.rounds[id]
	first, _ := slices.BinarySearchFunc(rounds, from, func(r *types.QoSRound, from uint32) int { return cmp.Compare(r.GetIndex(), from) })
	page := slices.Clone(rounds[first:min(first+limit, len(rounds))])
	m.paged += len(page)
	return page, len(rounds), nil
}

// put adds a round in its place.
func (m *memory) put(round *types.QoSRound) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rounds := append(m.rounds[round.GetSessionId()], round)
	slices.SortFunc(rounds, func(a, b *types.QoSRound) int { return cmp.Compare(a.GetIndex(), b.GetIndex()) })
	m.rounds[round.GetSessionId()] = rounds
}

// close adds a round in which every servicer answered, and closes the session.
func (m *memory) close(t *testing.T, letter string, servicers ...string) {
	t.Helper()
	session, err := m.Session(t.Context(), id(letter))
	if err != nil {
		t.Fatal(err)
	}
	session.Closed, session.JoinedHeight, session.JoinedUnixNano = true, session.GetHeader().GetStartHeight(), time.Now().UnixNano()
	round := &types.QoSRound{SessionId: id(letter), Status: types.RoundStatus_ROUND_STATUS_DONE}
	for _, servicer := range servicers {
		round.Samples = append(round.Samples, &types.QoSSample{Servicer: servicer, Outcome: types.Outcome_OUTCOME_OK,
			Consistency: types.Consistency_CONSISTENCY_AGREE, RoundTripTime: durationpb.New(1), ReusedConnection: true})
	}
	m.put(round)
}

// sampled is a store with three sessions, "a", "b" and "c", of which the last has another servicer.
func sampled() *memory {
	store := newMemory()
	for i, letter := range []string{"a", "b", "c"} {
		servicers := []*types.QoSServicer{{Address: always, ServiceUrl: "http://127.0.0.1:1"}}
		if letter == "c" {
			servicers = append(servicers, &types.QoSServicer{Address: late, ServiceUrl: "http://127.0.0.1:2"})
		}
		store.sessions = append(store.sessions, &types.QoSSession{
			Header: &types.SessionHeader{Id: id(letter), StartHeight: int64(10 * i), RelayChain: "0001", GeoZone: "local", Application: always}, Servicers: servicers,
			LatencySla: durationpb.New(1), ChecksPlanned: 1, Blocks: 10, JoinedHeight: 1,
		})
	}
	return store
}
