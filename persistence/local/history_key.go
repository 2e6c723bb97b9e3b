package local

import (
	"encoding/binary"
	"time"

	"github.com/pocket-fisherman/fisherman/rollup"
)

// Keys of rollups. A version of this program without rollups does not read them.
//
//	01 04 | slot | form | id | index            a round that no stored rollup counts yet; the record is empty
//	01 05 | number                              a series
//	01 06 | resolution | block | number | slot  a rollup
//	01 07 | resolution | block                  how much is stored of a block
//	01 08                                       what was removed, and the next number of a series
//
// The slot of a round is 8 bytes, that of a rollup one: its place in the block. Numbers of series and blocks are 4 bytes,
// big-endian. A block is what is removed at once: 4 hours of 5 minutes, 4 days of hours.
const (
	kindUncounted   = 4
	kindSeries      = 5
	kindRollup      = 6
	kindBlock       = 7
	kindHistory     = 8
	rollupSize      = 2 + 1 + 4 + 4 + 1
	uncountedSize   = 2 + 8 + 1 + idSize + 4
	uncountedHashed = 1
)

// historyKey holds the state of the rollups.
var historyKey = []byte{keyVersion, kindHistory}

// blockLength is how long a block is.
func blockLength(r rollup.Resolution) int64 {
	if r == rollup.Hour {
		return int64(96 * time.Hour)
	}
	return int64(4 * time.Hour)
}

// block is a stretch of time whose rollups are removed at once.
type block struct {
	resolution rollup.Resolution
	number     uint32
}

// blockOf returns the block of a slot.
func blockOf(r rollup.Resolution, slot int64) block { return block{r, uint32(slot / blockLength(r))} }

func (b block) start() int64 { return int64(b.number) * blockLength(b.resolution) }

func (b block) end() int64 { return b.start() + blockLength(b.resolution) }

// key returns the key of what is known of the block.
func (b block) key() []byte {
	return binary.BigEndian.AppendUint32([]byte{keyVersion, kindBlock, byte(b.resolution)}, b.number)
}

// bounds returns the first key of a block's rollups and the first after them.
func (b block) bounds() (lower, upper []byte) {
	lower = binary.BigEndian.AppendUint32([]byte{keyVersion, kindRollup, byte(b.resolution)}, b.number)
	upper = binary.BigEndian.AppendUint32([]byte{keyVersion, kindRollup, byte(b.resolution)}, b.number+1)
	return lower, upper
}

// rollupKey appends the key of a series' rollup of a slot.
func rollupKey(to []byte, r rollup.Resolution, number uint32, slot int64) []byte {
	b := blockOf(r, slot)
	to = append(to, keyVersion, kindRollup, byte(r))
	to = binary.BigEndian.AppendUint32(to, b.number)
	to = binary.BigEndian.AppendUint32(to, number)
	return append(to, byte((slot-b.start())/int64(r.Length())))
}

// uncountedKey returns the key that says that a round is not counted yet.
func uncountedKey(slot int64, id sessionID, index uint32) []byte {
	key := append(make([]byte, 0, uncountedSize), keyVersion, kindUncounted)
	key = binary.BigEndian.AppendUint64(key, uint64(slot))
	if id.hashed {
		key = append(key, uncountedHashed)
	} else {
		key = append(key, 0)
	}
	key = append(key, id.bytes[:]...)
	return binary.BigEndian.AppendUint32(key, index)
}

// uncountedBounds returns the first key of rounds that are not counted and the first of those of a slot.
func uncountedBounds(slot int64) (lower, upper []byte) {
	return []byte{keyVersion, kindUncounted}, binary.BigEndian.AppendUint64([]byte{keyVersion, kindUncounted}, uint64(slot))
}

// inUncountedKey returns the round that a key is of. It is not ok when the key is of another kind.
func inUncountedKey(key []byte) (id sessionID, index uint32, ok bool) {
	if len(key) != uncountedSize || key[0] != keyVersion || key[1] != kindUncounted {
		return id, 0, false
	}
	id = sessionID{[idSize]byte(key[11:]), key[10] == uncountedHashed}
	return id, binary.BigEndian.Uint32(key[11+idSize:]), true
}

func seriesKey(number uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{keyVersion, kindSeries}, number)
}

// inRollupKey returns the block of a rollup's key and the beginning of its slot. It is not ok when the key is of another kind.
func inRollupKey(key []byte) (at block, slot int64, ok bool) {
	if len(key) != rollupSize || key[0] != keyVersion || key[1] != kindRollup {
		return at, 0, false
	}
	at = block{rollup.Resolution(key[2]), binary.BigEndian.Uint32(key[3:])}
	return at, slotInKey(at, key), at.resolution == rollup.FiveMinutes || at.resolution == rollup.Hour
}
