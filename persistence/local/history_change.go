package local

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/rollup"
)

// historyChange is what a transaction does to the rollups. The history itself changes in apply, once that is durable.
type historyChange struct {
	*history
	batch *pebble.Batch
	now   time.Time
	// lost is told of a stored rollup that cannot be read and is replaced.
	lost func(error)

	// staged are rounds whose keys are in the batch.
	staged []countedRound
	// written are the open rollups that the batch stores; allWritten, of all rounds before those that are staged.
	written    []cell
	allWritten bool
	// boundary is the moment before which all rounds are counted.
	boundary int64
	// changed are series that are new or other than before, by number, removed ones that are gone; sizes are those of
	// blocks that changed.
	changed map[uint32]*series
	byName  map[rollup.Series]*series
	removed map[uint32]*series
	sizes   map[block]blockSize
	next    uint32
	floors  [rollup.Hour + 1]int64
	bytes   int64
}

func (h *history) change(batch *pebble.Batch, now time.Time, lost func(error)) *historyChange {
	return &historyChange{history: h, batch: batch, now: now, lost: lost, changed: make(map[uint32]*series),
		byName: make(map[rollup.Series]*series), removed: make(map[uint32]*series), sizes: make(map[block]blockSize), next: h.next, floors: h.floors, bytes: h.bytes}
}

// stage has a round counted.
func (c *historyChange) stage(round countedRound) error {
	c.staged = append(c.staged, round)
	return c.batch.Set(uncountedKey(round.slot, round.id, round.round.GetIndex()), nil, nil)
}

// uncountedOf reports whether rounds of a session are not counted by a stored rollup.
func (c *historyChange) uncountedOf(id sessionID) bool {
	return !c.allWritten && !c.counts(id) ||
		slices.ContainsFunc(c.staged, func(round countedRound) bool { return round.id == id })
}

// errTooManySeries is why rollups of a new series are not kept.
var errTooManySeries = fmt.Errorf("there are %d series of rollups already", mostSeries)

// isDue reports whether open rollups are to be stored.
func (c *historyChange) isDue() bool {
	early := c.due.Sub(c.now) > rollup.FiveMinutes.Length()+historyGrace // the clock was set back
	return c.full() || early || !c.now.Before(c.due)
}

// nextDue is when the slot after this moment is over and waited for.
func nextDue(now time.Time) time.Time {
	slot := rollup.FiveMinutes.Slot(max(now.Add(-historyGrace).UnixNano(), 0))
	return time.Unix(0, slot).Add(rollup.FiveMinutes.Length() + historyGrace)
}

// store stores the open rollups of slots that are over and waited for, or all of them if too much is open.
func (c *historyChange) store() error {
	if c.full() {
		return c.storeAll()
	}
	c.boundary = rollup.FiveMinutes.Slot(max(c.now.Add(-historyGrace).UnixNano(), 0))
	over := make(map[cell]*opened)
	for at, open := range c.open {
		if at.slot < c.boundary {
			over[at] = open
			c.written = append(c.written, at)
		}
	}
	if len(over) > 0 {
		lower, upper := uncountedBounds(c.boundary)
		if err := c.batch.DeleteRange(lower, upper, nil); err != nil {
			return err
		}
	}
	return c.write(over)
}

// storeAll stores all open rollups, with the rounds that are staged.
func (c *historyChange) storeAll() error {
	all := make(map[cell]*opened)
	if !c.allWritten {
		written := make(map[cell]bool, len(c.written))
		for _, at := range c.written {
			written[at] = true
		}
		for at, open := range c.open {
			if !written[at] {
				all[at] = open
			}
		}
	}
	staged := make(map[cell]*opened)
	for _, round := range c.staged {
		round.count(staged)
	}
	for at, open := range staged {
		if before := all[at]; before != nil { // which is in use
			open.Merge(&before.Rollup)
			if before.urlAt > open.urlAt {
				open.url, open.urlAt = before.url, before.urlAt
			}
		}
		all[at] = open
	}
	c.allWritten, c.staged, c.written = true, nil, nil
	if len(all) > 0 {
		if err := c.batch.DeleteRange([]byte{keyVersion, kindUncounted}, []byte{keyVersion, kindUncounted + 1}, nil); err != nil {
			return err
		}
	}
	return c.write(all)
}

