package localnet

import (
	"cmp"
	"os"
	"path/filepath"
)

// writeFile writes a file atomically: after a crash it has either the new content or the old state.
func writeFile(path string, data []byte) error {
	half := path + halfName
	if err := writeSynced(half, data); err != nil {
		os.Remove(half)
		return err
	}
	if err := os.Rename(half, path); err != nil {
		os.Remove(half)
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return cmp.Or(err, file.Sync(), file.Close())
}

// syncDirectory makes a rename durable.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return cmp.Or(directory.Sync(), directory.Close())
}
