package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// held is the state while samples are held in memory.
type held struct {
	memory *Store
	before *view
	since  time.Time
	reason string
	// begun are the sessions that were open before. Their first rounds are on the disk.
	begun map[string]bool
	// tried is when the disk was last tried, in Unix nanoseconds.
	tried atomic.Int64
}

// memoryHistory caps the rollups of what is held in memory.
const memoryHistory = 8 << 20

// hold starts to hold samples in memory. It requires mu, or that s is not in use yet.
func (s *Samples) hold(cause error) error {
	options := s.options
	options.History.MaxBytes = memoryHistory
	options.MaxBytes = min(options.MaxBytes, cmp.Or(options.memoryBytes, MaxMemoryBytes))
	options.History.MaxBytes = min(options.History.orDefault().MaxBytes, memoryHistory)
	memory, err := open("memory", options, vfs.NewMem())
	if err != nil {
		return fmt.Errorf("hold samples in memory: %w", err)
	}
	begun := make(map[string]bool)
	for _, session := range s.open.all() {
		begun[session.GetHeader().GetId()] = true
		if err := memory.PutSession(context.Background(), session); err != nil {
			return errors.Join(fmt.Errorf("hold samples in memory: %w", err), memory.Close())
		}
	}
	if disk, is := errors.AsType[diskError](cause); is {
		cause = disk.error // without the record that met it
	}
	reason, _, _ := strings.Cut(cause.Error(), "\n")
	s.held = &held{memory: memory, before: s.newView(), since: s.now(), reason: reason, begun: begun}
	s.held.tried.Store(s.held.since.UnixNano())
	s.options.Logger.Error("samples are held in memory only: the disk fails; sampling goes on, a crash would lose them",
		"dir", s.dir, "reason", reason)
	return nil
}

// holdInstead replaces a failed durable store by memory, unless another call did so already.
func (s *Samples) holdInstead(failed *Store, cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.disk != failed || s.closed {
		return nil
	}
	if err := s.hold(cause); err != nil {
		return err
	}
	if err := s.disk.Close(); err != nil {
		s.options.Logger.Debug("local store: close after failure", "error", err)
	}
	s.disk = nil
	return nil
}

// startRepair tries the disk again if the last attempt is at least repairInterval ago.
func (s *Samples) startRepair() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed || s.held == nil || s.now().UnixNano()-s.held.tried.Load() < int64(repairInterval) {
		return
	}
	if s.repairing.CompareAndSwap(false, true) {
		s.held.tried.Store(s.now().UnixNano())
		s.repairs.Go(func() {
			defer s.repairing.Store(false)
			if err := s.returnToDisk(s.ctx); err != nil {
				s.options.Logger.Debug("local store: the disk still fails", "error", err)
			}
		})
	}
}

// lastChance tries the disk once more before what is held in memory is lost.
func (s *Samples) lastChance() {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	rounds := s.held.memory.Stats().Rounds
	if err := s.returnToDisk(ctx); err != nil && rounds > 0 {
		s.options.Logger.Error("samples that were held in memory are lost", "rounds", rounds, "error", err)
	}
}

// returnToDisk opens the durable store again and writes to it what is held in memory. During the first pass both stores
// can be used; the second one writes what was added meanwhile.
func (s *Samples) returnToDisk(ctx context.Context) error {
	s.repair.Lock()
	defer s.repair.Unlock()
	if err := probe(s.files, s.dir); err != nil {
		return err
	}
	disk, err := s.reopenDisk(ctx)
	if err != nil {
		return err
	}
	held := s.held
	err = move(ctx, held.memory, disk)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		err = move(ctx, held.memory, disk)
	}
	if err == nil {
		err = moveGaps(ctx, held.memory, disk)
	}
	if err != nil {
		held.before.close()
		held.before = s.newView()
		return err
	}
	stats := held.memory.Stats()
	s.options.Logger.Info("samples are durable again", "dir", s.dir, "rounds_held", stats.Rounds, "evicted", stats.EvictedSessions,
		"after", s.now().Sub(held.since).Round(time.Second))
	s.disk, s.held = disk, nil
	s.signal()
	return held.memory.Close()
}

// reopenDisk opens the durable store in place of the view of it.
func (s *Samples) reopenDisk(ctx context.Context) (*Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held.before.close()
	s.held.before = s.newView()
	disk, err := s.openDisk(ctx)
	if err != nil {
		return nil, err
	}
	s.held.before.set(disk)
	return disk, nil
}

// probe checks that data can be written to a store's directory. Its file has a name that pebble removes.
func probe(files vfs.FS, dir string) error {
	if err := files.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := refuseForeignFiles(dir, files); err != nil {
		return err
	}
	name := files.PathJoin(dir, "temporary.000000.dbtmp")
	file, err := files.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, 64<<10))
	return errors.Join(err, file.Sync(), file.Close(), files.Remove(name))
}
