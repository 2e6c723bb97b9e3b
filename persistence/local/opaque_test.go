package local

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"google.golang.org/protobuf/proto"
)

// foreignIDs are session ids as other networks may have them, one of our own among them.
func foreignIDs() []string {
	return []string{
		"a", " ", "0021/session 7", "ethereum:2026-11-27T06:00:00Z", "größer", strings.Repeat("x", types.MaxOpaque),
		strings.Repeat("é", types.MaxOpaque/2), strings.ToUpper(idOf(1)), idOf(1)[:63], idOf(1) + "0", idOf(1),
	}
}

// foreignSession is a session with an id of another network, and foreignRound a round of it.
func foreignSession(id string) *types.QoSSession {
	session := sessionOf(1)
	session.Header.Id = id
	return session
}

func foreignRound(id string, index uint32) *types.QoSRound {
	round := proto.CloneOf(roundOf(1, index, 10))
	round.SessionId = id
	return round
}

// batcher is what Store and Samples have in common for these tests.
type batcher interface {
	PutAll(ctx context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error
	Sessions(ctx context.Context) ([]*types.QoSSession, error)
	Session(ctx context.Context, id string) (*types.QoSSession, error)
	Rounds(ctx context.Context, id string) ([]*types.QoSRound, error)
}

// putForeign stores a session of each foreign id with two rounds.
func putForeign(t *testing.T, s batcher) {
	t.Helper()
	for _, id := range foreignIDs() {
		rounds := []*types.QoSRound{foreignRound(id, 0), foreignRound(id, 1)}
		wantErrors(t, s.PutAll(t.Context(), []*types.QoSSession{foreignSession(id)}, rounds), nil, nil, nil)
	}
}

// wantForeign checks that the foreign sessions are there with their rounds, and nothing else.
func wantForeign(t *testing.T, s batcher) {
	t.Helper()
	ctx, left := t.Context(), make(map[string]bool)
	for _, id := range foreignIDs() {
		left[id] = true
	}
	sessions, err := s.Sessions(ctx)
	must(t, err)
	for _, session := range sessions {
		id := session.GetHeader().GetId()
		if !left[id] || !proto.Equal(session, foreignSession(id)) {
			t.Errorf("session %q is listed: %v", id, session)
		}
		delete(left, id)
		one, err := s.Session(ctx, id)
		must(t, err)
		rounds, err := s.Rounds(ctx, id)
		must(t, err)
		if !proto.Equal(one, session) || len(rounds) != 2 || !proto.Equal(rounds[0], foreignRound(id, 0)) || !proto.Equal(rounds[1], foreignRound(id, 1)) {
			t.Errorf("session %q has %d rounds, or others than were stored", id, len(rounds))
		}
	}
	if len(left) > 0 {
		t.Errorf("sessions are missing: %v", left)
	}
}

// Sessions of any network are stored, found, replaced, removed and found again when the store is opened again.
func TestForeignSessionIDs(t *testing.T) {
	ctx, files := t.Context(), vfs.NewMem()
	s := openIn(t, "store", DefaultOptions(), files)
	putForeign(t, s)
	putForeignAgain := s.PutAll(ctx, []*types.QoSSession{foreignSession("a")}, []*types.QoSRound{foreignRound("a", 1)})
	wantErrors(t, putForeignAgain, nil, ErrRoundExists)
	wantForeign(t, s)
	before := s.Stats()
	must(t, s.Close())
	s = openIn(t, "store", DefaultOptions(), files)
	wantForeign(t, s)
	if s.Stats() != before {
		t.Errorf("got stats %+v, want %+v", s.Stats(), before)
	}
	_, err := s.Prune(ctx, 0)
	must(t, err)
	must(t, s.Close())
	s = openIn(t, "store", DefaultOptions(), files)
	if got := s.Stats(); got != (Stats{}) {
		t.Errorf("an emptied store has stats %+v", got)
	}
}

// The hash that keys have of a foreign id is itself a well-formed id of our own chain. The two never meet.
func TestForeignSessionIDsDoNotCollide(t *testing.T) {
	const foreign = "a session of another network"
	id, err := sampledID(foreign)
	must(t, err)
	own := hex.EncodeToString(id.bytes[:])
	for _, order := range [][]string{{foreign, own}, {own, foreign}} {
		files := vfs.NewMem()
		s := openIn(t, "store", DefaultOptions(), files)
		for _, id := range order {
			wantErrors(t, s.PutAll(t.Context(), []*types.QoSSession{foreignSession(id)}, []*types.QoSRound{foreignRound(id, 3)}), nil, nil)
		}
		must(t, s.Close())
		s = openIn(t, "store", DefaultOptions(), files)
		for _, id := range order {
			rounds, err := s.Rounds(t.Context(), id)
			must(t, err)
			if len(rounds) != 1 || !proto.Equal(rounds[0], foreignRound(id, 3)) {
				t.Errorf("session %q has rounds %v", id, rounds)
			}
		}
		must(t, s.PutSession(t.Context(), foreignSession(order[1])))
		_, err := s.Prune(t.Context(), 1)
		must(t, err)
		if got := s.Stats(); got.Sessions != 1 || got.Rounds != 1 {
			t.Errorf("got stats %+v", got)
		}
	}
}

func TestImproperSessionIDs(t *testing.T) {
	s := openMemory(t, DefaultOptions())
	for _, id := range []string{"", strings.Repeat("x", types.MaxOpaque+1), strings.Repeat("x", 1<<20), "a\nb", "\x00", "\xff", "\u202e"} {
		for _, err := range s.PutAll(t.Context(), []*types.QoSSession{foreignSession(id)}, []*types.QoSRound{foreignRound(id, 0)}) {
			if err == nil || len(err.Error()) > 1000 || !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\n\x00\u202e") {
				t.Errorf("%.200q: got error %.2000q", id, err)
			}
		}
		_, err := s.Session(t.Context(), id)
		wantError(t, err, modules.ErrUnknownSession)
		_, err = s.Rounds(t.Context(), id)
		wantError(t, err, modules.ErrUnknownSession)
	}
	if got := s.Stats(); got != (Stats{}) {
		t.Errorf("got stats %+v", got)
	}
}

