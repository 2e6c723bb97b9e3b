package local

import (
	"context"
	"errors"

	"github.com/pocket-fisherman/fisherman/feed/outbox"
)

// signal tells the publisher that something was entered into the outbox.
func (s *Samples) signal() {
	select {
	case s.appended <- struct{}{}:
	default:
	}
}

// Appended returns a channel that has a token when something was entered into the outbox since the last one was taken.
func (s *Samples) Appended() <-chan struct{} { return s.appended }

// TakeFlight returns what is to be published next, as Store.TakeFlight does. While samples are held in memory nothing is: they
// enter the outbox when they reach the disk.
func (s *Samples) TakeFlight(ctx context.Context, order outbox.Order) (taken *outbox.Flight, err error) {
	err = s.publish(func(disk *Store) (err error) {
		taken, err = disk.TakeFlight(ctx, order)
		return err
	})
	if errors.Is(err, errHeld) {
		return nil, nil
	}
	return taken, err
}

// LandFlight notes that a flight was published, as Store.LandFlight does. Errors: outbox.ErrStale, ErrClosed, or the disk's, also
// while samples are held in memory.
func (s *Samples) LandFlight(ctx context.Context, instance [outbox.InstanceSize]byte, number uint64, positions map[string]outbox.Position) error {
	return s.publish(func(disk *Store) error { return disk.LandFlight(ctx, instance, number, positions) })
}

// errHeld is returned while samples are held in memory.
var errHeld = errors.New("samples are held in memory")

// publish uses the outbox of the durable store. If damage is found, the disk is no longer used.
func (s *Samples) publish(use func(*Store) error) error {
	used, err := s.useDisk(use)
	if errors.Is(err, ErrCorrupt) {
		err = errors.Join(err, s.holdInstead(used, err))
	}
	return err
}

func (s *Samples) useDisk(use func(*Store) error) (used *Store, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case s.held != nil:
		return nil, errHeld
	}
	return s.disk, use(s.disk)
}

// OutboxStats returns what waits to be published. While samples are held in memory they are counted there.
func (s *Samples) OutboxStats(ctx context.Context) (stats outbox.Stats, err error) {
	err = s.query(func(before, current *Store) (err error) {
		stats, err = current.OutboxStats(ctx)
		return err
	})
	return stats, err
}

// moveGaps enters the gaps of one store into another.
func moveGaps(ctx context.Context, from, to *Store) error {
	gaps, err := from.outboxGaps(ctx)
	if err != nil {
		return err
	}
	return to.takeGaps(ctx, gaps)
}
