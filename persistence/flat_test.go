package persistence

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	cosmosdb "github.com/cosmos/cosmos-db"
)

// flatHeights is how many heights TestDiskIsFlat commits, unless POCKET_FLAT_HEIGHTS in the environment says otherwise.
const flatHeights = 100_000

// unsynced is a database whose writes the disk takes in its own time: 10⁵ heights are at speed.
type unsynced struct{ cosmosdb.DB }

type unsyncedBatch struct{ cosmosdb.Batch }

func (u unsynced) NewBatch() cosmosdb.Batch { return unsyncedBatch{u.DB.NewBatch()} }

func (b unsyncedBatch) WriteSync() error { return b.Write() }

// diskBytes returns the size of the files below a directory.
func diskBytes(t *testing.T, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil // goleveldb removes files meanwhile
		}
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// The disk of a state whose old versions are pruned stays as it is, however many heights pass: what the first
// half of them takes at most, the second half takes too, give or take what goleveldb has not compacted yet. Without pruning
// it takes twice as much. The entries change, as balances do, and each tenth height adds one and removes another, so that
// only what pruning leaves behind could add up.
func TestDiskIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("commits thousands of heights")
	}
	heights := flatHeights
	if given, err := strconv.Atoi(os.Getenv("POCKET_FLAT_HEIGHTS")); err == nil {
		heights = given
	}
	const accounts, kept = 300, 500
	dir := t.TempDir()
	db, err := cosmosdb.NewGoLevelDB(databaseName, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := load(newDatabase(unsynced{db}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	set := func(key string, number int) {
		if err := s.Set([]byte(key), binary.BigEndian.AppendUint64(make([]byte, 56), uint64(number))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range accounts {
		set(fmt.Sprintf("account/%d", i), i)
	}
	var half, most int64
	for height := 1; height <= heights; height++ {
		set(fmt.Sprintf("account/%d", height*7919%accounts), height)
		set(fmt.Sprintf("account/%d", height*104729%accounts), height)
		if height%10 == 0 {
			set(fmt.Sprintf("block-hash/%08d", height), height)
			if err := s.Delete(fmt.Appendf(nil, "block-hash/%08d", height-1000)); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		if height%10 == 0 {
			if err := s.Prune(int64(height)-kept+1, 200); err != nil {
				t.Fatal(err)
			}
		}
		if height%max(heights/100, 1) == 0 {
			size := diskBytes(t, dir)
			if height <= heights/2 {
				half = max(half, size)
			} else {
				most = max(most, size)
			}
		}
	}
	t.Logf("at most %d KiB in the first %d heights, %d KiB in the second", half>>10, heights/2, most>>10)
	if most > half+half/2 {
		t.Error("the disk is not flat")
	}
	if oldest := s.Oldest(); oldest != int64(heights)-kept+1 {
		t.Errorf("kept from height %d on", oldest)
	}
}
