package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"regexp"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pocket-fisherman/fisherman/shared/disk"
)

// ErrForeign is returned when a directory holds anything other than a store of this kind in the form that this program
// writes. It was not changed.
var ErrForeign = errors.New("directory is not a local store of this kind and version")

// ErrInUse is returned when the directory is open already, in this process or another.
var ErrInUse = errors.New("local store is in use")

// errNothingStored is returned when a directory to be read has no store in it.
var errNothingStored = errors.New("nothing is stored")

// database is an open pebble database whose disk stops at the first failed write.
type database struct {
	*pebble.DB
	// durable is what is on the disk, for reading: pebble shows a batch before that is synced.
	durable *pebble.Snapshot
	lock    *pebble.Lock
	disk    *failStop
}

// failureHooks are called on failures, from pebble's goroutines. They must not block.
type failureHooks struct {
	// stopped is called when a write failed and stopped the disk, at most once for a database.
	stopped func(error)
	// background is called when work in the background failed without stopping the disk.
	background func(error)
}

// openDatabase opens the database in a directory and creates both if they don't exist. If it is opened for reading only,
// nothing is changed.
func openDatabase(dir string, files vfs.FS, options Options, hooks failureHooks) (*database, error) {
	if !options.readOnly {
		if err := files.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	if err := refuseForeignFiles(dir, files); err != nil {
		return nil, err
	}
	lock, err := lockDirectory(dir, files, options.readOnly)
	if err != nil {
		return nil, err
	}
	d := &database{lock: lock, disk: newFailStop(files, hooks.stopped)}
	if err := d.open(dir, files, options, hooks); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// lockDirectory locks a directory against other stores. A directory that cannot be written cannot be locked, and is safe
// to read without a lock.
func lockDirectory(dir string, files vfs.FS, readOnly bool) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, files)
	_, unusable := errors.AsType[*fs.PathError](err)
	switch {
	case unusable && readOnly:
		return pebble.LockDirectory(dir, unlocked{files})
	case unusable:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	return lock, nil
}

// unlocked is a file system that pretends to lock files.
type unlocked struct{ vfs.FS }

// Lock implements vfs.FS.
func (unlocked) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// open opens the database in a locked directory.
func (d *database) open(dir string, files vfs.FS, options Options, hooks failureHooks) error {
	fresh, err := refuseForeignKeys(dir, files, options, d.lock)
	if err != nil {
		return err
	}
	if fresh && options.readOnly {
		return errNothingStored
	}
	engine := pebbleOptions(d.disk, d.lock, options, d.disk.stop)
	engine.ReadOnly = options.readOnly
	// After the disk has stopped, pebble's errors say nothing about the disk.
	engine.EventListener.BackgroundError = func(err error) {
		if d.disk.failure() == nil {
			hooks.background(err)
		}
	}
	engine.EventListener.DataCorruption = func(info pebble.DataCorruptionInfo) {
		if d.disk.failure() == nil {
			options.Logger.Error("local store: damaged file", "path", info.Path, "error", info.Details)
		}
	}
	if d.DB, err = pebble.Open(dir, engine); err != nil {
		return cmp.Or(d.disk.failure(), err)
	}
	if fresh {
		err = d.Set(schemaKey, []byte(options.schemaName()), pebble.Sync)
	}
	if err := errors.Join(err, d.disk.failure()); err != nil {
		return errors.Join(err, d.DB.Close())
	}
	d.durable = d.NewSnapshot()
	return nil
}

// Close closes the database and unlocks its directory.
func (d *database) Close() error { return errors.Join(d.durable.Close(), d.DB.Close(), d.lock.Close()) }

// commit writes a batch durably. Success is what the disk reports, not only pebble; see failStop.
func (d *database) commit(batch *pebble.Batch) error {
	if err := d.Apply(batch, pebble.Sync); err != nil {
		return err
	}
	return d.disk.failure()
}

// scan calls visit for every record between two keys, in order, until it fails.
func scan(ctx context.Context, db pebble.Reader, lower, upper []byte, visit func(key, record []byte) error) (err error) {
	records, err := db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer func() {
		// Close reports an error of reading once more.
		if closeErr := records.Close(); err == nil {
			err = closeErr
		}
	}()
	for ok := records.First(); ok; ok = records.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		record, err := records.ValueAndErr()
		if err != nil {
			return err
		}
		if err := visit(records.Key(), record); err != nil {
			return err
		}
	}
	return records.Error()
}

