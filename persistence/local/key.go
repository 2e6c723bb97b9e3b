package local

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// The key space, version 1. All numbers are big-endian, so that the order of keys is the order of the records:
//
//	00 "schema"                                   the schema's name; no key is before it
//	00 "tally"                                    how many sessions the caps removed; missing while none
//	01 01 | start height | joined time | id       a session; oldest first
//	01 02 | id | index                            a round; by session and index
//
// A store of relays has the same keys: its sessions have a joined time of 0, and relays stand in the place of rounds.
// Heights and times are 8 bytes with the sign bit flipped (negative numbers sort first), ids the 32 bytes behind the 64
// hex digits, indices 4 bytes.
const (
	keyVersion   = 1
	kindSession  = 1
	kindRound    = 2
	idSize       = 32
	sessionStart = 2 + 8 + 8 // where the id begins in a session's key
	sessionSize  = sessionStart + idSize
	roundSize    = 2 + idSize + 4
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

// sessionID is a session's id as it stands in keys.
type sessionID [idSize]byte

// String is the id in hex, as headers carry it.
func (id sessionID) String() string { return hex.EncodeToString(id[:]) }

// parseSessionID reads an id of 64 lower-case hex digits.
func parseSessionID(text string) (id sessionID, err error) {
	if err := types.ValidateSessionID(text); err != nil {
		return id, err
	}
	_, err = hex.Decode(id[:], []byte(text))
	return id, err
}

// sessionKey is where a session lies.
func sessionKey(id sessionID, startHeight, joinedUnixNano int64) []byte {
	key := make([]byte, 0, sessionSize)
	key = append(key, keyVersion, kindSession)
	key = binary.BigEndian.AppendUint64(key, ordered(startHeight))
	key = binary.BigEndian.AppendUint64(key, ordered(joinedUnixNano))
	return append(key, id[:]...)
}

// roundKey is where a session's round lies.
func roundKey(id sessionID, index uint32) []byte {
	key := make([]byte, 0, roundSize)
	key = append(key, keyVersion, kindRound)
	key = append(key, id[:]...)
	return binary.BigEndian.AppendUint32(key, index)
}

// ordered maps numbers to unsigned ones of the same order.
func ordered(n int64) uint64 { return uint64(n) ^ 1<<63 }

// sessionBounds are the first key of all sessions and the first behind them.
func sessionBounds() (lower, upper []byte) {
	return []byte{keyVersion, kindSession}, []byte{keyVersion, kindSession + 1}
}

// roundBounds are the first key of all rounds and the first behind them.
func roundBounds() (lower, upper []byte) {
	return []byte{keyVersion, kindRound}, []byte{keyVersion, kindRound + 1}
}

// roundBoundsOf are the first key of a session's rounds and the first behind them.
func roundBoundsOf(id sessionID) (lower, upper []byte) {
	return roundKey(id, 0), append(roundKey(id, 1<<32-1), 0)
}

// idInSessionKey is the id in a session's key; not ok when it is no such key.
func idInSessionKey(key []byte) (id sessionID, ok bool) {
	if len(key) != sessionSize || !bytes.HasPrefix(key, []byte{keyVersion, kindSession}) {
		return id, false
	}
	return sessionID(key[sessionStart:]), true
}

// idInRoundKey is the id in a round's key; not ok when it is no such key.
func idInRoundKey(key []byte) (id sessionID, ok bool) {
	if len(key) != roundSize || !bytes.HasPrefix(key, []byte{keyVersion, kindRound}) {
		return id, false
	}
	return sessionID(key[2 : 2+idSize]), true
}
