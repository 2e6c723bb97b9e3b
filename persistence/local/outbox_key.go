package local

import (
	"encoding/binary"
)

// Keys of the outbox, in a store whose samples are published. A version of this program without a feed does not read them.
//
//	01 09 00                        the outbox: its instance, and what it has counted
//	01 09 01                        the flight, while there is one
//	01 09 02 | form | id            what was said of a session
//	01 09 03 | form | id | index    a round that is not published yet
//	01 09 04 | number               rounds that were removed before they were published
//	01 09 05 | relay chain          how far a relay chain's feed has come
//
// A form is 0, or 1 for a session whose id is not 64 hex digits. Numbers are 8 bytes, indices 4, big-endian.
const (
	kindOutbox = 9

	outboxState    = 0
	outboxFlight   = 1
	outboxSession  = 2
	outboxRound    = 3
	outboxGap      = 4
	outboxPosition = 5

	outboxSessionSize = 3 + 1 + idSize
)

func outboxKey(part byte) []byte { return []byte{keyVersion, kindOutbox, part} }

// outboxIDKey returns the key of a part of the outbox about a session, or what such keys begin with.
func outboxIDKey(part byte, id sessionID) []byte {
	key := append(make([]byte, 0, outboxSessionSize+4), keyVersion, kindOutbox, part, 0)
	if id.hashed {
		key[3] = 1
	}
	return append(key, id.bytes[:]...)
}

func outboxSessionKey(id sessionID) []byte { return outboxIDKey(outboxSession, id) }

func outboxRoundKey(id sessionID, index uint32) []byte {
	return binary.BigEndian.AppendUint32(outboxIDKey(outboxRound, id), index)
}

// outboxRoundsOf returns the first key of a session's rounds from an index on, and the first after them.
func outboxRoundsOf(id sessionID, from uint32) (lower, upper []byte) {
	return outboxRoundKey(id, from), append(outboxRoundKey(id, 1<<32-1), 0)
}

func outboxGapKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64(outboxKey(outboxGap), number)
}

func outboxPositionKey(relayChain string) []byte {
	return append(outboxKey(outboxPosition), relayChain...)
}

// outboxBounds returns the first key of a part of the outbox and the first after it.
func outboxBounds(part byte) (lower, upper []byte) { return outboxKey(part), outboxKey(part + 1) }

// inOutboxKey returns the session in the key of one, and the index in the key of a round. It is not ok for another key.
func inOutboxKey(key []byte) (id sessionID, index uint32, ok bool) {
	if len(key) < outboxSessionSize || key[3] > 1 {
		return id, 0, false
	}
	id = sessionID{[idSize]byte(key[4:]), key[3] == 1}
	switch rest := key[outboxSessionSize:]; {
	case key[2] == outboxSession && len(rest) == 0:
		return id, 0, true
	case key[2] == outboxRound && len(rest) == 4:
		return id, binary.BigEndian.Uint32(rest), true
	}
	return id, 0, false
}
