package local

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/rollup"
)

// Rollups calls visit with each rollup of a resolution whose slot begins in [from, to), nanoseconds since the Unix epoch, of
// the series that the filter admits: by slots of a few hours, then by series, then by slot. What is not stored yet is in it.
// visit must not keep the rollup. Errors: those of visit, errInterrupted, ErrClosed.
func (s *Store) Rollups(ctx context.Context, r rollup.Resolution, from, to int64, filter rollup.Filter, visit rollup.Visitor) error {
	for _, b := range s.blocks(r, from, to) {
		begun := false
		err := s.read(ctx, func() error {
			if begun {
				return errInterrupted
			}
			begun = true
			if s.history == nil {
				return nil
			}
			return s.history.visit(ctx, s.db.durable, b, max(from, b.start()), min(to, b.end()), filter, visit, s.onLost)
		})
		if err != nil {
			return fmt.Errorf("read rollups: %w", err)
		}
	}
	return nil
}

// errInterrupted is returned when the disk failed while rollups were read: what was visited may be wrong.
var errInterrupted = errors.New("the disk failed while rollups were read")

// blocks returns the blocks that have a rollup in [from, to), stored or open, oldest first.
func (s *Store) blocks(r rollup.Resolution, from, to int64) []block {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.history == nil {
		return nil
	}
	found := make(map[block]bool)
	for _, b := range s.history.blocksOf(r, from, to) {
		found[b] = true
	}
	for slot := range s.history.uncounted {
		if slot := r.Slot(slot); slot >= from && slot < to {
			found[blockOf(r, slot)] = true
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b block) int { return int(int64(a.number) - int64(b.number)) })
}

// HistoryBounds returns from which moment on rollups of a resolution are complete, and when the oldest one begins, both in
// nanoseconds since the Unix epoch; oldest is 0 when there is none.
func (s *Store) HistoryBounds(r rollup.Resolution) (covers, oldest int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.history
	if h == nil {
		return 0, 0
	}
	note := func(slot int64) {
		if slot >= h.floors[r] && (oldest == 0 || slot < oldest) {
			oldest = slot
		}
	}
	for b, size := range h.blocks {
		if b.resolution == r {
			note(size.first)
		}
	}
	for slot := range h.uncounted {
		note(r.Slot(slot))
	}
	return h.covers(r, s.options.clock()), oldest
}

// CountSeries returns how many series with a servicer the filter admits.
func (s *Store) CountSeries(filter rollup.Filter) (count int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.history == nil {
		return 0
	}
	for of := range s.history.series {
		if of.Servicer != "" && filter.Admits(of) {
			count++
		}
	}
	unstored := make(map[rollup.Series]bool)
	for at := range s.history.open {
		if at.series.Servicer != "" && s.history.series[at.series] == nil && filter.Admits(at.series) {
			unstored[at.series] = true
		}
	}
	return count + len(unstored)
}

// visit visits the rollups of a block in [from, to).
func (h *history) visit(ctx context.Context, db pebble.Reader, b block, from, to int64, filter rollup.Filter, visit rollup.Visitor, lost func(error)) error {
	open := h.openOf(b, from, to, filter)
	numbers, unstored := h.admitted(filter, open)
	lower, upper := b.bounds()
	records, err := db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer func() { _ = records.Close() }()
	v := visitor{history: h, records: records, block: b, from: from, to: to, visit: visit, lost: lost}
	for _, number := range numbers {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := v.series(h.numbers[number], open[h.numbers[number].Series]); err != nil {
			return err
		}
	}
	for _, s := range unstored {
		if err := v.rest(s, open[s.Series]); err != nil {
			return err
		}
	}
	return nil
}

// openSlot is an open rollup, of a slot of the resolution that is read.
type openSlot struct {
	slot int64
	*opened
}

