package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/disk"
)

// ForgetUnfinished removes goleveldb databases below a directory whose creation was interrupted when the process was
// killed. goleveldb considers such a database corrupted: it writes a manifest, then the file CURRENT that names it,
// then a journal, and a manifest alone looks like a database that lost its CURRENT. A database that never had a journal
// contains no data. What disks put into directories, like lost+found, is left alone. No database below the directory may
// be open.
func ForgetUnfinished(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if entry != nil && entry.IsDir() && path != root && disk.Owns(entry.Name()) {
			return fs.SkipDir // often readable by the superuser only
		}
		if err != nil {
			return fmt.Errorf("look for databases: %w", err)
		}
		if !entry.IsDir() || filepath.Ext(path) != ".db" {
			return nil
		}
		if err := forgetUnfinished(path); err != nil {
			return fmt.Errorf("forget unfinished database %s: %w", path, err)
		}
		return fs.SkipDir
	})
}

func forgetUnfinished(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var begun []string
	for _, entry := range entries {
		switch name := entry.Name(); {
		case name == "CURRENT", name == "CURRENT.bak", filepath.Ext(name) == ".log", filepath.Ext(name) == ".ldb", filepath.Ext(name) == ".sst":
			return nil
		case strings.HasPrefix(name, "MANIFEST-"), strings.HasPrefix(name, "CURRENT."):
			begun = append(begun, name)
		}
	}
	for _, name := range begun {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
