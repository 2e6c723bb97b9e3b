package local

import (
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// disputedRound is a round of the nth session in which somebody contradicts a majority.
func disputedRound(n int, index uint32) *types.QoSRound {
	round := roundOf(n, index, 10)
	round.Samples = append(round.Samples, &types.QoSSample{Servicer: "liar", Consistency: types.Consistency_CONSISTENCY_DISAGREE})
	return round
}

// closedOf is the nth session with two members, closed.
func closedOf(n int) *types.QoSSession {
	session := sessionOf(n)
	session.Header.Application, session.Closed = "application", true
	session.StartUnixNano, session.EndUnixNano = 5, 7
	session.Servicers = []*types.QoSServicer{{Address: "a", ServiceUrl: "http://a"}, {Address: "b"}}
	return session
}

// fillDisputed stores sessions 0, closed, with disagreements in rounds 1 and 3; 1, closed, with none; 2, open, with one in round 0.
func fillDisputed(t *testing.T, s *Store) {
	t.Helper()
	for n := range 3 {
		must(t, s.PutSession(t.Context(), sessionOf(n)))
	}
	for _, round := range []*types.QoSRound{disputedRound(0, 3), roundOf(0, 2, 10), disputedRound(0, 1), roundOf(1, 0, 10), disputedRound(2, 0), roundOf(2, 1, 10)} {
		must(t, s.PutRound(t.Context(), round))
	}
	must(t, s.PutSession(t.Context(), closedOf(0)))
	must(t, s.PutSession(t.Context(), closedOf(1)))
}

// wantDisputed checks which rounds of each session are listed as disputed; "?" stands for those that are not known.
func wantDisputed(t *testing.T, s *Store, want ...string) {
	t.Helper()
	list, err := s.List(t.Context())
	must(t, err)
	var got []string
	for _, listed := range list {
		text := fmt.Sprint(listed.Disputed)
		if !listed.Searched {
			text = "?"
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("disputed are %q, want %q", got, want)
	}
}

// A list says of each session what is stored of it, without its members' particulars, before and after a restart.
func TestList(t *testing.T) {
	files := vfs.NewMem()
	s := openIn(t, "store", DefaultOptions(), files)
	fillDisputed(t, s)
	hashed := closedOf(3)
	hashed.Header.Id = "of another network"
	must(t, s.PutSession(t.Context(), hashed))
	check := func() []modules.ListedSession {
		t.Helper()
		list, err := s.List(t.Context())
		must(t, err)
		sessions, err := s.Sessions(t.Context())
		must(t, err)
		if len(list) != len(sessions) || len(list) != 4 {
			t.Fatalf("%d sessions are listed of %d", len(list), len(sessions))
		}
		for i, session := range sessions {
			var members []string
			for _, member := range list[i].Members {
				members = append(members, member.Value())
			}
			var addresses []string
			for _, member := range session.Servicers {
				addresses = append(addresses, member.Address)
			}
			session.Servicers = nil
			if !proto.Equal(list[i].Session, session) || !slices.Equal(members, addresses) {
				t.Errorf("session %d is listed as %v with %v, want %v with %v", i, list[i].Session, members, session, addresses)
			}
		}
		wantDisputed(t, s, "[1 3]", "[]", "[0]", "[]")
		return list
	}
	before := check()
	must(t, s.Close())
	s = openIn(t, "store", DefaultOptions(), files)
	wantDisputed(t, s, "[1 3]", "[]", "?", "[]")
	_, err := s.Outline(t.Context(), idOf(2))
	must(t, err)
	for i, listed := range check() {
		if listed.Stamp != before[i].Stamp {
			t.Errorf("session %d has the stamp %+v, before it was %+v", i, listed.Stamp, before[i].Stamp)
		}
	}
	must(t, s.PutRound(t.Context(), disputedRound(0, 0)))
	wantDisputed(t, s, "[0 1 3]", "[]", "[0]", "[]")
	_, err = s.Prune(t.Context(), 2)
	must(t, err)
	must(t, scan(t.Context(), s.db.durable, []byte{keyVersion, kindNote}, []byte{keyVersion, kindNote + 1}, func(key, _ []byte) error {
		if id, ok := inNoteKey(key); !ok || !id.hashed && hex.EncodeToString(id.bytes[:]) != idOf(2) {
			t.Errorf("note %x is of a session that is gone", key)
		}
		return nil
	}))
}

// A store of a version without notes is searched when its rounds are read, and has notes with the next write. What that version
// adds or removes later makes notes void.
func TestNotesOfAnotherVersion(t *testing.T) {
	files := vfs.NewMem()
	s := openIn(t, "store", DefaultOptions(), files)
	fillDisputed(t, s)
	reopen := func(change func(batch *pebble.Batch)) {
		t.Helper()
		batch := s.db.NewBatch()
		change(batch)
		must(t, s.db.commit(batch))
		must(t, batch.Close())
		must(t, s.Close())
		s = openIn(t, "store", DefaultOptions(), files)
	}
	reopen(func(batch *pebble.Batch) {
		must(t, batch.DeleteRange([]byte{keyVersion, kindNote}, []byte{keyVersion, kindNote + 1}, nil))
	})
	wantDisputed(t, s, "?", "?", "?")
	for n := range 3 {
		_, err := s.Added(t.Context(), idOf(n), 0, func(uint32) (modules.Mark, bool) { return 0, false })
		must(t, err)
	}
	wantDisputed(t, s, "[1 3]", "[]", "[0]")
	must(t, s.PutRound(t.Context(), roundOf(2, 5, 10)))
	reopen(func(batch *pebble.Batch) {
		p := newPuts(nil, []*types.QoSRound{disputedRound(1, 7)})[0]
		must(t, batch.Set(p.key, p.record, nil))
	})
	wantDisputed(t, s, "[1 3]", "?", "?")
	_, err := s.Outline(t.Context(), idOf(1))
	must(t, err)
	wantDisputed(t, s, "[1 3]", "[7]", "?")
	id, err := sampledID(idOf(0))
	must(t, err)
	reopen(func(batch *pebble.Batch) { must(t, batch.Set(noteKey(id), []byte("damaged"), nil)) })
	wantDisputed(t, s, "?", "?", "?")
	reopen(func(batch *pebble.Batch) {
		lower, upper := roundBoundsOf(id)
		must(t, batch.DeleteRange(lower, upper, nil))
		must(t, batch.Delete(sessionKey(id, 0, 0), nil))
	})
	if _, closer, err := s.db.Get(noteKey(id)); err == nil {
		_ = closer.Close()
		t.Error("the note of a session that is gone is stored")
	}
}

// A reader gets the rounds that it does not know, and all of them when what it knows is not what is stored.
func TestAdded(t *testing.T) {
	s := openMemory(t, DefaultOptions())
	fillDisputed(t, s)
	known := map[uint32]modules.Mark{}
	ask := func(want string, again bool) {
		t.Helper()
		added, err := s.Added(t.Context(), idOf(0), len(known), func(index uint32) (mark modules.Mark, is bool) {
			mark, is = known[index]
			return mark, is
		})
		must(t, err)
		var got []uint32
		if added.Again {
			clear(known)
		}
		for i, round := range added.Rounds {
			got = append(got, round.GetIndex())
			known[round.GetIndex()] = added.Marks[i]
			if len(round.Samples[0].ResponseEnvelope) > 0 {
				t.Errorf("round %d has envelopes", round.GetIndex())
			}
		}
		list, err := s.List(t.Context())
		must(t, err)
		if fmt.Sprint(got) != want || added.Again != again || added.Stamp != list[0].Stamp || !proto.Equal(added.Session, closedOf(0)) {
			t.Fatalf("got %v, again %v, want %s; stamp %+v, listed %+v", got, added.Again, want, added.Stamp, list[0].Stamp)
		}
	}
	ask("[1 2 3]", true)
	ask("[]", false)
	must(t, s.PutRound(t.Context(), roundOf(0, 0, 10)))
	must(t, s.PutRound(t.Context(), roundOf(0, 9, 10)))
	ask("[0 9]", false)
	known[2]++
	ask("[0 1 2 3 9]", true)
	known[77] = 1
	ask("[0 1 2 3 9]", true)
	_, err := s.Added(t.Context(), idOf(9), 0, nil)
	wantError(t, err, modules.ErrUnknownSession)
}
