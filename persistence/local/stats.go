package local

// Stats are a store's counters.
type Stats struct {
	// Sessions and Rounds that are stored.
	Sessions, Rounds int
	// Bytes that the stored records take, keys included.
	Bytes int64
	// EvictedSessions counts sessions removed by the caps since Open. What Prune removed is not among them.
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
		EvictedSessions: s.evicted.Load(),
		Failures:        s.failures.Load(),
	}
}