// write adds open rollups to those that are stored, and removes what is not kept any more.
func (c *historyChange) write(open map[cell]*opened) error {
	cells, err := c.inOrder(open)
	if err != nil {
		return err
	}
	stored := c.newStored()
	var hour rollup.Rollup
	for i, at := range cells {
		if err := c.add(stored, rollup.FiveMinutes, at, &open[at.cell].Rollup); err != nil {
			return errors.Join(err, stored.close())
		}
		hour.Merge(&open[at.cell].Rollup)
		begins := rollup.Hour.Slot(at.slot)
		if i+1 < len(cells) && cells[i+1].number == at.number && rollup.Hour.Slot(cells[i+1].slot) == begins {
			continue
		}
		at.slot = begins
		if err := c.add(stored, rollup.Hour, at, &hour); err != nil {
			return errors.Join(err, stored.close())
		}
		hour.Reset()
	}
	if err := errors.Join(stored.close(), c.expire(), c.shrink()); err != nil || len(c.sizes) == 0 {
		return err
	}
	return c.writeState()
}

// numbered is a cell with the number of its series, by which it is stored.
type numbered struct {
	cell
	number uint32
}

// inOrder returns the cells of open rollups in the order in which they are stored, without those of series that are too many.
func (c *historyChange) inOrder(open map[cell]*opened) ([]numbered, error) {
	cells := slices.SortedFunc(maps.Keys(open), func(a, b cell) int {
		return cmp.Or(a.series.Compare(b.series), cmp.Compare(a.slot, b.slot))
	})
	kept := make([]numbered, 0, len(cells))
	for _, at := range cells {
		s, err := c.seriesOf(at, open[at])
		if err != nil {
			return nil, err
		}
		if s != nil {
			kept = append(kept, numbered{at, s.number})
		}
	}
	slices.SortFunc(kept, func(a, b numbered) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.slot, b.slot))
	})
	return kept, nil
}

// add adds a rollup to the one that is stored of its slot.
func (c *historyChange) add(before *storedRollups, r rollup.Resolution, of numbered, open *rollup.Rollup) error {
	if of.slot < c.covered(r) {
		return nil
	}
	key := rollupKey(make([]byte, 0, rollupSize), r, of.number, of.slot)
	found, size, err := before.read(r, key, of.slot)
	if err != nil {
		return err
	}
	at := blockOf(r, of.slot)
	block := c.sizeOf(at)
	if size > 0 {
		found.Merge(open)
		open = found
	} else if block.rollups++; block.rollups == 1 {
		block.first = of.slot
	}
	block.first = min(block.first, of.slot)
	next := keyed{key, frame(key, open.AppendRecord(nil, of.slot))}
	block.bytes += next.size() - size
	c.bytes += next.size() - size
	c.sizes[at] = block
	return c.batch.Set(next.key, next.record, nil)
}

// seriesOf returns the series of an open rollup, stored if it is new or has changed; nil when there are too many.
func (c *historyChange) seriesOf(at cell, open *opened) (*series, error) {
	before := c.byName[at.series]
	if before == nil {
		before = c.history.series[at.series]
	}
	hours := blockOf(rollup.Hour, at.slot).number
	next := series{Series: at.series, url: open.url, urlAt: open.urlAt, newest: hours}
	if before != nil {
		next.number, next.newest = before.number, max(before.newest, hours)
		if next.url == before.url || next.urlAt < before.urlAt {
			next.url, next.urlAt = before.url, before.urlAt
		}
		if next == *before && c.removed[before.number] == nil {
			return before, nil
		}
		delete(c.removed, before.number)
	} else {
		if len(c.history.series)+int(c.next-c.history.next) >= mostSeries {
			c.lost(errTooManySeries)
			return nil, nil
		}
		next.number = c.next
		c.next++
	}
	c.changed[next.number], c.byName[at.series] = &next, &next
	record := next.record()
	return &next, c.batch.Set(record.key, record.record, nil)
}

