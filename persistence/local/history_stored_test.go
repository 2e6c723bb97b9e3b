package local

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pocket-fisherman/fisherman/rollup"
)

const storedSeries = 300

// openTables opens a database without a store around it.
func openTables(t *testing.T, files vfs.FS) *pebble.DB {
	t.Helper()
	options := DefaultOptions()
	options.Logger = slog.New(slog.DiscardHandler)
	engine := pebbleOptions(files, nil, options, func(err error) { t.Error(err) })
	engine.DisableAutomaticCompactions = true
	db, err := pebble.Open("store", engine)
	must(t, err)
	return db
}

// tablesOfRollups are the files of a database whose rollups lie in three tables; of each key the newest counts.
func tablesOfRollups(t *testing.T) map[string]string {
	t.Helper()
	files := vfs.NewMem()
	db := openTables(t, files)
	for age := range 3 {
		for number := range uint32(storedSeries) {
			for _, r := range []rollup.Resolution{rollup.FiveMinutes, rollup.Hour} {
				if int(number)%(age+1) == 0 && number%7 != 0 {
					must(t, db.Set(rollupKey(nil, r, number, 0), fmt.Appendf(nil, "%d %0512d", age, number), nil))
				}
			}
		}
		must(t, db.Flush())
	}
	must(t, db.Close())
	return readAll(t, files, "store")
}

// Read in any order, beside what a batch changes meanwhile, and from damaged tables, too, stored rollups are those that are found
// one by one.
func TestStoredRollupsAreThoseOfTheirKeys(t *testing.T) {
	sound := tablesOfRollups(t)
	tables := []string{""} // none is damaged
	for name := range sound {
		if path.Ext(name) == ".sst" {
			tables = append(tables, name)
		}
	}
	ordered, any := make([]uint32, storedSeries), make([]uint32, storedSeries)
	for i, number := range rand.Perm(storedSeries) {
		ordered[i], any[i] = uint32(i), uint32(number)
	}
	lost := 0
	for _, table := range tables {
		for _, numbers := range [][]uint32{ordered, any} {
			files := make(map[string]string)
			for name, data := range sound {
				if name == table {
					data = data[:len(data)/3] + "damaged" + data[len(data)/3+len("damaged"):]
				}
				files[name] = data
			}
			lost += compareStored(t, writeAll(t, files), numbers)
		}
	}
	if lost == 0 {
		t.Error("no damage was found")
	}
}

// compareStored reads all rollups in both ways, and returns how many cannot be read.
func compareStored(t *testing.T, files vfs.FS, numbers []uint32) (lost int) {
	t.Helper()
	db := openTables(t, files)
	defer func() { must(t, db.Close()) }()
	batch := db.NewIndexedBatch()
	defer batch.Close()
	must(t, batch.Set(rollupKey(nil, rollup.Hour, 5, 0), []byte("of the batch"), nil))
	before := (&historyChange{batch: batch}).newStored()
	for _, number := range numbers {
		for _, r := range []rollup.Resolution{rollup.FiveMinutes, rollup.Hour} {
			key := rollupKey(nil, r, number, 0)
			want, wanted := before.lookUp(key)
			got, err := before.find(r, key)
			if !bytes.Equal(got, want) || pebble.IsCorruptionError(err) != pebble.IsCorruptionError(wanted) || (err == nil) != (wanted == nil) {
				t.Fatalf("series %d: %.8q, %v; want %.8q, %v", number, got, err, want, wanted)
			}
			if err != nil {
				lost++
			}
			must(t, batch.Set(key, []byte("changed since"), nil))
		}
	}
	must(t, before.close())
	return lost
}
