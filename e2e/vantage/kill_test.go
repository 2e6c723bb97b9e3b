package vantage

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/persistence/local"
)

// killsVariable says how many processes TestKills kills; 6 without it.
const killsVariable = "POCKET_TEST_KILLS"

// stored is what a store has: the bytes of each round, by session and index.
type stored map[string][]byte

// readStore reads the store of a process that does not run.
func readStore(t *testing.T, directory string) stored {
	t.Helper()
	store, err := local.Open(directory, local.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	sessions, err := store.Sessions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := make(stored)
	for _, session := range sessions {
		id := session.GetHeader().GetId()
		rounds, err := store.Rounds(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, round := range rounds {
			encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(round)
			if err != nil {
				t.Fatal(err)
			}
			found[fmt.Sprintf("%s/%d", id, round.GetIndex())] = encoded
		}
	}
	return found
}

// TestKills kills the stream's leader, fishermen and the collector at random moments. In the end the collector has each round
// that a fisherman has stored, and no other.
func TestKills(t *testing.T) {
	t.Parallel()
	kills := 6
	if given, err := strconv.Atoi(os.Getenv(killsVariable)); err == nil {
		kills = given
	}
	host := ownHost(t)
	nats := newCluster(t, host)
	node := newNode(t)
	targets := make(map[string]string)
	for _, name := range []string{"a", "b", "c"} {
		targets[name] = newTarget(t, "127.0.0.1:0", node)
	}
	var fishermen []*fisherman
	for _, place := range []string{"frankfurt", "tokyo", "virginia"} {
		fishermen = append(fishermen, newFisherman(t, place, nats, options{host: host, group: group(targets)}))
	}
	merged := newCollector(t, host, nats, fishermen...)
	eventually(t, "the stream is led", func(ctx context.Context) error { _, err := nats.leader(ctx); return err })
	killed := map[string]int{}
	for range kills {
		victim := merged.process
		switch rand.IntN(3) {
		case 0:
			eventually(t, "the stream is led", func(ctx context.Context) (err error) { victim, err = nats.leader(ctx); return err })
		case 1:
			victim = fishermen[rand.IntN(len(fishermen))].process
		}
		pause(t, time.Duration(rand.IntN(1500))*time.Millisecond)
		victim.kill()
		pause(t, time.Duration(rand.IntN(500))*time.Millisecond)
		victim.start(t)
		killed[victim.name]++
	}
	t.Logf("killed: %v", killed)
	nats.whole(t)
	for _, f := range fishermen {
		f.stop(t)
	}
	want := make(map[string]stored)
	for _, f := range fishermen {
		f.publish(t)
		want[f.place] = readStore(t, f.samples())
	}
	merged.take(t, nats)
	merged.stop(t)
	total := 0
	for _, f := range fishermen {
		got := readStore(t, merged.samples(f))
		total += len(got)
		if !maps.EqualFunc(got, want[f.place], bytes.Equal) {
			t.Errorf("%s stored %d rounds, the collector has %d of it; missing %v, foreign %v", f.place, len(want[f.place]), len(got),
				without(want[f.place], got), without(got, want[f.place]))
		}
	}
	t.Logf("%d rounds", total)
	if total == 0 {
		t.Error("nothing was sampled")
	}
}

// without returns the rounds of one store that another lacks, a few of them.
func without(one, other stored) []string {
	var missing []string
	for id := range one {
		if _, has := other[id]; !has {
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	return missing[:min(len(missing), 5)]
}

// pause lets some time pass, in which processes do what they do.
func pause(t *testing.T, how time.Duration) {
	t.Helper()
	select {
	case <-time.After(how):
	case <-t.Context().Done():
	}
}
