package rollup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// A stored rollup is its form (1 byte), then which fields follow (a bit each), then the fields that are not 0, in the order
// of the constants below. Numbers are unsigned varints. Times are written last: their counts are a stream of bits.
//
//	outcomes   how many, then for each the difference to the one before and the count
//	lags       how many, then for each the difference to the one before and the count; then the largest
//	newest     milliseconds since the slot's beginning; zigzag
//	SLA, lag time   microseconds
//	warm, cold first bucket, buckets, least time, longest less least time, parameter, then the counts in Rice's code,
//	           padded to whole bytes
const recordForm = 1

// Fields of a record.
const (
	fieldOutcomes = 1 << iota
	fieldOverSLA
	fieldAgree
	fieldDisagree
	fieldUndecidable
	fieldBehind
	fieldLags
	fieldLagTime
	fieldNewest
	fieldSLA
	fieldDone
	fieldVoid
	fieldDropped
	fieldWarm
	fieldCold
	allFields = 1<<iota - 1
)

// Bounds of what is decoded, so that sums of counts never overflow.
const (
	maxCount    = 1 << 31
	maxRecord   = 1 << 16
	maxDuration = 1 << 54
)

// ErrMalformed is returned when bytes are not the record of a rollup.
var ErrMalformed = errors.New("malformed rollup")

// AppendRecord appends the stored form of a rollup of the slot that begins at start, in nanoseconds since the Unix epoch.
func (r *Rollup) AppendRecord(to []byte, start int64) []byte {
	to = append(to, recordForm)
	fields := r.fields()
	to = binary.AppendUvarint(to, fields)
	has := func(field uint64) bool { return fields&field != 0 }
	if has(fieldOutcomes) {
		to = r.appendOutcomes(to)
	}
	for _, counted := range r.counters() {
		if has(counted.field) && counted.field < fieldLags {
			to = binary.AppendUvarint(to, uint64(*counted.count))
		}
	}
	if has(fieldLags) {
		to = r.Lags.append(to)
	}
	if has(fieldLagTime) {
		to = binary.AppendUvarint(to, uint64(r.LagTime.Microseconds()))
	}
	if has(fieldNewest) {
		to = binary.AppendVarint(to, r.Newest-start/int64(time.Millisecond))
	}
	if has(fieldSLA) {
		to = binary.AppendUvarint(to, uint64(r.SLA.Microseconds()))
	}
	for _, counted := range r.counters() {
		if has(counted.field) && counted.field > fieldLags {
			to = binary.AppendUvarint(to, uint64(*counted.count))
		}
	}
	if has(fieldWarm) {
		to = r.Warm.append(to)
	}
	if has(fieldCold) {
		to = r.Cold.append(to)
	}
	return to
}

// counter is a count with its field.
type counter struct {
	field uint64
	count *int
}

// counters are the counts that are single numbers, in the order of their fields.
func (r *Rollup) counters() [8]counter {
	return [...]counter{{fieldOverSLA, &r.OverSLA}, {fieldAgree, &r.Agree}, {fieldDisagree, &r.Disagree},
		{fieldUndecidable, &r.Undecidable}, {fieldBehind, &r.Behind}, {fieldDone, &r.Done}, {fieldVoid, &r.Void},
		{fieldDropped, &r.Dropped}}
}

// fields are those that are not 0.
func (r *Rollup) fields() (fields uint64) {
	set := func(field uint64, present bool) {
		if present {
			fields |= field
		}
	}
	for _, counted := range r.counters() {
		set(counted.field, *counted.count > 0)
	}
	set(fieldOutcomes, r.Outcomes != [outcomes]uint32{})
	set(fieldLags, r.Lags.count > 0)
	set(fieldLagTime, r.LagTimed)
	set(fieldNewest, r.Newest != 0)
	set(fieldSLA, r.SLA > 0)
	set(fieldWarm, r.Warm.count > 0)
	set(fieldCold, r.Cold.count > 0)
	return fields
}