// Foreign sessions are held in memory while the disk fails, and move to it afterwards.
func TestForeignSessionIDsMove(t *testing.T) {
	var full atomic.Bool
	s := sampleIn(t, "store", refusing(vfs.NewMem(), syscall.ENOSPC, func(op errorfs.Op) bool { return full.Load() && isWrite(op) }))
	full.Store(true)
	putForeign(t, s)
	s.wantDurable(false)
	wantForeign(t, s)
	full.Store(false)
	s.later()
	s.wantDurable(true)
	wantForeign(t, s)
}

// Foreign sessions of a damaged store are copied to the new one.
func TestForeignSessionIDsAreSalvaged(t *testing.T) {
	files := vfs.NewMem()
	s := sampleIn(t, "store", files)
	putForeign(t, s)
	must(t, s.PutSession(t.Context(), sessionOf(5)))
	id, err := sampledID(idOf(5))
	must(t, err)
	overwrite(t, s.disk, roundKey(id, 0), []byte("damaged"))
	must(t, s.Close())
	s = sampleIn(t, "store", files)
	if health := s.Health(); health.SetAside == "" || !health.Durable {
		t.Errorf("got health %+v", health)
	}
	wantForeign(t, s)
}

func TestForeignKeyLayout(t *testing.T) {
	id, err := sampledID("0021/session 7")
	must(t, err)
	const hash = "fffb1a30ab69d61857a6c8b898cdd2b72c7e2a3db72c5d7a3fd33845fbe45c40"
	if got, want := fmt.Sprintf("%x", sessionKey(id, 10, 1)), "0101"+"800000000000000a"+"8000000000000001"+hash+"01"; got != want {
		t.Errorf("session key\n%s, want\n%s", got, want)
	}
	if got, want := fmt.Sprintf("%x", roundKey(id, 7)), "0103"+hash+"00000007"; got != want {
		t.Errorf("round key\n%s, want\n%s", got, want)
	}
}

func TestIDsInKeys(t *testing.T) {
	own, err := sampledID(idOf(1))
	must(t, err)
	foreign, err := sampledID("another network's")
	must(t, err)
	for _, id := range []sessionID{own, foreign} {
		session, round := sessionKey(id, 10, 1), roundKey(id, 7)
		gotSession, sessionOK := idInSessionKey(session)
		gotRound, roundOK := idInRoundKey(round)
		if !sessionOK || !roundOK || gotSession != id || gotRound != id {
			t.Errorf("%x is not found in its keys", id.bytes)
		}
		for _, key := range [][]byte{nil, {keyVersion, kindSession}, session[:sessionSize-1], slices.Concat(session, []byte{2}), round} {
			if _, ok := idInSessionKey(key); ok {
				t.Errorf("%x passes as a session's key", key)
			}
		}
		for _, key := range [][]byte{nil, {keyVersion, kindRound}, round[:roundSize-1], slices.Concat(round, []byte{0}), session} {
			if _, ok := idInRoundKey(key); ok {
				t.Errorf("%x passes as a round's key", key)
			}
		}
	}
}
