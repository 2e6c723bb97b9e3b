package local

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// failStop is a file system that stops at its first failed write: from then on what is stored stays as it is, as if the
// process had crashed at that moment, while every write, the failed one included, pretends to succeed. The truth is in
// failure, which the store asks for after every commit and before it acknowledges anything.
//
// It exists because pebble (v2.1.7) gives up the process when a write fails:
//   - a failed sync of a commit, and a failed manifest, end in Logger.Fatalf. Where Fatalf returns, DB.Apply reports
//     success for what is not on the disk, and a later manifest may leave a database that does not open;
//   - a write-ahead log that cannot be closed or created while it is rotated makes pebble panic and then unlock a mutex
//     that is not locked, which Go lets nobody recover from;
//   - a failed flush is retried without a pause, for ever, and DB.Open does not return while that goes on.
//
// So pebble is told nothing. It goes on in memory until it is closed, soon after, and opening the directory again repairs
// it by crash recovery, the path that pebble tests best.
type failStop struct {
	vfs.FS
	// onStop is called once, with the first error, from whichever goroutine ran into it. It must not block.
	onStop func(error)
	cause  atomic.Pointer[error]
}

func newFailStop(disk vfs.FS, onStop func(error)) *failStop {
	return &failStop{FS: disk, onStop: onStop}
}

// failure is the error that stopped the file system; nil while it runs.
func (f *failStop) failure() error {
	if cause := f.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

// stop freezes what is stored.
func (f *failStop) stop(err error) {
	if f.cause.CompareAndSwap(nil, &err) {
		f.onStop(err)
	}
}

// write runs one operation that changes what is stored, unless the file system has stopped.
func (f *failStop) write(operation func() error) {
	if f.failure() != nil {
		return
	}
	if err := operation(); err != nil {
		f.stop(err)
	}
}

// openForWriting runs one operation that opens a file for writing. Stopped, the file is one in memory.
func (f *failStop) openForWriting(operation func() (vfs.File, error)) (vfs.File, error) {
	var file vfs.File
	f.write(func() (err error) {
		file, err = operation()
		return err
	})
	if file == nil {
		file = vfs.NewMemFile(nil)
	}
	return &failStopFile{File: file, disk: f}, nil
}

// Create implements vfs.FS.
func (f *failStop) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.openForWriting(func() (vfs.File, error) { return f.FS.Create(name, category) })
}

// ReuseForWrite implements vfs.FS.
func (f *failStop) ReuseForWrite(oldName, newName string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.openForWriting(func() (vfs.File, error) { return f.FS.ReuseForWrite(oldName, newName, category) })
}

// OpenReadWrite implements vfs.FS.
func (f *failStop) OpenReadWrite(
	name string, category vfs.DiskWriteCategory, options ...vfs.OpenOption,
) (vfs.File, error) {
	return f.openForWriting(func() (vfs.File, error) { return f.FS.OpenReadWrite(name, category, options...) })
}

// OpenDir implements vfs.FS. Directories are opened to be synced.
func (f *failStop) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &failStopFile{File: file, disk: f}, nil
}

// Link implements vfs.FS.
func (f *failStop) Link(oldName, newName string) error {
	f.write(func() error { return f.FS.Link(oldName, newName) })
	return nil
}

// Rename implements vfs.FS.
func (f *failStop) Rename(oldName, newName string) error {
	f.write(func() error { return f.FS.Rename(oldName, newName) })
	return nil
}

// Remove implements vfs.FS. A file that cannot be removed endangers nothing, so it does not stop the file system.
func (f *failStop) Remove(name string) error {
	if f.failure() != nil {
		return nil
	}
	return f.FS.Remove(name)
}

// RemoveAll implements vfs.FS, like Remove.
func (f *failStop) RemoveAll(name string) error {
	if f.failure() != nil {
		return nil
	}
	return f.FS.RemoveAll(name)
}

// Unwrap implements vfs.FS.
func (f *failStop) Unwrap() vfs.FS { return f.FS }

// failStopFile is a file of a failStop that was opened for writing, or a directory.
type failStopFile struct {
	vfs.File
	disk *failStop
}

// Write implements vfs.File.
func (f *failStopFile) Write(data []byte) (int, error) {
	length := len(data)
	f.disk.write(func() error { _, err := f.File.Write(data); return err })
	return length, nil
}

// WriteAt implements vfs.File.
func (f *failStopFile) WriteAt(data []byte, offset int64) (int, error) {
	length := len(data)
	f.disk.write(func() error { _, err := f.File.WriteAt(data, offset); return err })
	return length, nil
}

// Preallocate implements vfs.File. It is a hint, which not every file system takes.
func (f *failStopFile) Preallocate(offset, length int64) error {
	if f.disk.failure() != nil {
		return nil
	}
	return f.File.Preallocate(offset, length)
}

// Sync implements vfs.File.
func (f *failStopFile) Sync() error {
	f.disk.write(f.File.Sync)
	return nil
}

// SyncData implements vfs.File.
func (f *failStopFile) SyncData() error {
	f.disk.write(f.File.SyncData)
	return nil
}

// SyncTo implements vfs.File.
func (f *failStopFile) SyncTo(length int64) (fullSync bool, err error) {
	f.disk.write(func() (err error) {
		fullSync, err = f.File.SyncTo(length)
		return err
	})
	return fullSync, nil
}

// Close implements vfs.File. The file is closed in any case.
func (f *failStopFile) Close() error {
	if err := f.File.Close(); err != nil {
		f.disk.stop(err)
	}
	return nil
}
