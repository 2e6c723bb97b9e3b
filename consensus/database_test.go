package consensus

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cmtcfg "github.com/cometbft/cometbft/config"
)

// A database that CometBFT's own provider wrote opens, and no more of its tables stay open than Tables says.
func TestDatabasesKeepFewTablesOpen(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 100 MB")
	}
	const tables, keys = 12, 400
	config := cmtcfg.DefaultConfig().SetRoot(t.TempDir())
	at := &cmtcfg.DBContext{ID: "blockstore", Config: config}
	key := func(i int) []byte { return fmt.Appendf(nil, "%08d", i) }

	written, err := cmtcfg.DefaultDBProvider(at)
	if err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 256<<10)
	for i := range keys {
		for at := range value { // it must not be compressed to nothing
			value[at] = byte(i*at ^ at>>3)
		}
		if err := written.Set(key(i), value); err != nil {
			t.Fatal(err)
		}
	}
	if err := written.Close(); err != nil {
		t.Fatal(err)
	}

	db, err := databasesOf(Config{Tables: tables})(at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i := range keys {
		if got, err := db.Get(key(i)); err != nil || len(got) != len(value) {
			t.Fatalf("key %d: %d bytes, %v", i, len(got), err)
		}
	}
	stored, err := filepath.Glob(filepath.Join(config.DBDir(), "blockstore.db", "*.ldb"))
	if err != nil || len(stored) <= tables {
		t.Fatalf("%d tables are too few for this test: %v", len(stored), err)
	}
	if open := openTables(t, config.DBDir()); open > tables {
		t.Errorf("%d of %d tables are open, want at most %d", open, len(stored), tables)
	}
}

// openTables counts the tables below a directory that this process has open.
func openTables(t *testing.T, dir string) (open int) {
	t.Helper()
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("descriptors cannot be listed here")
	}
	for _, descriptor := range descriptors {
		file, err := os.Readlink(filepath.Join("/proc/self/fd", descriptor.Name()))
		if err == nil && strings.HasPrefix(file, dir) && strings.HasSuffix(file, ".ldb") {
			open++
		}
	}
	return open
}
