package local

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Rollups calls a visitor that begin returns as Store.Rollups does, series by series oldest first. If the disk fails, it begins
// again. While samples are held in memory, what is held is added to what can be read of the disk.
func (s *Samples) Rollups(ctx context.Context, r rollup.Resolution, from, to int64, filter rollup.Filter, begin func() rollup.Visitor) error {
	var ended error // by the visitor
	ask := func() error {
		return s.query(func(before, current *Store) error {
			visitor := begin()
			visit := func(of rollup.Series, url string, slot int64, length time.Duration, counted *rollup.Rollup) error {
				if ended = visitor(of, url, slot, length, counted); ended != nil {
					return errEnded
				}
				return nil
			}
			if before == nil {
				return current.Rollups(ctx, r, from, to, filter, visit)
			}
			return visitBoth(ctx, before, current, r, from, to, filter, visit)
		})
	}
	err := ask()
	if errors.Is(err, errInterrupted) {
		err = ask()
	}
	return cmp.Or(ended, err)
}

// errEnded is returned when a visitor wants no more rollups.
var errEnded = errors.New("the visitor has ended")

// visitBoth visits the sums of the rollups of two stores.
func visitBoth(ctx context.Context, before, current *Store, r rollup.Resolution, from, to int64, filter rollup.Filter, visit rollup.Visitor) error {
	type at struct {
		series rollup.Series
		slot   int64
	}
	urls, sums := make(map[rollup.Series]string), make(map[at]*rollup.Rollup)
	add := func(of rollup.Series, url string, slot int64, _ time.Duration, counted *rollup.Rollup) error {
		place := at{of, slot}
		if sums[place] == nil {
			sums[place] = new(rollup.Rollup)
		}
		sums[place].Merge(counted)
		urls[of] = url
		return nil
	}
	if err := before.Rollups(ctx, r, from, to, filter, add); err != nil {
		return err
	}
	if err := current.rollupsBut(ctx, before, r, from, to, filter, add); err != nil {
		return err
	}
	places := slices.SortedFunc(maps.Keys(sums), func(a, b at) int {
		if order := a.series.Compare(b.series); order != 0 {
			return order
		}
		return int((a.slot - b.slot) / int64(rollup.FiveMinutes.Length()))
	})
	for _, place := range places {
		if err := visit(place.series, urls[place.series], place.slot, r.Length(), sums[place]); err != nil {
			return err
		}
	}
	return nil
}

// rollupsBut visits the rollups of the rounds that an earlier store does not have: a write that failed may have been stored all
// the same, and what is moved to the disk is in both. If rounds were removed to keep the caps, it visits those of all.
func (s *Store) rollupsBut(ctx context.Context, earlier *Store, r rollup.Resolution, from, to int64, filter rollup.Filter, visit rollup.Visitor) error {
	if s.Stats().EvictedSessions > 0 {
		return s.Rollups(ctx, r, from, to, filter, visit)
	}
	sessions, err := s.Sessions(ctx)
	if err != nil {
		return err
	}
	open := make(map[cell]*opened)
	for _, session := range sessions {
		if err := s.countBut(ctx, earlier, session, r, open); err != nil {
			return err
		}
	}
	for at, counted := range open {
		if at.slot >= from && at.slot < to && filter.Admits(at.series) {
			if err := visit(at.series, counted.url, at.slot, r.Length(), &counted.Rollup); err != nil {
				return err
			}
		}
	}
	return nil
}

// countBut counts the rounds of a session that an earlier store does not have, in slots of a resolution.
func (s *Store) countBut(ctx context.Context, earlier *Store, session *types.QoSSession, r rollup.Resolution, open map[cell]*opened) error {
	rounds, err := s.Outline(ctx, session.GetHeader().GetId())
	if err != nil {
		return err
	}
	known, err := earlier.indices(ctx, session.GetHeader().GetId())
	if err != nil {
		return err
	}
	rules := rollup.SessionOf(session)
	for _, round := range rounds {
		if _, is := slices.BinarySearch(known, round.GetIndex()); is {
			continue
		}
		if counted, ok := toCount(sessionID{}, &rules, round, 0); ok {
			counted.slot = r.Slot(counted.slot)
			counted.count(open)
		}
	}
	return nil
}

// HistoryBounds returns what Store.HistoryBounds does.
func (s *Samples) HistoryBounds(r rollup.Resolution) (covers, oldest int64) {
	_ = s.query(func(before, current *Store) error {
		covers, oldest = current.HistoryBounds(r)
		if before != nil {
			earlier, first := before.HistoryBounds(r)
			covers = max(covers, earlier)
			if oldest == 0 || first > 0 && first < oldest {
				oldest = first
			}
		}
		return nil
	})
	return covers, oldest
}

// CountSeries returns how many series with a servicer the filter admits; while samples are held in memory, some twice.
func (s *Samples) CountSeries(filter rollup.Filter) (count int) {
	_ = s.query(func(before, current *Store) error {
		count = current.CountSeries(filter)
		if before != nil {
			count += before.CountSeries(filter)
		}
		return nil
	})
	return count
}
