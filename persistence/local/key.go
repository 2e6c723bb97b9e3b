package local

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// The key space, version 1. All numbers are big-endian, so that keys and records have the same order:
//
//	00 "schema"                                   the schema's name; no key is before it
//	00 "tally"                                    how many sessions the caps removed; missing while none
//	01 01 | start height | joined time | id       a session; oldest first
//	01 01 | start height | joined time | hash 01  a session whose id is not 64 hex digits
//	01 02 | id | index                            a round; by session and index
//	01 03 | hash | index                          a round of a session whose id is not 64 hex digits
//
//	01 04 to 01 08                                rollups (history_key.go)
//	01 09                                         notes (note.go)
//	01 0a                                         the outbox (outbox_key.go)
//
// A store of relays has the same keys: its sessions have a joined time of 0, and its relays the keys of rounds. Heights
// and times are 8 bytes with the sign bit flipped (negative numbers sort first), indices 4 bytes. An id is the 32 bytes
// that its 64 hex digits stand for. A hash is the SHA-256 of an id of another form; the record has the id itself.
const (
	keyVersion    = 1
	kindSession   = 1
	kindRound     = 2
	kindOfHashed  = 3
	idSize        = 32
	sessionStart  = 2 + 8 + 8 // where the id begins in a session's key
	sessionSize   = sessionStart + idSize
	roundSize     = 2 + idSize + 4
	hashedSession = 1 // the last byte of a session's key with a hash
)

// schemaKey holds the schema's name in every version of the key space.
var schemaKey = []byte("\x00schema")

// tallyKey holds the number of sessions that the caps removed.
var tallyKey = []byte("\x00tally")

// The schema's name identifies a directory of a kind of store and the form of its records.
const (
	schemaName  = "pocket-fisherman/qos-samples/v1"
	relaySchema = "pocket-fisherman/volume-relays/v1"
)

// sessionID is a session's id as keys have it. The two forms never meet, whatever an id's text is.
type sessionID struct {
	bytes  [idSize]byte
	hashed bool
}

// parseSessionID reads an id of our own chain: 64 lower-case hex digits.
func parseSessionID(text string) (id sessionID, err error) {
	if err := types.ValidateSessionID(text); err != nil {
		return id, err
	}
	_, err = hex.Decode(id.bytes[:], []byte(text))
	return id, err
}

// sampledID reads an id of any network: 1 to 128 bytes of printable text.
func sampledID(text string) (sessionID, error) {
	if id, err := parseSessionID(text); err == nil {
		return id, nil
	}
	return sessionID{sha256.Sum256([]byte("pocket-fisherman/session-id/v1\x00" + text)), true}, types.ValidateOpaque(text)
}

// sessionKey returns the key of a session.
func sessionKey(id sessionID, startHeight, joinedUnixNano int64) []byte {
	key := make([]byte, 0, sessionSize+1)
	key = append(key, keyVersion, kindSession)
	key = binary.BigEndian.AppendUint64(key, ordered(startHeight))
	key = binary.BigEndian.AppendUint64(key, ordered(joinedUnixNano))
	key = append(key, id.bytes[:]...)
	if id.hashed {
		key = append(key, hashedSession)
	}
	return key
}

// roundKey returns the key of a session's round.
func roundKey(id sessionID, index uint32) []byte {
	key := append(make([]byte, 0, roundSize), keyVersion, kindRound)
	if id.hashed {
		key[1] = kindOfHashed
	}
	key = append(key, id.bytes[:]...)
	return binary.BigEndian.AppendUint32(key, index)
}

// ordered maps numbers to unsigned ones in the same order.
func ordered(n int64) uint64 { return uint64(n) ^ 1<<63 }

// sessionBounds returns the first key of all sessions and the first after them.
func sessionBounds() (lower, upper []byte) {
	return []byte{keyVersion, kindSession}, []byte{keyVersion, kindSession + 1}
}

// roundBounds returns the first key of all rounds and the first after them.
func roundBounds() (lower, upper []byte) {
	return []byte{keyVersion, kindRound}, []byte{keyVersion, kindOfHashed + 1}
}

// roundBoundsOf returns the first key of a session's rounds and the first after them.
func roundBoundsOf(id sessionID) (lower, upper []byte) {
	return roundKey(id, 0), append(roundKey(id, 1<<32-1), 0)
}

// idInSessionKey returns the id in a session's key. It is not ok when the key is not a session's.
func idInSessionKey(key []byte) (id sessionID, ok bool) {
	if len(key) < sessionSize || !bytes.HasPrefix(key, []byte{keyVersion, kindSession}) {
		return id, false
	}
	id.bytes, id.hashed = [idSize]byte(key[sessionStart:]), len(key) > sessionSize
	return id, !id.hashed || bytes.Equal(key[sessionSize:], []byte{hashedSession})
}

// idInRoundKey returns the id in a round's key. It is not ok when the key is not a round's.
func idInRoundKey(key []byte) (id sessionID, ok bool) {
	if len(key) != roundSize || key[0] != keyVersion || key[1] != kindRound && key[1] != kindOfHashed {
		return id, false
	}
	return sessionID{[idSize]byte(key[2:]), key[1] == kindOfHashed}, true
}

// indexInRoundKey returns the index in a round's key.
func indexInRoundKey(key []byte) uint32 { return binary.BigEndian.Uint32(key[roundSize-4:]) }
