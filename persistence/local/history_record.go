package local

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/pocket-fisherman/fisherman/rollup"
)

// historyForm is the form of the state of the rollups.
const historyForm = 1

// frame returns the record of content under a key, in the form of encodeRecord.
func frame(key, content []byte) []byte {
	record := append(make([]byte, recordHeader, recordHeader+len(content)), content...)
	record[0] = recordVersion
	binary.BigEndian.PutUint32(record[1:], checksum(key, content))
	return record
}

// content returns what frame was given. Errors: ErrCorrupt.
func content(key, record []byte) ([]byte, error) {
	if err := verifyRecord(key, record); err != nil {
		return nil, err
	}
	return record[recordHeader:], nil
}

// record returns the series as it is stored.
func (s *series) record() keyed {
	key := seriesKey(s.number)
	var text []byte
	for _, part := range []string{s.Servicer, s.RelayChain, s.GeoZone, s.url} {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	text = binary.AppendVarint(text, s.urlAt)
	text = binary.AppendUvarint(text, uint64(s.newest))
	return keyed{key, frame(key, text)}
}

// decodeSeries reads the series under a key. Errors: ErrCorrupt.
func decodeSeries(key, record []byte) (*series, error) {
	rest, err := content(key, record)
	if err != nil {
		return nil, err
	}
	r := fields{rest: rest}
	s := &series{Series: rollup.Series{Servicer: r.text(), RelayChain: r.text(), GeoZone: r.text()}, url: r.text()}
	s.urlAt, s.newest = r.signed(), uint32(r.number())
	if len(key) != 6 || r.failed || len(r.rest) > 0 {
		return nil, corrupt(key, "not a series")
	}
	s.number = binary.BigEndian.Uint32(key[2:])
	return s, nil
}

// record returns how much is stored of a block, as it is stored.
func (b block) record(size blockSize) keyed {
	key := b.key()
	text := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(size.bytes)), uint64(size.rollups))
	text = binary.AppendVarint(text, size.first)
	return keyed{key, frame(key, text)}
}

// decodeBlock reads how much is stored of the block under a key. Errors: ErrCorrupt.
func decodeBlock(key, record []byte) (b block, size blockSize, err error) {
	rest, err := content(key, record)
	if err != nil {
		return b, size, err
	}
	r := fields{rest: rest}
	size = blockSize{bytes: int64(r.number()), rollups: int64(r.number()), first: r.signed()}
	if len(key) != 7 || r.failed || len(r.rest) > 0 {
		return b, size, corrupt(key, "not a block of rollups")
	}
	return block{rollup.Resolution(key[2]), binary.BigEndian.Uint32(key[3:])}, size, nil
}

// stateRecord returns the state of the rollups as it is stored.
func stateRecord(next uint32, floors [rollup.Hour + 1]int64) keyed {
	state := binary.AppendUvarint([]byte{historyForm}, uint64(next))
	for _, r := range rollup.Resolutions() {
		state = binary.AppendVarint(state, floors[r])
	}
	return keyed{historyKey, frame(historyKey, state)}
}

// readState reads the state of the rollups. Errors: ErrCorrupt, ErrForeign.
func (h *history) readState(record []byte) error {
	rest, err := content(historyKey, record)
	if err != nil {
		return err
	}
	r := fields{rest: rest}
	form := r.number()
	h.next = uint32(r.number())
	for _, resolution := range rollup.Resolutions() {
		h.floors[resolution] = r.signed()
	}
	switch {
	case r.failed:
		return corrupt(historyKey, "not the state of rollups")
	case form != historyForm:
		return fmt.Errorf("%w: its rollups have form %d, this program writes %d", ErrForeign, form, historyForm)
	}
	return nil
}

// decodeRollup reads the rollup of a slot under a key. Errors: ErrCorrupt.
func decodeRollup(key, record []byte, slot int64, to *rollup.Rollup) error {
	rest, err := content(key, record)
	if err != nil {
		return err
	}
	if err := to.Decode(rest, slot); err != nil {
		return corrupt(key, err.Error())
	}
	return nil
}

// slotInKey returns the beginning of the slot of a rollup's key.
func slotInKey(b block, key []byte) int64 {
	return b.start() + int64(key[len(key)-1])*int64(b.resolution.Length()/time.Nanosecond)
}

// fields reads the parts of a record. Once something is amiss it returns zeros.
type fields struct {
	rest   []byte
	failed bool
}

func (f *fields) number() uint64 {
	value, size := binary.Uvarint(f.rest)
	if size <= 0 {
		f.failed, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[size:]
	return value
}

func (f *fields) signed() int64 {
	value, size := binary.Varint(f.rest)
	if size <= 0 {
		f.failed, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[size:]
	return value
}

func (f *fields) text() string {
	size := f.number()
	if size > uint64(len(f.rest)) {
		f.failed, f.rest = true, nil
		return ""
	}
	text := string(f.rest[:size])
	f.rest = f.rest[size:]
	return text
}
