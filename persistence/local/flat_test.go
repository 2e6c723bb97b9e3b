package local

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"google.golang.org/protobuf/types/known/durationpb"
)

// samplesVariable says how many samples TestMemoryIsFlat stores, 36000 by default.
const samplesVariable = "POCKET_TEST_SAMPLES"

// What the fisherman of TestMemoryIsFlat does: sessions of ten checks, 24 servicers each.
const (
	flatChecks, flatServicers = 10, 24
	// flatGrowth bounds by how much the heap may grow, in bytes, from a tenth of the samples to all of them: less than what
	// the records of all samples take.
	flatGrowth = 3 << 20
)

// fullRound is a round of the nth session with as many samples, of common sizes, as a round of 24 servicers has.
func fullRound(n int, index uint32) *types.QoSRound {
	round := &types.QoSRound{SessionId: idOf(n), Index: index, Status: types.RoundStatus_ROUND_STATUS_DONE, Skew: durationpb.New(150_000),
		PlannedUnixNano: 1_700_000_000_000_000_000 + int64(n), ReleasedUnixNano: 1_700_000_000_000_000_000 + int64(index), Question: "block height=12"}
	for place := range flatServicers {
		digest := sha256.Sum256(fmt.Append(nil, n, index, place))
		round.Samples = append(round.Samples, &types.QoSSample{
			Servicer: fmt.Sprintf("%040x", place), ServiceUrl: fmt.Sprintf("https://servicer-%d.example:4443", place),
			Outcome: types.Outcome_OUTCOME_OK, Consistency: types.Consistency_CONSISTENCY_AGREE, SentUnixNano: round.ReleasedUnixNano + int64(place),
			RoundTripTime: durationpb.New(time.Duration(digest[0]) * time.Millisecond), TimeToFirstByte: durationpb.New(time.Duration(digest[0]) * time.Microsecond),
			ReusedConnection: true, AnswerDigest: digest[:],
		})
	}
	return round
}

// readReport reads what a report is made of, as it is made: one session at a time. It returns the number of samples.
func readReport(t *testing.T, s *Samples) (samples int) {
	t.Helper()
	sessions, err := s.Sessions(context.Background())
	must(t, err)
	for _, session := range sessions {
		rounds, err := s.Rounds(context.Background(), session.GetHeader().GetId())
		must(t, err)
		for _, round := range rounds {
			samples += len(round.GetSamples())
		}
	}
	return samples
}

// heapInUse is what the heap takes once what is not needed was collected.
func heapInUse() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse)
}

// However many samples a fisherman stores and prunes, its memory stays as it was.
func TestMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and the race detector has nothing to find in it")
	}
	total, retained, options := 36_000, 10, DefaultOptions()
	options.memTable = 256 << 10 // else they and the cache grow all the while that so few samples take
	if told := os.Getenv(samplesVariable); told != "" {
		var err error
		if total, err = strconv.Atoi(told); err != nil || total < 36_000 {
			t.Fatalf("%s is %q, not a number of samples from 36000", samplesVariable, told)
		}
		retained, options = 10_000, DefaultOptions()
	}
	ctx, started := t.Context(), time.Now()
	s, err := openSamples(filepath.Join(t.TempDir(), "samples"), options, vfs.Default, time.Now)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	sessions := (total + flatChecks*flatServicers - 1) / (flatChecks * flatServicers)
	var early, largest int64
	for n := range sessions {
		session := sessionOf(n)
		must(t, s.PutSession(ctx, session))
		for index := range uint32(flatChecks) {
			must(t, s.PutRound(ctx, fullRound(n, index)))
		}
		session.Closed = true
		must(t, s.PutSession(ctx, session))
		_, err := s.Prune(ctx, retained)
		must(t, err)
		if n%max(sessions/10, 1) == sessions/10-1 {
			read := readReport(t, s)
			heap := heapInUse()
			if n < sessions/10 {
				early = heap
			}
			largest = max(largest, heap)
			t.Logf("%7d samples: heap %5.1f MiB, %d samples retained, %v", (n+1)*flatChecks*flatServicers, float64(heap)/(1<<20), read,
				time.Since(started).Round(time.Millisecond))
		}
	}
	if growth := heapInUse() - early; growth > flatGrowth || largest-early > flatGrowth {
		t.Errorf("the heap grew by %d bytes, by %d at most; %d are allowed", growth, largest-early, flatGrowth)
	}
	if health := s.Health(); health.Disk.Sessions != min(sessions, retained) || !health.Durable {
		t.Errorf("got health %+v", health)
	}
}
