package consensus

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// room is what has to fit on the disk before a chain that halted goes on: some minutes of blocks, with what the
// databases write when they are opened.
const room = 32 << 20

// reserve is the space at which a chain halts before a write fails: more than a block with its state, several times
// over. Statistics and quotas may not show that a disk is full, so that writes may fail all the same.
const reserve = 16 << 20

// diskFailures are the errors of a disk that takes no writes, but keeps what it has.
var diskFailures = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS}

// diskFull reports whether an error is that of a disk that takes no writes.
func diskFull(err error) bool {
	for _, failure := range diskFailures {
		if errors.Is(err, failure) {
			return true
		}
	}
	return false
}

// freeSpace returns how many bytes this process may still write to the disk of a directory.
func freeSpace(dir string) (uint64, error) {
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

// probeDisk checks that a number of bytes can be written below the home of a chain.
func probeDisk(home string, size int) (err error) {
	path := filepath.Join(home, "room.tmp")
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

// failure is an error of CometBFT's: what it says, bounded, and the cause, if CometBFT passes it on.
type failure struct {
	text  string
	cause error
}

// Error is what CometBFT said.
func (f failure) Error() string { return f.text }

// Unwrap is the cause; nil if only its text is known.
func (f failure) Unwrap() error { return f.cause }
