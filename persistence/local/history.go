package local

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// HistoryOptions bound the rollups of a store of samples. A zero value stands for the default.
type HistoryOptions struct {
	// FiveMinutes and Hours are how long rollups of 5 minutes and of 1 hour are kept at least; 7 and 400 days by default.
	FiveMinutes, Hours time.Duration
	// MaxBytes caps the stored rollups, keys included; 2 GiB by default. What is oldest is removed first.
	MaxBytes int64
}

// DefaultHistory returns what is kept by default.
func DefaultHistory() HistoryOptions {
	return HistoryOptions{FiveMinutes: 7 * 24 * time.Hour, Hours: 400 * 24 * time.Hour, MaxBytes: 2 << 30}
}

// orDefault puts the defaults in the place of zeros.
func (o HistoryOptions) orDefault() HistoryOptions {
	kept := DefaultHistory()
	return HistoryOptions{cmp.Or(o.FiveMinutes, kept.FiveMinutes), cmp.Or(o.Hours, kept.Hours), cmp.Or(o.MaxBytes, kept.MaxBytes)}
}

// Bounds of what is kept.
const (
	leastHistory      = time.Hour
	mostHistory       = 10 * 366 * 24 * time.Hour
	leastHistoryBytes = 1 << 20
)

// validate reports the first option that is out of range.
func (o HistoryOptions) validate() error {
	o = o.orDefault()
	for name, kept := range map[string]time.Duration{"FiveMinutes": o.FiveMinutes, "Hours": o.Hours} {
		if kept < leastHistory || kept > mostHistory {
			return fmt.Errorf("option History.%s is %v, allowed are %v to %v", name, kept, leastHistory, mostHistory)
		}
	}
	if o.MaxBytes < leastHistoryBytes || o.MaxBytes > 1<<40 {
		return fmt.Errorf("option History.MaxBytes is %d, allowed are %d to 2^40", o.MaxBytes, leastHistoryBytes)
	}
	return nil
}

// kept is how long rollups of a resolution are kept.
func (o HistoryOptions) kept(r rollup.Resolution) time.Duration {
	if r == rollup.Hour {
		return o.Hours
	}
	return o.FiveMinutes
}

const (
	// historyGrace is how long after the end of a slot its rounds are waited for before it is stored. A later round is added
	// to what is stored.
	historyGrace = 30 * time.Second
	// mostOpen and mostUncounted bound what is not stored yet: rollups, and bytes of rounds that a start would have to read.
	mostOpen      = 32768
	mostUncounted = 8 << 20
	// mostSeries bounds the series. What is of further ones is not kept.
	mostSeries = 1 << 17
)

// history is what the store knows of its rollups: those that are stored, by block, and those that are open. Open ones are in
// memory only; the keys of the rounds that they count are stored with the rounds, so that a start finds the same.
type history struct {
	options HistoryOptions
	series  map[rollup.Series]*series
	numbers map[uint32]*series
	// next is the number of the next series.
	next uint32
	// floors are the moments before which nothing is stored any more, by resolution.
	floors [rollup.Hour + 1]int64
	blocks map[block]blockSize
	bytes  int64
	// open are the rollups that are not stored, of 5 minutes.
	open map[cell]*opened
	// uncounted are the rounds of the open ones, by slot of 5 minutes.
	uncounted map[int64]*uncounted
	// due is when open rollups are to be stored next.
	due time.Time
}

// blockSize is how much is stored of a block.
type blockSize struct {
	bytes, rollups int64
	// first is the beginning of its first slot, nanoseconds since the Unix epoch.
	first int64
}

// series is a stored series. One in use is never changed, but replaced.
type series struct {
	rollup.Series
	number uint32
	// url is where the servicer was asked at the moment urlAt, in nanoseconds since the Unix epoch.
	url   string
	urlAt int64
	// newest is the last block of hours that has a rollup of it.
	newest uint32
}

// uncounted are the rounds of a slot that no stored rollup counts.
type uncounted struct {
	sessions map[sessionID]int
	bytes    int64
}

// cell is a slot of 5 minutes of a series.
type cell struct {
	series rollup.Series
	slot   int64
}

// opened is a rollup that is not stored yet.
type opened struct {
	rollup.Rollup
	url   string
	urlAt int64
}

func newHistory(options HistoryOptions) *history {
	return &history{options: options.orDefault(), series: make(map[rollup.Series]*series), numbers: make(map[uint32]*series),
		blocks: make(map[block]blockSize), open: make(map[cell]*opened), uncounted: make(map[int64]*uncounted)}
}

// countedRound is a round that is to be counted.
type countedRound struct {
	id      sessionID
	session *rollup.Session
	round   *types.QoSRound
	slot    int64
	size    int64
}

// count adds a round to open rollups.
func (c *countedRound) count(open map[cell]*opened) {
	moment, _ := c.session.Placed(c.round)
	c.session.Tally(c.round, func(servicer, url string) *rollup.Rollup {
		at := cell{rollup.Series{Servicer: servicer, RelayChain: c.session.RelayChain, GeoZone: c.session.GeoZone}, c.slot}
		to := open[at]
		if to == nil {
			to = new(opened)
			open[at] = to
		}
		if moment > to.urlAt {
			to.url, to.urlAt = url, moment
		}
		return &to.Rollup
	})
}

// add counts a round whose key is stored.
func (h *history) add(c countedRound) {
	c.count(h.open)
	rounds := h.uncounted[c.slot]
	if rounds == nil {
		rounds = &uncounted{sessions: make(map[sessionID]int)}
		h.uncounted[c.slot] = rounds
	}
	rounds.sessions[c.id]++
	rounds.bytes += c.size
}

// full reports whether too much is not stored yet.
func (h *history) full() bool {
	bytes := int64(0)
	for _, rounds := range h.uncounted {
		bytes += rounds.bytes
	}
	return len(h.open) > mostOpen || bytes > mostUncounted
}

// counts reports whether all rounds of a session are counted by stored rollups.
func (h *history) counts(id sessionID) bool {
	for _, rounds := range h.uncounted {
		if rounds.sessions[id] > 0 {
			return false
		}
	}
	return true
}

// covers returns the moment from which on rollups of a resolution are all there: before it they may have been removed.
func (h *history) covers(r rollup.Resolution, now time.Time) int64 {
	oldest := max(now.Add(-h.options.kept(r)).UnixNano(), 0)
	return max(h.floors[r], blockOf(r, oldest).start())
}

// blocksOf returns the blocks of a resolution that reach into [from, to), oldest first.
func (h *history) blocksOf(r rollup.Resolution, from, to int64) []block {
	return slices.SortedFunc(func(yield func(block) bool) {
		for b := range maps.Keys(h.blocks) {
			if b.resolution == r && b.start() < to && b.end() > from && !yield(b) {
				return
			}
		}
	}, func(a, b block) int { return cmp.Compare(a.number, b.number) })
}