func (r *Rollup) appendOutcomes(to []byte) []byte {
	kinds, before := 0, 0
	for _, n := range r.Outcomes {
		if n > 0 {
			kinds++
		}
	}
	to = append(to, byte(kinds))
	for outcome, n := range r.Outcomes {
		if n > 0 {
			to = append(to, byte(outcome-before))
			to = binary.AppendUvarint(to, uint64(n))
			before = outcome
		}
	}
	return to
}

func (l *Lags) append(to []byte) []byte {
	to = binary.AppendUvarint(to, uint64(len(l.counts)))
	before := int64(0)
	for _, c := range l.counts {
		to = binary.AppendUvarint(to, uint64(c.lag-before))
		to = binary.AppendUvarint(to, uint64(c.claims))
		before = c.lag
	}
	return binary.AppendUvarint(to, uint64(l.longest))
}

// append appends times. Rice's code of a count with a parameter k is count>>k ones, a zero, and the k lowest bits: short
// for counts that are about as large as 2^k.
func (t *Times) append(to []byte) []byte {
	to = binary.AppendUvarint(to, uint64(t.first))
	to = binary.AppendUvarint(to, uint64(len(t.counts)))
	to = binary.AppendUvarint(to, uint64(t.least))
	to = binary.AppendUvarint(to, uint64(t.longest-t.least))
	k := riceParameter(t.counts)
	to = append(to, byte(k))
	w := bitWriter{bytes: to}
	for _, n := range t.counts {
		for range n >> k {
			w.write(1, 1)
		}
		w.write(0, 1)
		w.write(uint64(n)&(1<<k-1), k)
	}
	return w.flush()
}

// riceParameter is the one with the shortest code.
func riceParameter(counts []uint32) (best int) {
	least := ^uint64(0)
	for k := range 32 {
		bits := uint64(0)
		for _, n := range counts {
			bits += uint64(n>>k) + 1 + uint64(k)
		}
		if bits >= least {
			break // it has one minimum, but for ties
		}
		least, best = bits, k
	}
	return best
}

// bitWriter appends bits, the lowest of each byte first.
type bitWriter struct {
	bytes []byte
	word  uint64
	bits  int
}

// write appends the n lowest bits of value, at most 32.
func (w *bitWriter) write(value uint64, n int) {
	w.word |= value << w.bits
	w.bits += n
	for w.bits >= 8 {
		w.bytes = append(w.bytes, byte(w.word))
		w.word >>= 8
		w.bits -= 8
	}
}

func (w *bitWriter) flush() []byte {
	if w.bits > 0 {
		w.bytes = append(w.bytes, byte(w.word))
	}
	return w.bytes
}

// Decode reads the stored form of a rollup of the slot that begins at start. What was in r before is lost; its memory is
// used again. Errors: ErrMalformed, after which r is worth nothing.
func (r *Rollup) Decode(record []byte, start int64) error {
	r.Reset()
	if len(record) > maxRecord {
		return fmt.Errorf("%w: %d bytes", ErrMalformed, len(record))
	}
	d := decoder{rest: record}
	if form := d.byte(); form != recordForm {
		return fmt.Errorf("%w: form %d, not %d", ErrMalformed, form, recordForm)
	}
	fields := d.number(allFields)
	has := func(field uint64) bool { return fields&field != 0 }
	if has(fieldOutcomes) {
		d.outcomes(r)
	}
	counters := r.counters()
	for _, counted := range counters[:5] {
		if has(counted.field) {
			*counted.count = int(d.number(maxCount))
		}
	}
	if has(fieldLags) {
		d.lags(&r.Lags)
	}
	if has(fieldLagTime) {
		r.LagTime, r.LagTimed = time.Duration(d.number(maxDuration))*time.Microsecond, true
	}
	if has(fieldNewest) {
		r.Newest = d.signed() + start/int64(time.Millisecond)
	}
	if has(fieldSLA) {
		r.SLA = time.Duration(d.number(maxDuration)) * time.Microsecond
	}
	for _, counted := range counters[5:] {
		if has(counted.field) {
			*counted.count = int(d.number(maxCount))
		}
	}
	if has(fieldWarm) {
		d.times(&r.Warm)
	}
	if has(fieldCold) {
		d.times(&r.Cold)
	}
	if d.failed || len(d.rest) > 0 {
		return ErrMalformed
	}
	return nil
}

