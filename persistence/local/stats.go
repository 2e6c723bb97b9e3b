package local

import "time"

// Stats are a store's counters.
type Stats struct {
	// Sessions and Rounds that are stored.
	Sessions, Rounds int
	// Bytes that the stored records take, keys included.
	Bytes int64
	// EvictedSessions counts the sessions that the caps have removed since the directory was created. It does not include
	// those that Prune removed.
	EvictedSessions int64
	// Failures counts how often the disk has failed the store since Open: writes, background work, and opening again.
	Failures int64
}

// Stats returns the store's counters. After a failure they are those of before it, until the store works again.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Stats{
		Sessions:        len(s.catalogue.sessions),
		Rounds:          s.catalogue.rounds,
		Bytes:           s.catalogue.bytes,
		EvictedSessions: s.catalogue.evicted,
		Failures:        s.failures.Load(),
	}
}

// Health is where samples are held, and how many.
type Health struct {
	// Durable is true while what is stored is on the disk and survives a crash. Otherwise what was stored since Since is in
	// memory only.
	Durable bool
	// Reason is why samples are held in memory, on one line; Since is when that began. Empty and zero while Durable.
	Reason string
	Since  time.Time
	// Disk counts what can be read from the disk. Memory counts what is held in memory; zero while Durable.
	Disk, Memory Stats
	// UnreadableSessions counts the sessions whose rounds could not be read at the last attempt.
	UnreadableSessions int
	// SetAside is the directory that the last damaged store since OpenSamples was moved to; empty for none.
	SetAside string
}

// Health returns the store's health at this moment.
func (s *Samples) Health() Health {
	s.mu.RLock()
	defer s.mu.RUnlock()
	health := Health{SetAside: s.setAside, UnreadableSessions: s.unreadable.count()}
	if s.held == nil {
		health.Durable, health.Disk = true, s.disk.Stats()
		return health
	}
	health.Reason, health.Since, health.Memory = s.held.reason, s.held.since, s.held.memory.Stats()
	if before := s.held.before.get(); before != nil {
		health.Disk = before.Stats()
	}
	return health
}
