package types

// FirstSessionStart returns the start of the first session that an actor which is what it is since a height may take part
// in, with n blocks in a session: it has to have been so for a whole session. It is 0 for an actor of the genesis. The height
// must not be negative, n must be at least 1.
func FirstSessionStart(since, n int64) int64 {
	if since == 0 {
		return 0
	}
	return since + 2*n - since%n
}
