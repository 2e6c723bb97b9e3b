package local

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// TestMain also runs the writer that TestKilledWriter starts and kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDirectory); dir != "" {
		os.Exit(runWriter(dir))
	}
	goleak.VerifyTestMain(m)
}

// smallTables let a few large rounds fill memtables, so that logs are rotated and tables written.
func smallTables() Options {
	options := DefaultOptions()
	options.memTable = 64 << 10
	return options
}

// largeEvidence makes a round about a quarter of a small memtable.
const largeEvidence = 15_000

// idOf is the id of the nth session.
func idOf(n int) string { return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, "session ", n))) }

// sessionOf is the nth session; it starts at height 10n.
func sessionOf(n int) *types.QoSSession {
	return &types.QoSSession{
		Header: &types.SessionHeader{Id: idOf(n), StartHeight: int64(10 * n), RelayChain: "0001", GeoZone: "local"},
		Blocks: 10, ChecksPlanned: 1000, JoinedHeight: int64(10 * n), JoinedUnixNano: int64(n),
	}
}

// evidences are the envelopes of roundOf, which are costly to make.
var evidences sync.Map

// roundOf is a round of the nth session with some bytes of evidence. Equal arguments give equal rounds, and the bytes do
// not compress. Rounds share them, so they are not to be changed.
func roundOf(n int, index uint32, evidence int) *types.QoSRound {
	name := fmt.Sprint("evidence ", n, index, evidence)
	envelope, known := evidences.Load(name)
	if !known {
		random := make([]byte, evidence)
		_, _ = rand.NewChaCha8(sha256.Sum256([]byte(name))).Read(random)
		envelope, _ = evidences.LoadOrStore(name, random)
	}
	return &types.QoSRound{
		SessionId: idOf(n), Index: index, Status: types.RoundStatus_ROUND_STATUS_DONE,
		Skew: durationpb.New(time.Duration(index) * time.Microsecond),
		Samples: []*types.QoSSample{{
			Servicer: fmt.Sprintf("%040x", index), Outcome: types.Outcome_OUTCOME_OK, ResponseEnvelope: envelope.([]byte),
		}},
	}
}

func openIn(t testing.TB, dir string, options Options, files vfs.FS) *Store {
	t.Helper()
	s, err := open(dir, options, files)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// openMemory opens a store in memory.
func openMemory(t testing.TB, options Options) *Store {
	return openIn(t, "store", options, vfs.NewMem())
}

// overwrite puts a record into a store's database, for reads to find, without the store knowing.
func overwrite(t testing.TB, s *Store, key, record []byte) {
	t.Helper()
	must(t, s.db.Set(key, record, pebble.Sync))
	must(t, s.db.durable.Close())
	s.db.durable = s.db.NewSnapshot()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// wantRounds checks that exactly the given indices of the nth session are stored, intact.
func wantRounds(t testing.TB, s *Store, n, evidence int, indices ...uint32) {
	t.Helper()
	rounds, err := s.Rounds(context.Background(), idOf(n))
	must(t, err)
	var got []uint32
	for _, round := range rounds {
		got = append(got, round.GetIndex())
		if !proto.Equal(round, roundOf(n, round.GetIndex(), evidence)) {
			t.Fatalf("round %d of session %d is not what was stored", round.GetIndex(), n)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(indices) {
		t.Fatalf("session %d has rounds %v, want %v", n, got, indices)
	}
}

// wantSessions checks which sessions are stored, oldest first.
func wantSessions(t testing.TB, s *Store, ns ...int) {
	t.Helper()
	sessions, err := s.Sessions(context.Background())
	must(t, err)
	if len(sessions) != len(ns) {
		t.Fatalf("%d sessions are stored, want %v", len(sessions), ns)
	}
	for i, n := range ns {
		if !proto.Equal(sessions[i], sessionOf(n)) {
			t.Fatalf("place %d holds %v, want session %d", i, sessions[i], n)
		}
	}
}

// upTo are the indices below n.
func upTo(n int) []uint32 {
	var indices []uint32
	for index := range n {
		indices = append(indices, uint32(index))
	}
	return indices
}

// contents are the files of a directory by name.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	must(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	}))
	return files
}
