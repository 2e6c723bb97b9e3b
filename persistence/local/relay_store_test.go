package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// openRelaysIn opens a relay store in a file system.
func openRelaysIn(t testing.TB, options Options, files vfs.FS) *RelayStore {
	t.Helper()
	options.schema = relaySchema
	return &RelayStore{store: openIn(t, "relays", options, files)}
}

// relayOf is the nth relay of the session of a number.
func relayOf(session, n int) *types.VolumeRelay {
	return &types.VolumeRelay{
		Session:  sessionOf(session).GetHeader(),
		Request:  fmt.Appendf(nil, "request %d", n),
		Response: fmt.Appendf(nil, "response %d", n),
	}
}

// relaysOf are relays of a session from a number up to another, which is not among them.
func relaysOf(session, from, to int) (relays []*types.VolumeRelay) {
	for n := from; n < to; n++ {
		relays = append(relays, relayOf(session, n))
	}
	return relays
}

func wantRelays(t testing.TB, r *RelayStore, session, from, to int) {
	t.Helper()
	relays, stored, err := r.Relays(context.Background(), idOf(session), uint32(from), 1000)
	must(t, err)
	if len(relays) != to-from || stored != to {
		t.Fatalf("session %d has %d relays, %d of them from %d on, want %d and %d", session, stored, len(relays), from, to, to-from)
	}
	for i, relay := range relays {
		if !proto.Equal(relay, relayOf(session, from+i)) {
			t.Fatalf("place %d of session %d holds %v", from+i, session, relay)
		}
	}
}

func TestRelaysAreKept(t *testing.T) {
	ctx, files := t.Context(), vfs.NewMem()
	r := openRelaysIn(t, DefaultOptions(), files)
	must(t, r.PutRelays(ctx, append(relaysOf(2, 0, 3), relaysOf(1, 0, 2)...)))
	must(t, r.PutRelays(ctx, relaysOf(2, 3, 5)))
	must(t, r.PutRelays(ctx, nil))
	for range 2 {
		wantRelays(t, r, 1, 0, 2)
		wantRelays(t, r, 2, 0, 5)
		wantRelays(t, r, 2, 4, 5)
		if page, stored, err := r.Relays(ctx, idOf(2), 1, 2); err != nil || len(page) != 2 || stored != 5 || !proto.Equal(page[1], relayOf(2, 2)) {
			t.Errorf("page %v, %v", page, err)
		}
		sessions, err := r.Sessions(ctx, 10)
		must(t, err)
		if len(sessions) != 2 || sessions[0].Header.GetId() != idOf(1) || sessions[0].Relays != 2 ||
			sessions[1].Header.GetId() != idOf(2) || sessions[1].Relays != 5 {
			t.Errorf("sessions %v", sessions)
		}
		if newest, err := r.Sessions(ctx, 1); err != nil || len(newest) != 1 || newest[0].Header.GetId() != idOf(2) || newest[0].Relays != 5 {
			t.Errorf("newest session %v, %v", newest, err)
		}
		if none, err := r.Sessions(ctx, 0); err != nil || len(none) != 0 {
			t.Errorf("no session is %v, %v", none, err)
		}
		if stats := r.Stats(); stats.Sessions != 2 || stats.Relays != 7 || stats.Bytes == 0 || stats.Failures != 0 {
			t.Errorf("got stats %+v", stats)
		}
		// Everything is there in a store that is opened again, and the numbers go on.
		must(t, r.Close())
		r = openRelaysIn(t, DefaultOptions(), files)
	}
	must(t, r.PutRelays(ctx, relaysOf(1, 2, 3)))
	wantRelays(t, r, 1, 0, 3)
}

func TestPagesOfLargeRelaysAreShorter(t *testing.T) {
	r := openRelaysIn(t, DefaultOptions(), vfs.NewMem())
	var large []*types.VolumeRelay
	for n := range 12 {
		relay := relayOf(1, n)
		relay.Response = []byte(strings.Repeat("x", 1<<20))
		large = append(large, relay)
	}
	must(t, r.PutRelays(t.Context(), large))
	page, stored, err := r.Relays(t.Context(), idOf(1), 0, 100)
	must(t, err)
	rest, _, err := r.Relays(t.Context(), idOf(1), uint32(len(page)), 100)
	must(t, err)
	if len(page) != 8 || len(rest) != 4 || stored != 12 {
		t.Errorf("pages of %d and %d relays, of %d", len(page), len(rest), stored)
	}
}

