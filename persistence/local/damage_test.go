package local

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"google.golang.org/protobuf/proto"
)

const damagedSessions, damagedRounds, damagedEvidence = 6, 4, 2_000

// stored are the files of a store whose records lie in a table and in the log, as a crash left it.
func stored(t *testing.T) map[string]string {
	t.Helper()
	files := vfs.NewMem()
	s := openIn(t, "store", DefaultOptions(), files)
	for n := range damagedSessions {
		if n == damagedSessions/2 {
			must(t, s.db.Flush())
		}
		must(t, s.PutSession(t.Context(), sessionOf(n)))
		for index := range uint32(damagedRounds) {
			must(t, s.PutRound(t.Context(), roundOf(n, index, damagedEvidence)))
		}
	}
	return readAll(t, files, "store")
}

// readAll reads the files of a directory.
func readAll(t *testing.T, files vfs.FS, dir string) map[string]string {
	t.Helper()
	names, err := files.List(dir)
	must(t, err)
	data := make(map[string]string)
	for _, name := range names {
		file, err := files.Open(files.PathJoin(dir, name))
		must(t, err)
		content, err := io.ReadAll(file)
		must(t, err)
		must(t, file.Close())
		data[name] = string(content)
	}
	return data
}

// writeAll makes a directory of files.
func writeAll(t *testing.T, data map[string]string) vfs.FS {
	t.Helper()
	files := vfs.NewMem()
	must(t, files.MkdirAll("store", 0o700))
	for name, content := range data {
		file, err := files.Create(files.PathJoin("store", name), vfs.WriteCategoryUnspecified)
		must(t, err)
		_, err = file.Write([]byte(content))
		must(t, err)
		must(t, file.Close())
	}
	return files
}

// damages are ways to damage a file; not there when it is missing.
func damages() map[string]func(data string) (damaged string, there bool) {
	damages := map[string]func(data string) (string, bool){
		"missing": func(string) (string, bool) { return "", false },
		"emptied": func(string) (string, bool) { return "", true },
		"cut":     func(data string) (string, bool) { return data[:len(data)/2], true },
		"zeroed":  func(data string) (string, bool) { return string(make([]byte, len(data))), true },
	}
	for eighth := 0; eighth <= 8; eighth += 2 {
		damages[fmt.Sprintf("changed at %d of 8", eighth)] = func(data string) (string, bool) {
			changed := []byte(data)
			if at := len(data)*eighth/8 - 3; at >= 0 {
				changed[at] ^= 0x10
			} else if len(data) > 3 {
				changed[3] ^= 0x10
			}
			return string(changed), true
		}
	}
	return damages
}

// Any file of a store may be damaged in any way: the store opens, takes rounds, shows no session in part, and loses
// nothing silently: the damaged directory is set aside and named.
//
// The end of the newest log is the exception that every write-ahead log has: damage there cannot be distinguished from a
// write that a crash interrupted, and recovery ends there.
func TestDamagedFiles(t *testing.T) {
	files, setAside := stored(t), 0
	newest := ""
	for name := range files {
		if strings.HasSuffix(name, ".log") {
			newest = max(newest, name)
		}
	}
	for name := range files {
		if name == "LOCK" {
			continue
		}
		for kind, damage := range damages() {
			if testing.Short() && kind != "cut" {
				continue
			}
			t.Run(name+" "+kind, func(t *testing.T) {
				damaged := maps.Clone(files)
				if data, there := damage(files[name]); there {
					damaged[name] = data
				} else {
					delete(damaged, name)
				}
				if wantUsable(t, writeAll(t, damaged), name == newest, name, damaged[name]) {
					setAside++
				}
			})
		}
	}
	t.Logf("%d stores were set aside", setAside)
	if setAside < 12 && !testing.Short() {
		t.Errorf("only %d stores were set aside", setAside)
	}
}

// wantUsable opens a store with a damaged file and reports whether it was set aside.
func wantUsable(t *testing.T, files vfs.FS, log bool, name, data string) (setAside bool) {
	s := sampleIn(t, "store", files)
	must(t, s.PutSession(t.Context(), sessionOf(100)))
	s.put(100, 0, 1)
	s.wantHeld(100, 0, 1)
	rounds, health := damagedContents(t, s, log), s.Health()
	t.Logf("%d rounds, %+v", rounds, health)
	switch {
	case !health.Durable:
		t.Error("the store is not durable")
	case health.SetAside == "" && log && rounds < damagedSessions/2*damagedRounds:
		t.Errorf("the log was damaged, and %d rounds can be read", rounds)
	case health.SetAside == "" && !log && rounds != damagedSessions*damagedRounds:
		t.Errorf("%d rounds can be read: the others are lost silently", rounds)
	case health.SetAside == "":
		return false
	}
	if s.log.count(health.SetAside) != 1 || health.SetAside != "store.damaged-20260301T120000Z" {
		t.Errorf("got health %+v, log\n%s", health, s.log.text.String())
	}
	if kept := readAll(t, files, health.SetAside); kept[name] != data {
		t.Errorf("the damaged %s was changed", name)
	}
	return true
}

