package local

import "time"

// Stats are a store's counters.
type Stats struct {
	// Sessions and Rounds that are stored.
	Sessions, Rounds int
	// Bytes that the stored records take, keys included.
	Bytes int64
	// EvictedSessions counts sessions removed by the caps since the directory was made. What Prune removed is not among
	// them.
	EvictedSessions int64
	// Failures counts since Open how often the disk failed the store: writes, background work, and opening again.
	Failures int64
}

// Stats are the store's counters. After a failure they tell what was stored before it, until the store works again.
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

// Health tells where samples are held, and how many.
type Health struct {
	// Durable: what is stored is on the disk and survives a crash. Otherwise what came since Since is in memory only.
	Durable bool
	// Reason for which samples are held in memory, in one line, and since when; empty and zero while Durable.
	Reason string
	Since  time.Time
	// Disk counts what is on the disk and can be read. Memory counts what is held in memory; zero while Durable.
	Disk, Memory Stats
	// UnreadableSessions counts the sessions whose rounds could not be read when they were last asked for.
	UnreadableSessions int
	// SetAside is the directory that a damaged store was moved to since OpenSamples, the newest; empty for none.
	SetAside string
}

// Health of the store at this moment.
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
