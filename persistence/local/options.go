package local

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"
)

// Options bound a store.
type Options struct {
	// MaxBytes caps the stored records, keys included, in bytes: 65536 to 2^40. The directory is somewhat larger: it also
	// has the write-ahead log, and removed records until they are compacted.
	MaxBytes int64
	// MaxSessions caps the stored sessions: 1 to 1000000.
	MaxSessions int
	// History bounds the rollups of samples.
	History HistoryOptions
	// Outbox has what is stored entered into an outbox, from which it is published.
	Outbox bool
	// Logger is where the store logs; nil for nowhere.
	Logger *slog.Logger

	// schema is the name of the schema; that of samples when empty.
	schema string
	// memTable is the size of pebble's memtable in bytes; 0 means 2 MiB. Tests use less, so that few records fill a table.
	memTable uint64
	// readOnly opens what is there and changes nothing, not even to repair it.
	readOnly bool
	// now is the clock that says when rollups are stored and removed; time.Now when nil.
	now func() time.Time
	// memoryBytes caps what is held in memory while the disk fails; 0 means MaxMemoryBytes.
	memoryBytes int64
	// verify checks every record when the store is opened.
	verify bool
	// appended is called when something was entered into the outbox. It must not block.
	appended func()
	// quiet logs failures at level debug only: the store's owner reports them.
	quiet bool
}

// DefaultOptions returns options with caps of 256 MiB and 10000 sessions, and without a log.
func DefaultOptions() Options {
	return Options{MaxBytes: 256 << 20, MaxSessions: 10_000}
}

// Validate reports the first option that is out of range.
func (o Options) Validate() error {
	if o.MaxBytes < 1<<16 || o.MaxBytes > 1<<40 {
		return fmt.Errorf("MaxBytes is %d, allowed are 65536 to 2^40", o.MaxBytes)
	}
	if o.MaxSessions < 1 || o.MaxSessions > 1_000_000 {
		return fmt.Errorf("MaxSessions is %d, allowed are 1 to 1000000", o.MaxSessions)
	}
	return o.History.validate()
}

func (o Options) schemaName() string { return cmp.Or(o.schema, schemaName) }

// hasHistory reports whether the store is one of samples.
func (o Options) hasHistory() bool { return o.schemaName() == schemaName }

func (o Options) clock() time.Time {
	if o.now == nil {
		return time.Now()
	}
	return o.now()
}