// damagedContents counts the rounds of before, all intact; no session is there in part, but the last in a damaged log.
func damagedContents(t *testing.T, s *sampling, log bool) (total int) {
	sessions, err := s.Sessions(t.Context())
	must(t, err)
	for place, session := range sessions[:len(sessions)-1] {
		rounds, err := s.Rounds(t.Context(), session.GetHeader().GetId())
		must(t, err)
		total += len(rounds)
		last := log && place == len(sessions)-2
		if len(rounds) != damagedRounds && !last {
			t.Errorf("session %d has %d rounds, want %d or not to be there", session.GetHeader().GetStartHeight(), len(rounds), damagedRounds)
		}
		for index, round := range rounds {
			if !proto.Equal(round, roundOf(int(session.GetHeader().GetStartHeight()/10), uint32(index), damagedEvidence)) {
				t.Errorf("round %d of session %d is not what was stored", round.GetIndex(), place)
			}
		}
	}
	return total
}

// Damage that a running store runs into: samples are held in memory until the store was replaced.
func TestDamageWhileRunning(t *testing.T) {
	memory := vfs.NewMem()
	var bad atomic.Bool
	s := sampleIn(t, "store", refusing(memory, syscall.EIO, func(op errorfs.Op) bool {
		return bad.Load() && op.Kind == errorfs.OpFileReadAt && strings.HasPrefix(op.Path, "store/") && strings.HasSuffix(op.Path, ".sst")
	}))
	// More than pebble caches.
	const rounds, evidence = 40, 200_000
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	for index := range uint32(rounds) {
		must(t, s.PutRound(t.Context(), roundOf(1, index, evidence)))
	}
	bad.Store(true)
	if _, err := s.Rounds(t.Context(), idOf(1)); err == nil {
		t.Error("a damaged session was read")
	}
	s.wantDurable(false)
	if unreadable := s.Health().UnreadableSessions; unreadable != 1 {
		t.Errorf("%d sessions count as unreadable, want 1", unreadable)
	}
	must(t, s.PutSession(t.Context(), sessionOf(2)))
	s.put(2, 0, 1)
	s.wantHeld(2, 0, 1)
	sessions, err := s.Sessions(t.Context())
	must(t, err)
	if len(sessions) == 0 {
		t.Error("no session can be listed")
	}
	bad.Store(false)
	s.later()
	s.wantDurable(true)
	stored, err := s.Rounds(t.Context(), idOf(1))
	must(t, err)
	if len(stored) != rounds || s.Health().UnreadableSessions != 0 {
		t.Errorf("%d rounds can be read again, want %d; %+v", len(stored), rounds, s.Health())
	}
	s.wantHeld(2, 0, 1)
}

// A record that is not what was written, in a file that is: whoever reads it notices, and the store is replaced by one with
// the other sessions.
func TestDamagedRecord(t *testing.T) {
	s := sampleIn(t, "store", vfs.NewMem())
	for n := range 3 {
		must(t, s.PutSession(t.Context(), sessionOf(n)))
		s.put(n, 0, 1)
	}
	id, err := parseSessionID(idOf(1))
	must(t, err)
	overwrite(t, s.disk, roundKey(id, 1), []byte("damaged"))
	if _, err := s.Rounds(t.Context(), idOf(1)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a damaged record is read: %v", err)
	}
	s.wantDurable(false)
	s.wantHeld(0, 0, 1)
	s.later()
	s.wantDurable(true)
	if health := s.Health(); health.SetAside == "" || health.UnreadableSessions != 0 {
		t.Errorf("got health %+v", health)
	}
	s.wantHeld(0, 0, 1)
	s.wantHeld(2, 0, 1)
}

// A file of which the disk does not give back a part: the store is replaced, as a damaged one is.
func TestBadSector(t *testing.T) {
	memory := writeAll(t, stored(t))
	s := sampleIn(t, "store", refusing(memory, syscall.EIO, func(op errorfs.Op) bool {
		return op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst") && op.Offset < 3_000
	}))
	s.wantDurable(true)
	must(t, s.PutSession(t.Context(), sessionOf(100)))
	s.put(100, 0)
	if health := s.Health(); health.SetAside == "" {
		t.Errorf("got health %+v", health)
	}
}
