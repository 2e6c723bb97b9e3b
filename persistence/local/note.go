package local

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Notes say in which rounds of a closed session somebody contradicted a majority, so that evidence is found without reading
// the others:
//
//	01 09 | form | id      what was stored of the session when the note was made, and the indices of these rounds
//
// A note is made again of the rounds when it is missing, cannot be read, or is of something else than what is stored: a version
// without notes has written the store, or added to it. That version does not read them. They do not count against MaxBytes:
// a note takes about 60 bytes, and up to 5 for each of these rounds.
const (
	kindNote    = 9
	noteVersion = 1
	// mostLearned bounds the sessions whose notes are stored with the next write.
	mostLearned = 64
)

// noteKey returns the key of a session's note.
func noteKey(id sessionID) []byte {
	key := []byte{keyVersion, kindNote, 0}
	if id.hashed {
		key[2] = 1
	}
	return append(key, id.bytes[:]...)
}

// inNoteKey returns the session that a key is of. It is not ok when the key is of another kind.
func inNoteKey(key []byte) (id sessionID, ok bool) {
	if len(key) != 3+idSize || key[0] != keyVersion || key[1] != kindNote || key[2] > 1 {
		return id, false
	}
	return sessionID{[idSize]byte(key[3:]), key[2] == 1}, true
}

// noteOf returns the note of a session.
func noteOf(e *entry) (keyed, error) {
	stamp := e.stamp()
	text := binary.BigEndian.AppendUint32([]byte{noteVersion}, stamp.Session)
	text = binary.BigEndian.AppendUint64(text, stamp.Sum)
	text = binary.AppendUvarint(text, uint64(stamp.Rounds))
	for _, index := range e.disputed {
		text = binary.AppendUvarint(text, uint64(index))
	}
	key := noteKey(e.id)
	record, err := encodeRecord(key, wrapperspb.Bytes(text))
	return keyed{key, record}, err
}

// readNote reads a note. It is not ok when it is of another version.
func readNote(key, record []byte) (stamp modules.Stamp, disputed []uint32, ok bool) {
	var note wrapperspb.BytesValue
	if decodeRecord(key, record, &note) != nil || len(note.Value) < 13 || note.Value[0] != noteVersion {
		return stamp, nil, false
	}
	stamp.Session, stamp.Sum = binary.BigEndian.Uint32(note.Value[1:]), binary.BigEndian.Uint64(note.Value[5:])
	var numbers []uint64
	for rest := note.Value[13:]; len(rest) > 0; {
		number, size := binary.Uvarint(rest)
		if size <= 0 {
			return stamp, nil, false
		}
		numbers, rest = append(numbers, number), rest[size:]
	}
	if len(numbers) == 0 {
		return stamp, nil, false
	}
	stamp.Rounds = int(numbers[0])
	for _, index := range numbers[1:] {
		disputed = append(disputed, uint32(index))
	}
	return stamp, disputed, true
}

// readNotes takes over the notes that are of what is stored. stale are the keys of notes of sessions that are not.
func readNotes(db pebble.Reader, known *catalogue) (stale [][]byte, err error) {
	err = scan(context.Background(), db, []byte{keyVersion, kindNote}, []byte{keyVersion, kindNote + 1}, func(key, record []byte) error {
		id, ok := inNoteKey(key)
		e := known.byID[id]
		if !ok || e == nil {
			stale = append(stale, slices.Clone(key))
			return nil
		}
		if stamp, disputed, ok := readNote(key, record); ok && stamp == e.stamp() {
			e.searched, e.disputed = true, disputed
		}
		return nil
	})
	for _, e := range known.sessions {
		e.searched = e.searched || e.rounds == 0
	}
	return stale, err
}

// disputedIn reports whether somebody contradicted a majority in a round.
func disputedIn(round *types.QoSRound) bool {
	return slices.ContainsFunc(round.GetSamples(), func(s *types.QoSSample) bool {
		return s.GetConsistency() == types.Consistency_CONSISTENCY_DISAGREE
	})
}

// dispute notes that somebody contradicted a majority in a round that is added to the entry.
func (e *entry) dispute(index uint32) {
	if at, found := slices.BinarySearch(e.disputed, index); !found {
		e.disputed = slices.Insert(slices.Clone(e.disputed), at, index)
	}
}

// note adds the notes of the closed sessions that a transaction has changed, and of those that were searched since the last one.
func (t *transaction) note(learned []sessionID) error {
	noted := make(map[sessionID]bool)
	for _, s := range t.steps {
		if s.next != nil {
			learned = append(learned, s.next.id)
		}
	}
	for _, id := range learned {
		e := t.catalogue.byID[id]
		if noted[id] || e == nil || e.facts == nil || !e.facts.session.GetClosed() || !e.searched {
			continue
		}
		noted[id] = true
		note, err := noteOf(e)
		if err = errors.Join(err, t.batch.Set(note.key, note.record, nil)); err != nil {
			return err
		}
	}
	return nil
}

// searched takes note of a session all of whose rounds were read, when what is stored is still what was read.
func (s *Store) searched(id sessionID, of modules.Stamp, rounds []*types.QoSRound) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.catalogue == nil {
		return
	}
	e := s.catalogue.byID[id]
	if e == nil || e.searched || e.stamp() != of {
		return
	}
	next := *e
	next.searched, next.disputed = true, nil
	for _, round := range rounds {
		if disputedIn(round) {
			next.disputed = append(next.disputed, round.GetIndex())
		}
	}
	s.catalogue.replace(e, &next)
	if len(s.learned) < mostLearned {
		s.learned = append(s.learned, id)
	}
}
