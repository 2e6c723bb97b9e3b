package local

import (
	"cmp"
	"fmt"
	"log/slog"
)

// Options bound a store.
type Options struct {
	// MaxBytes caps the stored records, keys included, in bytes. 65536 to 2^40. The directory takes somewhat more: the
	// write-ahead log, and removed records until they are compacted away.
	MaxBytes int64
	// MaxSessions caps the stored sessions. 1 to 1000000.
	MaxSessions int
	// Logger takes the store's log; nil for none.
	Logger *slog.Logger

	// schema is the name of what is stored; samples when empty.
	schema string
	// memTable is the size of pebble's memtable in bytes; 0 stands for 2 MiB. Tests take less, to have tables written
	// from few records.
	memTable uint64
	// readOnly opens what is there and changes nothing, not even to repair it.
	readOnly bool
	// memoryBytes caps what is held in memory while the disk fails; 0 stands for MaxMemoryBytes.
	memoryBytes int64
	// verify has every record checked when the store is opened.
	verify bool
	// quiet leaves it to the store's owner to tell of failures.
	quiet bool
}

// DefaultOptions are 256 MiB and 10000 sessions, without a log.
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
	return nil
}

func (o Options) schemaName() string { return cmp.Or(o.schema, schemaName) }
