package local

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// failStop is a file system that stops at its first failed write. From then on the files stay as they are, as if the
// process had crashed at that moment, and every write, the failed one included, pretends to succeed. The store calls
// failure after every commit and before it acknowledges anything.
//
// It exists because pebble (v2.1.7) does not survive a failed write:
//   - a failed sync of a commit and a failed write of a manifest end in Logger.Fatalf. If Fatalf returns, DB.Apply reports
//     success for what is not on the disk, and a later manifest may leave a database that does not open;
//   - when a write-ahead log cannot be closed or created during rotation, pebble panics and then unlocks a mutex that is
//     not locked, which cannot be recovered from;
//   - a failed flush is retried forever without a pause, and DB.Open does not return in the meantime.
//
// So failures are hidden from pebble. It keeps working in memory until it is closed, soon after, and opening the directory
// again repairs it by crash recovery, the path that pebble tests best.
type failStop struct {
	vfs.FS
	// onStop is called once, with the first error, from the goroutine that met it. It must not block.
	onStop func(error)
	cause  atomic.Pointer[error]
}

func newFailStop(disk vfs.FS, onStop func(error)) *failStop {
	return &failStop{FS: disk, onStop: onStop}
}

// failure returns the error that stopped the file system; nil while it works.
func (f *failStop) failure() error {
	if cause := f.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

// stop freezes the files.
func (f *failStop) stop(err error) {
	if f.cause.CompareAndSwap(nil, &err) {
		f.onStop(err)
	}
}

// write runs one operation that changes files, unless the file system has stopped.
func (f *failStop) write(operation func() error) {
	if f.failure() != nil {
		return
	}
	if err := operation(); err != nil {
		f.stop(err)
	}
}

// openForWriting runs one operation that opens a file for writing. After a stop it returns a file in memory.
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

// OpenDir implements vfs.FS. Directories are opened in order to sync them.
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

// Remove implements vfs.FS. A file that cannot be removed does no harm, so it does not stop the file system.
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

// failStopFile is a directory, or a file that was opened for writing.
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

// Preallocate implements vfs.File. It is a hint that not every file system supports.
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

// Close implements vfs.File. It closes the file even after a stop.
func (f *failStopFile) Close() error {
	if err := f.File.Close(); err != nil {
		f.disk.stop(err)
	}
	return nil
}
