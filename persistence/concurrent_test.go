package persistence

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// While versions are committed and pruned, others are read and exported: each read gives the version whole or says which
// there are, and a pinned version is exported whole.
func TestReadsAndExportsBesidePruning(t *testing.T) {
	t.Parallel()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 200 {
		if err := s.Set(fmt.Appendf(nil, "account/%03d", i), []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var beside sync.WaitGroup
	for worker := range 2 {
		beside.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			for {
				select {
				case <-ended:
					return
				default:
				}
				if worker == 0 {
					readOne(t, s, max(s.Version()-random.Int64N(12), 1))
				} else {
					exportOne(t, s, max(s.Version()-random.Int64N(12), 1))
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(9, 9))
	for range 150 {
		for range 5 {
			if err := s.Set(fmt.Appendf(nil, "account/%03d", random.IntN(200)), fmt.Append(nil, random.Uint64())); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := s.Prune(s.Version()-9, 20); err != nil {
			t.Fatal(err)
		}
	}
	close(ended)
	beside.Wait()
}

func readOne(t *testing.T, s *StateStore, version int64) {
	var gone *modules.HeightNotKept
	state, err := s.At(version)
	if errors.As(err, &gone) {
		return
	}
	if err != nil {
		t.Errorf("version %d: %v", version, err)
		return
	}
	entries := 0
	err = state.Iterate([]byte("account/"), func(_, _ []byte) bool { entries++; return false })
	if err != nil && !errors.As(err, &gone) || err == nil && entries != 200 {
		t.Errorf("version %d: %d entries, %v", version, entries, err)
	}
}

func exportOne(t *testing.T, s *StateStore, version int64) {
	var gone *modules.HeightNotKept
	release, err := s.Pin(version)
	if errors.As(err, &gone) {
		return
	}
	if err != nil {
		t.Errorf("pin version %d: %v", version, err)
		return
	}
	defer release()
	leaves := 0
	writer := snapshot.NewWriter(func(chunk []byte) error {
		return snapshot.Read(chunk, version, func(node snapshot.Node) error {
			if node.Height == 0 {
				leaves++
			}
			return nil
		})
	})
	if err := errors.Join(s.Export(t.Context(), version, writer.Add), writer.Close()); err != nil || leaves != 200 {
		t.Errorf("export version %d: %d leaves, %v", version, leaves, err)
	}
}