// pebbleOptions returns options that keep pebble small: records are few and written once. stop is called instead of ending
// the process.
func pebbleOptions(disk vfs.FS, lock *pebble.Lock, options Options, stop func(error)) *pebble.Options {
	engine := &pebble.Options{
		FS:     disk,
		Lock:   lock,
		Logger: pebbleLogger{options.Logger, stop},
		// The default ends the process, although the rest of what is stored can still be read.
		EventListener:              &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}},
		FormatMajorVersion:         pebble.FormatValueSeparation,
		CacheSize:                  4 << 20,
		MemTableSize:               cmp.Or(options.memTable, 2<<20),
		MaxOpenFiles:               openFiles,
		CompactionConcurrencyRange: func() (lower, upper int) { return 1, 1 },
		// Otherwise a write could wait forever for a compaction that a damaged table makes fail.
		L0StopWritesThreshold: 1 << 20,
	}
	for level := range engine.Levels {
		engine.Levels[level].BlockSize = tableBlock
	}
	engine.Experimental.FileCacheShards = 1
	engine.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	return engine
}

// tableBlock is how many bytes of records are read at once. A start reads all records, and others those of a session.
const tableBlock = 32 << 10

// openFiles bounds the files that a store keeps open. A node sets as many descriptors apart for each.
const openFiles = 96

// pebbleFile matches the names of all files that pebble creates.
var pebbleFile = regexp.MustCompile(`^(LOCK|(MANIFEST|OPTIONS)-\d+|marker\.[a-z-]+\.\d+\..+|temporary\.\d+\.dbtmp|` +
	`\d+(-\d+)?\.log|\d+\.(sst|blob))$`)

// dataFile matches the names of files that hold records.
var dataFile = regexp.MustCompile(`\.(log|sst|blob)$`)

// refuseForeignFiles returns ErrForeign for a directory with files that neither pebble nor the disk puts there.
func refuseForeignFiles(dir string, files vfs.FS) error {
	names, err := files.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !pebbleFile.MatchString(name) && !disk.Owns(name) {
			return fmt.Errorf("%w: it holds %q", ErrForeign, name)
		}
	}
	return nil
}

// refuseForeignKeys returns ErrForeign for a pebble database of another schema. It only reads. The database is fresh when
// it does not exist or has no key: its creation may have been interrupted.
func refuseForeignKeys(dir string, files vfs.FS, options Options, lock *pebble.Lock) (fresh bool, err error) {
	description, err := pebble.Peek(dir, files)
	if err != nil {
		return false, err
	}
	if !description.Exists {
		return true, refuseHeadless(dir, files)
	}
	engine := pebbleOptions(files, lock, options, func(error) {})
	engine.ReadOnly = true
	db, err := pebble.Open(dir, engine)
	if err != nil {
		return false, err
	}
	fresh, err = checkSchema(db, options.schemaName())
	return fresh, errors.Join(err, db.Close())
}

// refuseHeadless returns ErrCorrupt for a directory that has data files but lost the manifest. Pebble takes it for an empty
// one and would delete the data.
func refuseHeadless(dir string, files vfs.FS) error {
	names, err := files.List(dir)
	if err != nil {
		return err
	}
	if place := slices.IndexFunc(names, dataFile.MatchString); place >= 0 {
		return fmt.Errorf("%w: %s is there, but no manifest that lists it", ErrCorrupt, names[place])
	}
	return nil
}

// checkSchema returns ErrForeign unless the first key of a database is the schema's and holds the wanted name.
func checkSchema(db *pebble.DB, want string) (fresh bool, err error) {
	keys, err := db.NewIter(nil)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, keys.Close()) }()
	if !keys.First() {
		return true, keys.Error()
	}
	if string(keys.Key()) != string(schemaKey) {
		return false, fmt.Errorf("%w: it holds a database of something else", ErrForeign)
	}
	name, err := keys.ValueAndErr()
	if err == nil && string(name) != want {
		err = fmt.Errorf("%w: its schema is %q, this program writes %q", ErrForeign, name, want)
	}
	return false, err
}

// pebbleLogger forwards pebble's log. Its Fatalf returns; see failStop.
type pebbleLogger struct {
	logger *slog.Logger
	stop   func(error)
}

// Infof implements pebble.Logger.
func (l pebbleLogger) Infof(format string, args ...any) {
	l.logger.Debug("local store: " + fmt.Sprintf(format, args...))
}

// Errorf implements pebble.Logger.
func (l pebbleLogger) Errorf(format string, args ...any) {
	l.logger.Warn("local store: " + fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. It stops the disk instead of the process.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.stop(fmt.Errorf(format, args...))
}