func (c *historyChange) sizeOf(b block) blockSize {
	if size, changed := c.sizes[b]; changed {
		return size
	}
	return c.blocks[b]
}

// covered is covers with what the transaction removes.
func (c *historyChange) covered(r rollup.Resolution) int64 {
	return max(c.floors[r], c.covers(r, c.now))
}

// expire removes the oldest block of each resolution if it is older than what is kept: no more of them at once, so that a
// clock that is wrong for a moment costs little.
func (c *historyChange) expire() error {
	var errs []error
	for _, r := range rollup.Resolutions() {
		if blocks := c.blocksOf(r, 0, c.covers(r, c.now)); len(blocks) > 0 && blocks[0].end() <= c.covers(r, c.now) {
			errs = append(errs, c.remove(blocks[0]))
		}
	}
	return errors.Join(errs...)
}

// shrink removes the oldest blocks until the cap is kept.
func (c *historyChange) shrink() error {
	for c.bytes > c.options.MaxBytes {
		oldest, ok := c.oldest()
		if !ok {
			return nil
		}
		if err := c.remove(oldest); err != nil {
			return err
		}
	}
	return nil
}

// oldest returns the block that is removed first.
func (c *historyChange) oldest() (oldest block, ok bool) {
	sizes := maps.Clone(c.blocks)
	maps.Copy(sizes, c.sizes)
	for b, size := range sizes {
		if size.rollups > 0 && (!ok || cmp.Or(cmp.Compare(b.end(), oldest.end()), cmp.Compare(b.resolution, oldest.resolution)) < 0) {
			oldest, ok = b, true
		}
	}
	return oldest, ok
}

// remove removes a block, and the series that have nothing after it.
func (c *historyChange) remove(b block) error {
	lower, upper := b.bounds()
	c.bytes -= c.sizeOf(b).bytes
	c.sizes[b] = blockSize{}
	c.floors[b.resolution] = max(c.floors[b.resolution], b.end())
	errs := []error{c.batch.DeleteRange(lower, upper, nil), c.batch.Delete(b.key(), nil)}
	if b.resolution != rollup.Hour {
		return errors.Join(errs...)
	}
	for number, s := range c.numbers {
		if s.newest <= b.number && c.changed[number] == nil && c.removed[number] == nil {
			c.removed[number] = s
			errs = append(errs, c.batch.Delete(seriesKey(number), nil))
		}
	}
	return errors.Join(errs...)
}

// writeState adds to the batch what is known of blocks, and the state.
func (c *historyChange) writeState() error {
	state := stateRecord(c.next, c.floors)
	errs := []error{c.batch.Set(state.key, state.record, nil)}
	for b, size := range c.sizes {
		record := b.record(size)
		if size.rollups == 0 {
			errs = append(errs, c.batch.Delete(record.key, nil))
			continue
		}
		errs = append(errs, c.batch.Set(record.key, record.record, nil))
	}
	return errors.Join(errs...)
}

// apply makes the changes in the history once they are durable.
func (c *historyChange) apply() {
	h := c.history
	if c.allWritten {
		clear(h.open)
		clear(h.uncounted)
	}
	for _, at := range c.written {
		delete(h.open, at)
	}
	maps.DeleteFunc(h.uncounted, func(slot int64, _ *uncounted) bool { return slot < c.boundary })
	if c.boundary > 0 || c.allWritten {
		h.due = nextDue(c.now)
	}
	for _, s := range c.removed {
		delete(h.series, s.Series)
		delete(h.numbers, s.number)
	}
	for number, s := range c.changed {
		h.series[s.Series], h.numbers[number] = s, s
	}
	for b, size := range c.sizes {
		if size.rollups == 0 {
			delete(h.blocks, b)
		} else {
			h.blocks[b] = size
		}
	}
	h.next, h.floors, h.bytes = c.next, c.floors, c.bytes
	for _, round := range c.staged {
		h.add(round)
	}
}