// decoder reads a record. Once something is amiss it returns zeros.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) fail() { d.failed, d.rest = true, nil }

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

// number reads a number of at most most.
func (d *decoder) number(most uint64) uint64 {
	value, size := binary.Uvarint(d.rest)
	if size <= 0 || value > most {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return value
}

func (d *decoder) signed() int64 {
	value, size := binary.Varint(d.rest)
	if size <= 0 || value > maxDuration || value < -maxDuration {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return value
}

func (d *decoder) outcomes(r *Rollup) {
	outcome := 0
	for range d.number(outcomes) {
		if outcome += int(d.byte()); outcome >= outcomes {
			d.fail()
			return
		}
		r.Outcomes[outcome] = uint32(d.number(maxCount))
	}
}

func (d *decoder) lags(l *Lags) {
	lag := int64(0)
	for range d.number(maxRecord) {
		if lag += int64(d.number(maxDuration)); lag > maxDuration || d.failed {
			d.fail()
			return
		}
		claims := uint32(d.number(maxCount))
		l.counts = append(l.counts, lagCount{lag, claims})
		l.count += int(claims)
	}
	l.longest = int64(d.number(maxDuration))
}

// times reads times.
func (d *decoder) times(t *Times) {
	t.first = int(d.number(maxBucket))
	buckets := int(d.number(maxBucket))
	t.least = int64(d.number(maxDuration))
	t.longest = t.least + int64(d.number(maxDuration))
	k := int(d.byte())
	if buckets == 0 || t.first+buckets > maxBucket+1 || k > 31 || d.failed {
		d.fail()
		return
	}
	r := bitReader{rest: d.rest}
	for range buckets {
		n := r.ones()<<k | r.read(k)
		if n > maxCount || r.failed {
			d.fail()
			return
		}
		t.counts = append(t.counts, uint32(n))
		t.count += int(n)
	}
	d.rest = d.rest[len(d.rest)-r.unread():]
	if t.count == 0 || t.counts[0] == 0 || t.counts[buckets-1] == 0 {
		d.fail()
	}
}

// bitReader reads what bitWriter has written.
type bitReader struct {
	rest   []byte
	word   uint64
	bits   int
	failed bool
}

// fill makes at least 32 bits ready, as long as there are any.
func (r *bitReader) fill() {
	for r.bits <= 56 && len(r.rest) > 0 {
		r.word |= uint64(r.rest[0]) << r.bits
		r.rest = r.rest[1:]
		r.bits += 8
	}
}

// ones reads ones and the zero that ends them, and returns how many ones.
func (r *bitReader) ones() (count uint64) {
	for {
		if r.bits < 32 {
			r.fill()
		}
		run := bits.TrailingZeros64(^r.word)
		if run < r.bits {
			r.drop(run + 1)
			return count + uint64(run)
		}
		count += uint64(r.bits)
		r.drop(r.bits)
		if len(r.rest) == 0 {
			r.failed = true
			return 0
		}
	}
}

// read reads n bits, at most 31.
func (r *bitReader) read(n int) uint64 {
	if r.bits < n {
		r.fill()
	}
	if r.bits < n {
		r.failed = true
		return 0
	}
	value := r.word & (1<<n - 1)
	r.drop(n)
	return value
}

func (r *bitReader) drop(n int) {
	r.word >>= n // a shift by 64 leaves 0
	r.bits -= n
}

// unread returns how many whole bytes are left.
func (r *bitReader) unread() int { return len(r.rest) + r.bits/8 }
