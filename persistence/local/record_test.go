package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

// keysOf are the keys of the first session and of its round 7.
func keysOf(t testing.TB) (session, round []byte) {
	t.Helper()
	id, err := parseSessionID(idOf(1))
	must(t, err)
	return sessionKey(id, 10, 1), roundKey(id, 7)
}

func TestCorruptRecordsAreNamed(t *testing.T) {
	sessionAt, roundAt := keysOf(t)
	session, err := encodeRecord(sessionAt, sessionOf(1))
	must(t, err)
	round, err := encodeRecord(roundAt, roundOf(1, 7, 100))
	must(t, err)
	another, err := encodeRecord(roundAt, roundOf(1, 8, 100))
	must(t, err)
	flipped := append([]byte(nil), round...)
	flipped[40] ^= 4
	newer := append([]byte(nil), round...)
	newer[0] = 2
	for _, c := range []struct {
		name        string
		key, record []byte
	}{
		{"empty", roundAt, nil},
		{"cut in the header", roundAt, round[:4]},
		{"cut in the message", roundAt, round[:len(round)-1]},
		{"one bit", roundAt, flipped},
		{"newer version", roundAt, newer},
		{"session in place of a round", roundAt, session},
		{"another round", roundAt, another},
		{"not protobuf", roundAt, sealed(roundAt, []byte{0xff})},
		{"round in place of a session", sessionAt, round},
		{"session without a header", sessionAt, sealed(sessionAt, nil)},
		{"session cut", sessionAt, session[:10]},
	} {
		s := openMemory(t, DefaultOptions())
		must(t, s.PutSession(t.Context(), sessionOf(1)))
		overwrite(t, s, c.key, c.record)
		var errs []error
		if string(c.key) == string(roundAt) {
			_, err := s.Rounds(t.Context(), idOf(1))
			errs = append(errs, err)
		} else {
			_, one := s.Session(t.Context(), idOf(1))
			_, all := s.Sessions(t.Context())
			errs = append(errs, one, all)
		}
		for _, err := range errs {
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), fmt.Sprintf("%x", c.key)) {
				t.Errorf("%s: got error %v", c.name, err)
			}
		}
	}
}

func TestRoundOfNoSessionIsCorrupt(t *testing.T) {
	_, roundAt := keysOf(t)
	s := openMemory(t, DefaultOptions())
	overwrite(t, s, roundAt, nil)
	must(t, s.Close())
	_, err := open(s.dir, s.options, s.files)
	wantError(t, err, ErrCorrupt)
}

func TestKeyLayout(t *testing.T) {
	sessionAt, roundAt := keysOf(t)
	id := idOf(1)
	if got, want := fmt.Sprintf("%x", sessionAt), "0101"+"800000000000000a"+"8000000000000001"+id; got != want {
		t.Errorf("session key\n%s, want\n%s", got, want)
	}
	if got, want := fmt.Sprintf("%x", roundAt), "0102"+id+"00000007"; got != want {
		t.Errorf("round key\n%s, want\n%s", got, want)
	}
	if got, want := string(schemaKey), "\x00schema"; got != want {
		t.Errorf("schema key %q, want %q", got, want)
	}
}

// sealed makes a record of any bytes, with a checksum that fits.
func sealed(key, message []byte) []byte {
	record := append([]byte{recordVersion, 0, 0, 0, 0}, message...)
	binary.BigEndian.PutUint32(record[1:], checksum(key, message))
	return record
}

func FuzzDecodeRecord(f *testing.F) {
	sessionAt, roundAt := keysOf(f)
	session, err := encodeRecord(sessionAt, sessionOf(1))
	must(f, err)
	round, err := encodeRecord(roundAt, roundOf(1, 7, 30))
	must(f, err)
	for _, record := range [][]byte{session, round, nil, {1}, round[:20], {2, 0, 0, 0, 0}} {
		f.Add(record)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(key []byte, message proto.Message, err error) {
			if err == nil {
				if again, err := encodeRecord(key, message); err != nil || decodeRecord(key, again, message) != nil {
					t.Fatalf("a decoded record cannot be stored again: %v", err)
				}
			} else if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), fmt.Sprintf("%x", key)) {
				t.Fatalf("error %v", err)
			}
		}
		// As it is, and with a checksum that fits, so that the message is reached.
		for _, seal := range []func(key []byte) []byte{
			func([]byte) []byte { return data },
			func(key []byte) []byte { return sealed(key, data) },
		} {
			session, err := decodeSession(sessionAt, seal(sessionAt))
			check(sessionAt, session, err)
			if err == nil && session.GetHeader().GetId() != idOf(1) {
				t.Fatal("another session passed")
			}
			round, err := decodeRound(roundAt, seal(roundAt))
			check(roundAt, round, err)
			if err == nil && (round.GetSessionId() != idOf(1) || round.GetIndex() != 7) {
				t.Fatal("another round passed")
			}
		}
	})
}
