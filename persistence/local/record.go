package local

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"google.golang.org/protobuf/proto"
)

// ErrCorrupt is returned when a stored record is not what was written. The error names the record's key in hex, or the
// damaged file.
var ErrCorrupt = errors.New("stored record is corrupt")

// A record is: version (1 byte) | CRC-32C of key and message (4 bytes, big-endian) | protobuf message. The key is part of
// the checksum, so that a record that ended up under another key does not pass.
const (
	recordVersion = 1
	recordHeader  = 1 + 4
)

// keyed is a record with the key that it is stored under.
type keyed struct{ key, record []byte }

// size returns what the record counts against MaxBytes.
func (k keyed) size() int64 { return int64(len(k.key) + len(k.record)) }

// encodeRecord returns the record of a message under a key.
func encodeRecord(key []byte, message proto.Message) ([]byte, error) {
	record, err := proto.MarshalOptions{}.MarshalAppend(make([]byte, recordHeader), message)
	if err != nil {
		return nil, err
	}
	record[0] = recordVersion
	binary.BigEndian.PutUint32(record[1:], checksum(key, record[recordHeader:]))
	return record, nil
}

// verifyRecord checks that the record under a key is the one that was written. Errors: ErrCorrupt.
func verifyRecord(key, record []byte) error {
	switch {
	case len(record) < recordHeader:
		return corrupt(key, fmt.Sprintf("%d bytes are too few", len(record)))
	case record[0] != recordVersion:
		return corrupt(key, fmt.Sprintf("record version is %d, not %d", record[0], recordVersion))
	case binary.BigEndian.Uint32(record[1:]) != checksum(key, record[recordHeader:]):
		return corrupt(key, "wrong checksum")
	}
	return nil
}

// decodeRecord reads the record under a key into message. Errors: ErrCorrupt.
func decodeRecord(key, record []byte, message proto.Message) error {
	if err := verifyRecord(key, record); err != nil {
		return err
	}
	if err := proto.Unmarshal(record[recordHeader:], message); err != nil {
		return corrupt(key, err.Error())
	}
	return nil
}

// decodeSession reads the session under a key. Errors: ErrCorrupt.
func decodeSession(key, record []byte) (*types.QoSSession, error) {
	session := new(types.QoSSession)
	if err := decodeRecord(key, record, session); err != nil {
		return nil, err
	}
	id, err := sampledID(session.GetHeader().GetId())
	if err != nil || !bytes.Equal(key, sessionKey(id, session.GetHeader().GetStartHeight(), session.GetJoinedUnixNano())) {
		return nil, corrupt(key, "the record is another session's")
	}
	return session, nil
}

// decodeRound reads the round under a key. Errors: ErrCorrupt.
func decodeRound(key, record []byte) (*types.QoSRound, error) {
	round := new(types.QoSRound)
	if err := decodeRecord(key, record, round); err != nil {
		return nil, err
	}
	id, err := sampledID(round.GetSessionId())
	if err != nil || !bytes.Equal(key, roundKey(id, round.GetIndex())) {
		return nil, corrupt(key, "the record is another round's")
	}
	return round, nil
}

func checksum(key, message []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(key, table), table, message)
}

func corrupt(key []byte, why string) error {
	return fmt.Errorf("%w: key %x: %s", ErrCorrupt, key, why)
}

// plain returns err on one line, and as ErrCorrupt when pebble found a damaged file.
func plain(err error) error {
	if !pebble.IsCorruptionError(err) {
		return err
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%w: %s", ErrCorrupt, line)
}