func TestRelaysOfNoSession(t *testing.T) {
	r := openRelaysIn(t, DefaultOptions(), vfs.NewMem())
	for _, id := range []string{idOf(1), "nonsense"} {
		if _, _, err := r.Relays(t.Context(), id, 0, 1); !errors.Is(err, modules.ErrUnknownSession) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if err := r.PutRelays(t.Context(), []*types.VolumeRelay{{}}); err == nil {
		t.Error("a relay without a session was stored")
	}
	must(t, r.Close())
	wantError(t, r.PutRelays(t.Context(), relaysOf(1, 0, 1)), ErrClosed)
}

func TestRelayCapsEvictOldestSessions(t *testing.T) {
	ctx := t.Context()
	r := openRelaysIn(t, capped(1<<16, 2), vfs.NewMem())
	for session := 1; session <= 3; session++ {
		must(t, r.PutRelays(ctx, relaysOf(session, 0, 4)))
	}
	if _, _, err := r.Relays(ctx, idOf(1), 0, 1); !errors.Is(err, modules.ErrUnknownSession) {
		t.Errorf("the oldest session is there: %v", err)
	}
	wantRelays(t, r, 3, 0, 4)
	large := relayOf(4, 0)
	large.Response = []byte(strings.Repeat("x", 60_000))
	must(t, r.PutRelays(ctx, []*types.VolumeRelay{large}))
	if stats := r.Stats(); stats.Relays > 5 || stats.EvictedSessions < 2 || stats.Bytes > 1<<16 {
		t.Errorf("got stats %+v", stats)
	}
	// What does not fit is refused; what is stored stays.
	wantError(t, r.PutRelays(ctx, []*types.VolumeRelay{large}), ErrFull)
	if relays, _, err := r.Relays(ctx, idOf(4), 0, 10); err != nil || len(relays) != 1 {
		t.Errorf("%d relays, %v", len(relays), err)
	}
}

// A disk that fails costs relays that were not acknowledged, and nothing else; the store works again by itself.
func TestRelaysSurviveAFailingDisk(t *testing.T) {
	ctx := t.Context()
	var broken atomic.Bool
	memory := vfs.NewMem()
	r := openRelaysIn(t, smallTables(), failing(memory, func(op errorfs.Op) bool { return broken.Load() && isWrite(op) }))
	must(t, r.PutRelays(ctx, relaysOf(1, 0, 2)))
	broken.Store(true)
	for range 3 {
		if err := r.PutRelays(ctx, relaysOf(2, 0, 1)); err == nil {
			t.Fatal("acknowledged on a broken disk")
		}
	}
	broken.Store(false)
	must(t, r.PutRelays(ctx, relaysOf(1, 2, 4)))
	wantRelays(t, r, 1, 0, 4)
	if r.Stats().Failures == 0 {
		t.Error("no failure was counted")
	}
}

// A process that ends without closing loses nothing that was acknowledged.
func TestRelaysSurviveACrash(t *testing.T) {
	files := vfs.NewCrashableMem()
	r := openRelaysIn(t, DefaultOptions(), files)
	must(t, r.PutRelays(t.Context(), relaysOf(1, 0, 3)))
	after := files.CrashClone(vfs.CrashCloneCfg{})
	wantRelays(t, openRelaysIn(t, DefaultOptions(), after), 1, 0, 3)
}

// Neither store takes the other's directory.
func TestStoresDoNotMix(t *testing.T) {
	dir := t.TempDir()
	samples, relays := filepath.Join(dir, "samples"), filepath.Join(dir, "relays")
	s, err := Open(samples, DefaultOptions())
	must(t, err)
	must(t, s.Close())
	r, err := OpenRelays(relays, DefaultOptions())
	must(t, err)
	must(t, r.Close())
	if _, err := OpenRelays(samples, DefaultOptions()); !errors.Is(err, ErrForeign) {
		t.Errorf("samples as relays: %v", err)
	}
	if _, err := Open(relays, DefaultOptions()); !errors.Is(err, ErrForeign) {
		t.Errorf("relays as samples: %v", err)
	}
}

func FuzzDecodeRelay(f *testing.F) {
	id, err := parseSessionID(idOf(1))
	if err != nil {
		f.Fatal(err)
	}
	key := roundKey(id, 0)
	record, err := encodeRecord(key, relayOf(1, 0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key, record)
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, record []byte) {
		relay, err := decodeRelay(key, record)
		if err == nil && relay.GetSession() == nil || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%v, %v", relay, err)
		}
		header, err := decodeHeader(key, record)
		if err == nil && header.GetId() == "" || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%v, %v", header, err)
		}
	})
}

// The form of a stored relay stays readable.
func TestRelayRecordGolden(t *testing.T) {
	id, err := parseSessionID(idOf(1))
	must(t, err)
	key := roundKey(id, 7)
	record, err := encodeRecord(key, relayOf(1, 7))
	must(t, err)
	golden := filepath.Join("testdata", "relay_record.golden")
	want, err := os.ReadFile(golden)
	must(t, err)
	if got := fmt.Sprintf("%x\n%x\n", key, record); got != string(want) {
		t.Errorf("key and record are\n%s", got)
	}
}