// openOf returns the open rollups of a block in [from, to), by series, oldest first.
func (h *history) openOf(b block, from, to int64, filter rollup.Filter) map[rollup.Series][]openSlot {
	found := make(map[rollup.Series][]openSlot)
	within := false
	for slot := range h.uncounted {
		within = within || b.resolution.Slot(slot) >= from && b.resolution.Slot(slot) < to
	}
	if !within || b.end() <= h.floors[b.resolution] {
		return found
	}
	for at, open := range h.open {
		slot := b.resolution.Slot(at.slot)
		if slot < from || slot >= to || !filter.Admits(at.series) {
			continue
		}
		slots := found[at.series]
		place := slices.IndexFunc(slots, func(other openSlot) bool { return other.slot == slot })
		if place < 0 {
			found[at.series] = append(slots, openSlot{slot, open})
			continue
		}
		both := &opened{url: open.url, urlAt: open.urlAt} // those that are open are in use
		if slots[place].urlAt > both.urlAt {
			both.url, both.urlAt = slots[place].url, slots[place].urlAt
		}
		both.Merge(&slots[place].Rollup)
		both.Merge(&open.Rollup)
		slots[place].opened = both
	}
	for _, slots := range found {
		slices.SortFunc(slots, func(a, b openSlot) int { return int((a.slot - b.slot) / int64(time.Second)) })
	}
	return found
}

// admitted returns the numbers of the stored series that a filter admits, ascending, and the open ones that are not stored.
func (h *history) admitted(filter rollup.Filter, open map[rollup.Series][]openSlot) (numbers []uint32, unstored []*series) {
	for number, s := range h.numbers {
		if filter.Admits(s.Series) {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	for of := range open {
		if h.series[of] == nil {
			unstored = append(unstored, &series{Series: of})
		}
	}
	slices.SortFunc(unstored, func(a, b *series) int { return a.Compare(b.Series) })
	return numbers, unstored
}

// visitor visits the rollups of one block.
type visitor struct {
	*history
	records  *pebble.Iterator
	block    block
	from, to int64
	visit    rollup.Visitor
	lost     func(error)
	// scratch holds a stored rollup while it is visited.
	scratch rollup.Rollup
	key     []byte
}

// series visits the rollups of a series: the stored ones, merged with open ones of their slot.
func (v *visitor) series(s *series, open []openSlot) error {
	v.key = rollupKey(v.key[:0], v.block.resolution, s.number, v.from)
	prefix := len(v.key) - 1
	for ok := v.records.SeekGE(v.key); ok; ok = v.records.Next() {
		key := v.records.Key()
		if len(key) != rollupSize || binary.BigEndian.Uint32(key[prefix-4:]) != s.number {
			break
		}
		slot := slotInKey(v.block, key)
		if slot >= v.to {
			break
		}
		record, err := v.records.ValueAndErr()
		if err == nil {
			err = decodeRollup(key, record, slot, &v.scratch)
		}
		if err != nil {
			v.lost(plain(err))
			continue
		}
		for len(open) > 0 && open[0].slot < slot {
			if err := v.rest(s, open[:1]); err != nil {
				return err
			}
			open = open[1:]
		}
		url := s.url
		if len(open) > 0 && open[0].slot == slot {
			v.scratch.Merge(&open[0].Rollup)
			if open[0].urlAt > s.urlAt {
				url = open[0].url
			}
			open = open[1:]
		}
		if err := v.visit(s.Series, url, slot, v.block.resolution.Length(), &v.scratch); err != nil {
			return err
		}
	}
	if err := v.records.Error(); err != nil {
		v.lost(plain(err))
	}
	return v.rest(s, open)
}

// rest visits open rollups of a series.
func (v *visitor) rest(s *series, open []openSlot) error {
	for _, o := range open {
		url := s.url
		if o.urlAt > s.urlAt {
			url = o.url
		}
		if err := v.visit(s.Series, url, o.slot, v.block.resolution.Length(), &o.Rollup); err != nil {
			return err
		}
	}
	return nil
}
