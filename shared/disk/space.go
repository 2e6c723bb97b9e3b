package disk

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// failures are the errors of a disk that takes no writes, but keeps what it has.
var failures = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS}

// Full reports whether an error is that of a disk that takes no writes, but keeps what it has: it is full, a quota is used
// up, or it is read-only.
func Full(err error) bool {
	for _, failure := range failures {
		if errors.Is(err, failure) {
			return true
		}
	}
	return false
}

// Free returns how many bytes this process may still write to the disk of a directory.
func Free(dir string) (uint64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	blocks := disk.Bavail
	if os.Geteuid() == 0 {
		blocks = disk.Bfree // what is reserved is reserved for the superuser
	}
	return blocks * uint64(disk.Bsize), nil
}

// Probe checks that a number of bytes can be written in a directory. It writes them to a file room.tmp, which it removes.
func Probe(dir string, size int) (err error) {
	path := filepath.Join(dir, "room.tmp")
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(path)) }()
	piece := make([]byte, 1<<20)
	for written := 0; written < size; written += len(piece) {
		if _, err := file.Write(piece); err != nil {
			return err
		}
	}
	return file.Sync()
}
