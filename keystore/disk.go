package keystore

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Permission bits that are too open: for a key file, access by anyone but the owner; for the directory, write access,
// which would allow replacing our files.
const (
	exposedFile      fs.FileMode = 0o077
	exposedDirectory fs.FileMode = 0o022
)

// makeDirectory makes the directory for its owner alone, or checks the existing one. Errors: ErrExposed, ErrUnusable.
func makeDirectory(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("%w: make key directory: %w", ErrUnusable, err)
	}
	return checkDirectory(path)
}

// checkDirectory returns an error if others can write into the directory. Errors: ErrExposed, ErrUnusable.
func checkDirectory(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%w: read key directory: %w", ErrUnusable, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%w: %s is not a directory", ErrUnusable, path)
	}
	if exposes(info.Mode(), exposedDirectory) {
		return fmt.Errorf("%w: others can write into %s (mode %04o); 'chmod 700' it", ErrExposed, path, info.Mode().Perm())
	}
	return nil
}

// exposes reports whether a mode has one of the bits. Windows has no such bits; Go makes them up there.
func exposes(mode, bits fs.FileMode) bool {
	return runtime.GOOS != "windows" && mode.Perm()&bits != 0
}

// readPrivate reads a file that only its owner may read. Anything but a regular file is refused before it is opened,
// since opening a pipe can block forever. Errors: ErrUnknownKey if the file does not exist, ErrForeign, ErrExposed,
// ErrUnusable.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s is a dangling link", ErrUnknownKey, path)
	case err != nil:
		return nil, fmt.Errorf("%w: read key file: %w", ErrUnusable, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w: not a regular file", path, ErrForeign)
	case exposes(info.Mode(), exposedFile):
		return nil, fmt.Errorf("%w: others can read %s (mode %04o); 'chmod 600' it", ErrExposed, path, info.Mode().Perm())
	case info.Size() > MaximumFileSize:
		return nil, fmt.Errorf("%s: %w: longer than %d bytes", path, ErrForeign, MaximumFileSize)
	}
	opened, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: read key file: %w", ErrUnusable, err)
	}
	defer func() { _ = opened.Close() }()
	data, err := io.ReadAll(io.LimitReader(opened, MaximumFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: read key file: %w", ErrUnusable, err)
	}
	return data, nil
}

// writeNew writes a file that must not exist yet, so that after a crash it is either complete or absent. The complete
// file gets its name by a link rather than a rename, which would replace a file that another process created meanwhile.
// Errors: ErrKeyExists, ErrUnusable.
func writeNew(path string, data []byte) error {
	directory := filepath.Dir(path)
	half, err := os.CreateTemp(directory, ".half-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("%w: write key file: %w", ErrUnusable, err)
	}
	defer func() { _ = os.Remove(half.Name()) }()
	_, err = half.Write(data)
	if err := cmp.Or(err, half.Sync(), half.Close()); err != nil {
		return fmt.Errorf("%w: write key file: %w", ErrUnusable, err)
	}
	switch err := os.Link(half.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return ErrKeyExists
	case err != nil:
		return fmt.Errorf("%w: name key file: %w", ErrUnusable, err)
	}
	return syncDirectory(directory)
}

// syncDirectory makes a name, or its removal, durable. Errors: ErrUnusable.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w: sync key directory: %w", ErrUnusable, err)
	}
	if err := cmp.Or(directory.Sync(), directory.Close()); err != nil {
		return fmt.Errorf("%w: sync key directory: %w", ErrUnusable, err)
	}
	return nil
}
